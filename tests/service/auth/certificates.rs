//! Callers with client certificates.

use std::fs;

use mailing_groups::pb::{
    ListRevisionsRequest, PrincipalKind, WhoAmIRequest, identity_client::IdentityClient,
};
use tonic::{
    Code, Request,
    transport::{Channel, Endpoint},
};

use super::scene::api_key;
use crate::support::{
    Certificates, Program, Tenant, database, info, new_group, program::command, refused, scratch,
    within,
};

const NAMES: [(&str, &str, &str); 4] = [
    (
        "uri",
        "URI:spiffe://example.com/crm",
        "spiffe://example.com/crm",
    ),
    ("dns", "DNS:crm.example.com", "crm.example.com"),
    ("email", "email:crm@example.com", "crm@example.com"),
    (
        "several",
        "DNS:x.example.com,URI:spiffe://example.com/b",
        "spiffe://example.com/b",
    ),
];

fn rule(san: &str, access: &str) -> String {
    format!(
        "[[client_certificate]]\nsan = \"{san}\"\ntenants = [\"acme\"]\naccess = \"{access}\"\n"
    )
}

/// The program with these rules, and clients with a certificate of its authority.
struct Scene {
    certificates: Certificates,
    endpoint: Endpoint,
    _program: Program,
}

impl Scene {
    async fn start(certificates: Certificates, rules: &str) -> Self {
        fs::write(certificates.path("auth.toml"), rules).unwrap();
        let url = database().await;
        let files = ["server.crt", "server.key", "ca.crt", "auth.toml"];
        let [certificate, key, ca, rules] = files.map(|it| certificates.file(it));
        let arguments = [
            ["--database-url", &url],
            ["--tls-cert", &certificate],
            ["--tls-key", &key],
            ["--tls-client-ca", &ca],
            ["--auth-config", &rules],
        ];
        let mut program = Program::spawn(certificates.folder(), &arguments.concat());
        let url = format!("https://{}", program.address().await);
        Self {
            certificates,
            endpoint: Endpoint::from_shared(url).unwrap(),
            _program: program,
        }
    }

    fn channel(&self, file: &str) -> Channel {
        let tls = self.certificates.trusting("ca");
        let tls = tls.identity(self.certificates.identity(file));
        self.endpoint
            .clone()
            .tls_config(tls)
            .unwrap()
            .connect_lazy()
    }
}

#[tokio::test]
async fn a_caller_is_known_by_a_name_of_its_certificate() {
    let certificates = Certificates::new();
    certificates.client("stranger", "ca", "DNS:other.example.com");
    let mut rules = api_key("mgk_key", "by-key", &["acme"], "reader");
    for (file, san, name) in NAMES {
        certificates.client(file, "ca", san);
        rules += &rule(name, "reader");
    }
    let scene = Scene::start(certificates, &rules).await;
    let who = async |file: &str, authorization: Option<&str>| {
        let channel = scene.channel(file);
        let mut request = Request::new(WhoAmIRequest {});
        if let Some(value) = authorization {
            let value = value.parse().unwrap();
            request.metadata_mut().insert("authorization", value);
        }
        let answer = within(IdentityClient::new(channel).who_am_i(request)).await;
        let answer = answer.map(|it| (it.get_ref().kind(), it.get_ref().principal.clone()));
        answer.map_err(|status| info(&status).reason)
    };
    for (file, _, name) in NAMES {
        let expected = (PrincipalKind::ClientCertificate, name.to_owned());
        assert_eq!(who(file, None).await, Ok(expected));
    }
    let refused = Err("CREDENTIALS_INVALID".to_owned());
    assert_eq!(who("stranger", None).await, refused);
    assert_eq!(
        who("uri", Some("Bearer mgk_no")).await,
        refused,
        "no way round a token"
    );
    let by_key = (PrincipalKind::ApiKey, "by-key".to_owned());
    assert_eq!(who("stranger", Some("Bearer mgk_key")).await, Ok(by_key));
}

#[tokio::test]
async fn a_certificate_grants_access_and_names_who_made_a_revision() {
    let certificates = Certificates::new();
    certificates.client("definer", "ca", "URI:spiffe://example.com/crm");
    certificates.client("reader", "ca", "DNS:report.example.com");
    certificates.client("forged", "other", "URI:spiffe://example.com/crm");
    let rules = rule("spiffe://example.com/crm", "definer") + &rule("report.example.com", "reader");
    let scene = Scene::start(certificates, &rules).await;
    let tenant = |file: &str, name: &str| Tenant::over(scene.channel(file), name);
    let group = || new_group("MOVE", "");
    let created = tenant("definer", "acme").create_group(group(), "").await;
    assert_eq!(created.unwrap().revision, 1);
    let request = ListRevisionsRequest::default();
    let listed = tenant("reader", "acme")
        .groups
        .list_revisions(request)
        .await;
    let revisions = listed.unwrap().into_inner().revisions;
    assert_eq!(revisions[0].actors, ["spiffe://example.com/crm"]);
    let denied = |reason: &str| (Code::PermissionDenied, reason.to_owned());
    let outcome = tenant("reader", "acme").create_group(group(), "").await;
    assert_eq!(refused(outcome), denied("ACCESS_DENIED"));
    let outcome = tenant("definer", "globex").create_group(group(), "").await;
    assert_eq!(refused(outcome), denied("TENANT_NOT_GRANTED"));
    // Another authority may name whom it likes: the handshake fails.
    let failed = tenant("forged", "acme")
        .get_group("MOVE")
        .await
        .unwrap_err();
    let cause = format!("{failed:?}");
    assert!(
        cause.contains("UnknownCA") || cause.contains("UnknownIssuer"),
        "{cause}"
    );
}

#[test]
fn rules_for_certificates_need_tls_that_asks_for_them() {
    let folder = scratch();
    let file = folder.path().join("auth.toml");
    fs::write(&file, rule("crm.example.com", "reader")).unwrap();
    let mut command = command(["--listen", "127.0.0.1:0", "--auth-config"]);
    let done = command.arg(&file).output().unwrap();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{errors}");
    for part in ["auth.toml: line 2", "--tls-client-ca FILE"] {
        assert!(errors.contains(part), "{errors}");
    }
}
