//! The flags of the client commands for TLS and tokens.

use std::process::Output;

use super::TlsService;
use crate::support::{Certificates, Program, database, program::command, scratch};

/// Lists the tenants, with flags that are separated by spaces.
fn list(flags: &str) -> Output {
    let mut command = command(["tenant", "list"]);
    command.args(flags.split_whitespace()).output().unwrap()
}

#[track_caller]
fn succeeds(flags: &str) {
    let listed = list(flags);
    let errors = String::from_utf8_lossy(&listed.stderr);
    assert_eq!(listed.status.code(), Some(0), "{flags}: {errors}");
}

#[track_caller]
fn fails(flags: &str, code: i32, advice: &str) {
    let listed = list(flags);
    let errors = String::from_utf8_lossy(&listed.stderr);
    assert_eq!(listed.status.code(), Some(code), "{flags}: {errors}");
    assert!(errors.contains(advice), "{flags}: {errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_speak_tls_and_say_what_to_do_if_that_fails() {
    let service = TlsService::start(Certificates::new(), &[]).await;
    let certificates = &service.certificates;
    let (ca, other) = (certificates.file("ca.crt"), certificates.file("other.crt"));
    let endpoint = format!("--endpoint https://{}", service.address);
    succeeds(&format!("{endpoint} --ca {ca}"));
    succeeds(&format!("{endpoint} --ca {ca} --token anything"));
    fails(&endpoint, 1, "name the authority with --ca FILE");
    fails(&format!("{endpoint} --ca {other}"), 1, "UnknownIssuer");
    fails(&format!("{endpoint} --ca /none"), 1, "cannot read /none");
    let key = certificates.file("ca.key");
    fails(&format!("{endpoint} --ca {key}"), 1, "--ca");
    fails(&format!("{endpoint} --cert {ca}"), 2, "--cert needs --key");
    let plain = format!("--endpoint http://{}", service.address);
    fails(&plain, 1, "write --endpoint https://");
    fails(&format!("{plain} --ca {ca}"), 2, "--ca is for TLS");
    let named = format!("--endpoint https://localhost:{}", service.address.port());
    succeeds(&format!("{named} --ca {ca}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_show_their_certificate() {
    let certificates = Certificates::new();
    certificates.client("client", "ca", "DNS:client");
    certificates.client("stranger", "other", "DNS:stranger");
    let ca = certificates.file("ca.crt");
    let service = TlsService::start(certificates, &["--tls-client-ca", &ca]).await;
    let endpoint = format!("--endpoint https://{} --ca {ca}", service.address);
    let pair = |name: &str| {
        let file = |kind| service.certificates.file(&format!("{name}.{kind}"));
        format!("--cert {} --key {}", file("crt"), file("key"))
    };
    succeeds(&format!("{endpoint} {}", pair("client")));
    fails(&endpoint, 1, "name yours with --cert FILE --key FILE");
    fails(&format!("{endpoint} {}", pair("stranger")), 1, "--cert");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_tls_is_called_without_it() {
    let folder = scratch();
    let file = folder.path().join("url");
    std::fs::write(&file, database().await + "\n").unwrap();
    let file = file.display().to_string();
    let mut program = Program::spawn(folder.path(), &["--database-url-file", &file]);
    let address = program.address().await;
    succeeds(&format!("--endpoint http://{address} --token anything"));
    fails(
        &format!("--endpoint https://{address}"),
        1,
        "write --endpoint http://",
    );
}

/// Makes a certificate that is its own authority, as docs/operations.md does.
fn self_signed(certificates: &Certificates, constraints: &str) {
    certificates.run(&format!(
        "openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 30 -subj /CN=localhost \
             -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -addext basicConstraints=critical,{constraints} \
             -keyout server.key -out server.crt"
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_its_own_authority_can_be_trusted() {
    let certificates = Certificates::new();
    self_signed(&certificates, "CA:FALSE");
    let mut service = TlsService::start(certificates, &[]).await;
    let own = service.certificates.file("server.crt");
    let port = service.address.port();
    succeeds(&format!("--endpoint https://localhost:{port} --ca {own}"));
    let greeting = service.program.lines(5).join("\n");
    let grpcurl = format!("grpcurl -cacert {own} localhost:{port} list");
    assert!(greeting.contains(&grpcurl), "{greeting}");

    let certificates = Certificates::new();
    self_signed(&certificates, "CA:TRUE");
    let service = TlsService::start(certificates, &[]).await;
    let own = service.certificates.file("server.crt");
    let port = service.address.port();
    let flags = format!("--endpoint https://localhost:{port} --ca {own}");
    fails(&flags, 1, "basicConstraints=critical,CA:FALSE");
}

#[test]
fn a_token_is_not_sent_in_clear_to_another_computer() {
    let endpoint = "--endpoint http://192.0.2.1:1 --token secret";
    fails(endpoint, 2, "use https://, or --allow-plaintext-token");
    let folder = scratch();
    let file = folder.path().join("token");
    let flags = format!(
        "--endpoint http://127.0.0.1:1 --token-file {}",
        file.display()
    );
    fails(&flags, 1, "cannot read");
    std::fs::write(&file, "two words").unwrap();
    fails(&flags, 1, "not a token");
}

#[test]
fn a_database_url_file_that_is_of_no_use_is_named() {
    for (file, reason) in [("/none", "No such file"), ("/dev/null", "is empty")] {
        let mut command = command(["check", "--database-url-file", file]);
        let done = command.output().unwrap();
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(errors.contains("--database-url-file"), "{errors}");
        assert!(errors.contains(reason), "{errors}");
    }
}
