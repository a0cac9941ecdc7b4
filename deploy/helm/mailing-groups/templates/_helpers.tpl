{{- define "mailing-groups.labels" -}}
{{ include "mailing-groups.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "mailing-groups.selector" -}}
app.kubernetes.io/name: mailing-groups
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "mailing-groups.name" -}}
{{ if eq .Release.Name "mailing-groups" }}mailing-groups{{ else }}{{ printf "%s-mailing-groups" .Release.Name | trunc 63 | trimSuffix "-" }}{{ end }}
{{- end }}
