//! docs/api.md: every call, message and value, for people.

mod fields;
mod prose;

use prost_reflect::{
    DescriptorPool, DynamicMessage, EnumDescriptor, FileDescriptor, MessageDescriptor,
    MethodDescriptor, ServiceDescriptor, prost_types::method_options::IdempotencyLevel,
};

use self::{fields::Fields, prose::Prose};
use super::{PACKAGE, comment, idempotency, is_stream, short};

const ABOUT: &str = "\
<!-- Made of the descriptors by `make api`. -->

# API reference

Every call, message and value of the package `mailinggroups.v1`, as the comments in [proto/](../proto/mailinggroups/v1) describe them.
[Browsers and curl](http.md) says how these calls are made as JSON over HTTP, [Errors](errors.md) what to do about each error, and
[Access](operations.md#access) who may do what. The line under a call says which access it needs, how it can be repeated
after an error, and how it is made over HTTP.";

/// The path of the `package` statement in a file.
const PACKAGE_PATH: [i32; 1] = [2];

/// The enum that has a section of its own.
const REASONS: &str = "ErrorReason";

struct Reference {
    services: Vec<ServiceDescriptor>,
    /// All but those of a call.
    messages: Vec<MessageDescriptor>,
    /// All but the reasons of errors.
    enums: Vec<EnumDescriptor>,
    reasons: EnumDescriptor,
    /// What holds for every call.
    about: String,
    prose: Prose,
    fields: Fields,
}

pub(super) fn document(pool: &DescriptorPool) -> String {
    let reference = Reference::new(pool);
    let sections = reference.sections();
    let contents = sections.iter().map(Section::contents);
    let contents: String = contents.collect();
    let bodies = sections.into_iter().map(|it| it.body);
    let bodies: Vec<_> = bodies.collect();
    format!("{ABOUT}\n\n{contents}\n{}\n", bodies.join("\n\n"))
}

/// A part of the document, and the headings in it.
struct Section {
    title: String,
    entries: Vec<String>,
    body: String,
}

impl Section {
    fn new(title: &str, entries: Vec<String>, parts: Vec<String>) -> Self {
        let parts: Vec<_> = parts.into_iter().filter(|it| !it.is_empty()).collect();
        Self {
            title: title.to_owned(),
            entries,
            body: format!("## {title}\n\n{}", parts.join("\n\n")),
        }
    }

    fn contents(&self) -> String {
        let entries: Vec<_> = self.entries.iter().map(|it| link(it)).collect();
        let colon = if entries.is_empty() { "" } else { ": " };
        format!("- {}{colon}{}\n", link(&self.title), entries.join(", "))
    }
}

impl Reference {
    fn new(pool: &DescriptorPool) -> Self {
        let files: Vec<_> = pool.files().collect();
        let files = files.into_iter().filter(|it| it.package_name() == PACKAGE);
        let files: Vec<FileDescriptor> = files.collect();
        let mut services: Vec<_> = files.iter().flat_map(FileDescriptor::services).collect();
        let mut messages: Vec<_> = files.iter().flat_map(FileDescriptor::messages).collect();
        let mut enums: Vec<_> = files.iter().flat_map(FileDescriptor::enums).collect();
        services.sort_by_key(|it| it.name().to_owned());
        messages.sort_by_key(|it| it.name().to_owned());
        enums.sort_by_key(|it| it.name().to_owned());
        let prose = Prose::new(&services, &messages, &enums);
        let fields = Fields::new(&messages);
        let methods: Vec<_> = services
            .iter()
            .flat_map(ServiceDescriptor::methods)
            .collect();
        messages.retain(|it| {
            methods
                .iter()
                .all(|of| of.input() != *it && of.output() != *it)
        });
        let reasons = enums.iter().position(|it| it.name() == REASONS).unwrap();
        let reasons = enums.remove(reasons);
        let about = files.iter().map(|it| comment(it, &PACKAGE_PATH));
        let about = about.collect();
        Self {
            services,
            messages,
            enums,
            reasons,
            about,
            prose,
            fields,
        }
    }

    fn sections(&self) -> Vec<Section> {
        let about = self.prose.linked(&self.about);
        let mut every = vec![about];
        every.extend(self.fields.shared(&self.prose));
        let mut sections = vec![Section::new("Every call", Vec::new(), every)];
        sections.extend(self.services.iter().map(|it| self.service(it)));
        sections.push(Section::new(
            "Messages",
            self.messages
                .iter()
                .map(|it| it.name().to_owned())
                .collect(),
            self.messages.iter().map(|it| self.message(it, 3)).collect(),
        ));
        sections.push(Section::new(
            "Enums",
            self.enums.iter().map(|it| it.name().to_owned()).collect(),
            self.enums.iter().map(|it| self.enumeration(it)).collect(),
        ));
        sections.push(self.reasons());
        sections
    }

    fn service(&self, service: &ServiceDescriptor) -> Section {
        let about = comment(&service.parent_file(), service.path());
        let mut parts = vec![self.prose.linked(&about)];
        parts.extend(service.methods().map(|it| self.method(&it)));
        let names = service.methods().map(|it| it.name().to_owned()).collect();
        Section::new(service.name(), names, parts)
    }

    fn method(&self, method: &MethodDescriptor) -> String {
        let about = comment(&method.parent_file(), method.path());
        let parts = [
            format!("### {}", method.name()),
            self.prose.linked(&about),
            facts(method),
            self.message(&method.input(), 4),
            self.message(&method.output(), 4),
        ];
        parts.join("\n\n")
    }

    /// A message with those in it, under a heading of this level.
    fn message(&self, message: &MessageDescriptor, level: usize) -> String {
        let about = comment(&message.parent_file(), message.path());
        let mut parts = vec![
            format!("{} {}", "#".repeat(level), short(message.full_name())),
            self.prose.linked(without_role(&about)),
            self.fields.table(message, &self.prose),
        ];
        let inner = message.child_messages().filter(|it| !it.is_map_entry());
        parts.extend(inner.map(|it| self.message(&it, level + 1)));
        parts.retain(|it| !it.is_empty());
        parts.join("\n\n")
    }

    fn enumeration(&self, values: &EnumDescriptor) -> String {
        let about = comment(&values.parent_file(), values.path());
        let rows = self.values(values, |name| format!("`{name}`"));
        let about = self.prose.linked(&about);
        format!(
            "### {}\n\n{about}\n\n{}",
            values.name(),
            table("value", &rows)
        )
    }

    fn reasons(&self) -> Section {
        let about = comment(&self.reasons.parent_file(), self.reasons.path());
        let rows = self.values(&self.reasons, |name| {
            let reason = name.trim_start_matches(prose::REASON);
            format!("<a id=\"{}\"></a>`{reason}`", prose::anchor(reason))
        });
        let parts = vec![self.prose.linked(&about), table("reason", &rows)];
        Section::new("Error reasons", Vec::new(), parts)
    }

    fn values(&self, values: &EnumDescriptor, cell: impl Fn(&str) -> String) -> String {
        let file = values.parent_file();
        let row = |name: &str, path: &[i32]| {
            let about = self.prose.cell(&comment(&file, path));
            format!("| {} | {about} |\n", cell(name))
        };
        values
            .values()
            .map(|it| row(it.name(), it.path()))
            .collect()
    }
}

/// The comment without "Request of X." and "Response of X.", which the heading says.
fn without_role(comment: &str) -> &str {
    let is_role =
        |first: &str| first.starts_with("Request of ") || first.starts_with("Response of ");
    match comment.split_once('.') {
        Some((first, rest)) if is_role(first) && !first.contains([':', ',']) => rest.trim(),
        _ => comment,
    }
}

/// What the options of a call say.
fn facts(method: &MethodDescriptor) -> String {
    let access = access(method);
    let repeat = match idempotency(method) {
        IdempotencyLevel::NoSideEffects => "as it is, it only reads",
        IdempotencyLevel::Idempotent => "as it is",
        IdempotencyLevel::IdempotencyUnknown => repeated_by(&method.input()),
    };
    let streams = match (method.is_client_streaming(), method.is_server_streaming()) {
        (false, false) => "",
        (false, true) => " · **Streams** responses",
        (true, false) => " · **Streams** requests",
        (true, true) => " · **Streams** requests and responses",
    };
    let http = match idempotency(method) {
        _ if is_stream(method) => "[stream](http.md#streams)",
        IdempotencyLevel::NoSideEffects => "`GET` `POST`",
        IdempotencyLevel::Idempotent | IdempotencyLevel::IdempotencyUnknown => "`POST`",
    };
    format!("**Access** [{access}](#access) · **Repeat** {repeat} · **HTTP** {http}{streams}")
}

fn access(method: &MethodDescriptor) -> String {
    let pool = method.parent_pool();
    let option = pool
        .get_extension_by_name("mailinggroups.v1.access")
        .unwrap();
    let options: DynamicMessage = method.options();
    let value = options.get_extension(&option);
    let number = value.as_ref().as_enum_number().unwrap();
    let values = pool.get_enum_by_name("mailinggroups.v1.Access").unwrap();
    let value = values.get_value(number).unwrap();
    value.name().trim_start_matches("ACCESS_").to_owned()
}

/// By which id a request that changes something is repeated.
fn repeated_by(request: &MessageDescriptor) -> &'static str {
    match request.get_field_by_name("request_id") {
        Some(_) => "with the same `request_id`",
        None => {
            let mut inner = request.child_messages();
            assert!(
                inner.any(|it| it.get_field_by_name("import_id").is_some()),
                "{request:?}"
            );
            "with the same `import_id`"
        }
    }
}

fn table(first: &str, rows: &str) -> String {
    format!("| {first} | |\n| --- | --- |\n{}", rows.trim_end())
}

/// A link to the heading.
fn link(heading: &str) -> String {
    format!("[{heading}](#{})", prose::anchor(heading))
}
