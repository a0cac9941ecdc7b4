//! Compiles the protobuf definitions: the generated services, the descriptor set that server
//! reflection serves, and what the handlers need to know of a request's RPC. Pure Rust, so no
//! `protoc` has to be installed.

use std::{collections::BTreeMap, env, fs, path::Path};

use prost_types::{DescriptorProto, FileDescriptorSet};
use protox::{
    Compiler,
    prost_reflect::{Cardinality, DescriptorPool, Kind, MessageDescriptor},
};

#[path = "src/model/limits.rs"]
mod limits;

const PROTOS: [&str; 10] = [
    "mailinggroups/v1/access.proto",
    "mailinggroups/v1/changes.proto",
    "mailinggroups/v1/contacts.proto",
    "mailinggroups/v1/errors.proto",
    "mailinggroups/v1/identity.proto",
    "mailinggroups/v1/mailing_groups.proto",
    "mailinggroups/v1/memberships.proto",
    "mailinggroups/v1/segments.proto",
    "mailinggroups/v1/selection.proto",
    "mailinggroups/v1/tenants.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    println!("cargo::rerun-if-changed=src/model/limits.rs");
    println!("cargo::rerun-if-changed=migrations");
    let mut compiler = Compiler::new(["proto"])?;
    compiler.include_source_info(true).include_imports(true);
    compiler.open_files(PROTOS)?;
    let descriptors = compiler.file_descriptor_set();
    let out = env::var("OUT_DIR")?;
    let out = Path::new(&out);
    // Unlike an encoded `FileDescriptorSet`, this has the options of the package's own too.
    let encoded = compiler.encode_file_descriptor_set();
    fs::write(out.join("descriptors.bin"), encoded)?;
    fs::write(out.join("requests.rs"), request_impls(&descriptors))?;
    let pool = compiler.descriptor_pool();
    fs::write(out.join("access.rs"), access_table(&pool)?)?;
    fs::write(out.join("repeated.rs"), repeated_fields(&pool))?;
    tonic_prost_build::configure()
        .codec_path("crate::api::codec::BoundedCodec")
        // In order: what is encoded of equal requests is equal.
        .btree_map(".mailinggroups.v1.Contact")
        .compile_fds(descriptors)?;
    Ok(())
}

/// Implements the traits of `src/pb.rs` for the requests: the name of the RPC for each, access to
/// the paging fields, to the `request_id` and to `validate_only` for those that have them. A message that two RPCs
/// take does not compile, as it implements `RpcRequest` twice.
fn request_impls(descriptors: &FileDescriptorSet) -> String {
    let files = || descriptors.file.iter();
    let methods = files()
        .flat_map(|file| &file.service)
        .flat_map(|it| &it.method);
    let mut code = String::new();
    for method in methods {
        let request = method.input_type().rsplit('.').next().unwrap_or_default();
        let name = method.name();
        code +=
            &format!("impl RpcRequest for {request} {{ const RPC: &'static str = {name:?}; }}\n");
        let message = files()
            .flat_map(|file| &file.message_type)
            .find(|message| message.name() == request);
        code += &message.map(field_impls).unwrap_or_default();
    }
    code
}

fn field_impls(request: &DescriptorProto) -> String {
    let has = |name: &str| request.field.iter().any(|field| field.name() == name);
    let name = request.name();
    let mut code = String::new();
    for token in ["page_token", "resume_token"] {
        if has("page_size") && has(token) {
            code += &format!(
                "impl PagedRequest for {name} {{ fn paging(&mut self) -> (&mut i32, &mut String) \
                 {{ (&mut self.page_size, &mut self.{token}) }} }}\n"
            );
        }
    }
    if has("request_id") {
        let validate_only = match has("validate_only") {
            true => "self.validate_only",
            false => "false",
        };
        code += &format!(
            "impl IdempotentRequest for {name} {{ fn request_id(&mut self) -> &mut String \
             {{ &mut self.request_id }} fn validate_only(&self) -> bool {{ {validate_only} }} }}\n"
        );
    }
    code
}

/// What each RPC has as its option `(mailinggroups.v1.access)`, by path.
fn access_table(pool: &DescriptorPool) -> Result<String, &'static str> {
    let option = pool.get_extension_by_name("mailinggroups.v1.access");
    let option = option.ok_or("there is no option mailinggroups.v1.access")?;
    let mut rows = Vec::new();
    for service in pool.services() {
        for method in service.methods() {
            let options = method.options();
            let number = options.get_extension(&option).as_enum_number();
            let path = format!("/{}/{}", service.full_name(), method.name());
            rows.push((path, number.unwrap_or_default()));
        }
    }
    Ok(format!("{rows:?}"))
}

/// Implements `RepeatedFields` of `src/pb.rs`. Responses have none to count: the service is trusted.
fn repeated_fields(pool: &DescriptorPool) -> String {
    let mut fields = BTreeMap::new();
    for method in pool
        .services()
        .flat_map(|it| it.methods().collect::<Vec<_>>())
    {
        let mut repeated = String::new();
        let request = method.input();
        add_repeated(&request, request.name(), &[], "", &mut repeated);
        fields.insert(request.name().to_owned(), repeated);
        fields.entry(method.output().name().to_owned()).or_default();
    }
    let impls = fields.iter().map(|(message, fields)| {
        format!(
            "impl RepeatedFields for {message} {{ const REPEATED: &'static [RepeatedField] = \
             &[{fields}]; }}\n"
        )
    });
    impls.collect()
}

/// How many items a repeated field of a request takes, as its comment says.
fn max_items(request: &str, field: &str) -> usize {
    if let Some(contacts) = field.strip_suffix(".attributes") {
        let contacts = match contacts {
            "contact" => 1,
            several => max_items(request, several),
        };
        return contacts * limits::MAX_ATTRIBUTES;
    }
    match (request, field) {
        // All of them fit in a message.
        ("BatchGetContactsRequest", "ids")
        | ("BatchGetMailingGroupsRequest", "codes")
        | ("BatchCreateContactsRequest", "contacts") => 1_000,
        // As many as there are.
        ("WatchChangesRequest", "kinds") => 4,
        _ => limits::MAX_BATCH_ITEMS,
    }
}

/// Adds the repeated fields of a message and of the messages in it. No request is recursive.
fn add_repeated(
    message: &MessageDescriptor,
    request: &str,
    above: &[u32],
    prefix: &str,
    code: &mut String,
) {
    for field in message.fields() {
        let name = format!("{prefix}{}", field.name());
        let numbers = [above, &[field.number()]].concat();
        let kind = field.kind();
        if field.cardinality() == Cardinality::Repeated {
            let is_text = matches!(kind, Kind::Message(_) | Kind::String | Kind::Bytes);
            *code += &format!(
                "RepeatedField {{ name: {name:?}, numbers: &{numbers:?}, varints: {}, is_map: {}, max: {} }},",
                !is_text,
                field.is_map(),
                max_items(request, &name)
            );
        }
        if let Kind::Message(inner) = kind {
            add_repeated(&inner, request, &numbers, &format!("{name}."), code);
        }
    }
}
