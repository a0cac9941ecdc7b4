//! Compiles the protobuf definitions: the generated services, and the descriptor set that
//! server reflection serves. Pure Rust, so no `protoc` has to be installed.

use std::{env, fs, path::Path};

use prost::Message;

const PROTOS: [&str; 6] = [
    "mailinggroups/v1/changes.proto",
    "mailinggroups/v1/contacts.proto",
    "mailinggroups/v1/mailing_groups.proto",
    "mailinggroups/v1/memberships.proto",
    "mailinggroups/v1/segments.proto",
    "mailinggroups/v1/selection.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    println!("cargo::rerun-if-changed=migrations");
    let descriptors = protox::compile(PROTOS, ["proto"])?;
    let path = Path::new(&env::var("OUT_DIR")?).join("descriptors.bin");
    fs::write(path, descriptors.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
