//! Files that do not fit are named at the start.

use super::TlsService;
use crate::support::{Certificates, Program, database, program::command, scratch};

/// The error of a start with these arguments.
fn refusal(certificates: &Certificates, arguments: &[&str]) -> String {
    let data = certificates.file("data");
    let mut command = command(["--data-dir", &data]);
    let done = command.args(arguments).output().unwrap();
    assert!(!done.status.success());
    String::from_utf8(done.stderr).unwrap()
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let certificates = Certificates::new();
    certificates.server("next", "ca");
    certificates.run(
        "openssl pkcs8 -topk8 -in server.key -passout pass:x -out encrypted.key
         openssl ec -in server.key -aes256 -passout pass:x -out legacy.key
         openssl x509 -in server.crt -outform DER -out server.der
         echo '-----BEGIN CERTIFICATE-----' > broken.crt",
    );
    let (server, key) = (
        certificates.file("server.crt"),
        certificates.file("server.key"),
    );
    let cases = [
        ("none.crt", "server.key", "--tls-cert", "No such file"),
        ("server.der", "server.key", "--tls-cert", "-inform DER"),
        ("server.key", "server.key", "--tls-cert", "no certificate"),
        ("broken.crt", "server.key", "--tls-cert", "broken.crt: "),
        ("server.crt", "none.key", "--tls-key", "No such file"),
        ("server.crt", "server.crt", "--tls-key", "no private key"),
        (
            "server.crt",
            "encrypted.key",
            "--tls-key",
            "openssl pkey -in",
        ),
        ("server.crt", "legacy.key", "--tls-key", "openssl pkey -in"),
        ("server.crt", "next.key", "--tls-key", "does not match"),
    ];
    for (certificate, key, flag, reason) in cases {
        let files = [certificates.file(certificate), certificates.file(key)];
        let pair = ["--tls-cert", &files[0], "--tls-key", &files[1]];
        let arguments = [&pair[..], &["--listen", "127.0.0.1:0"]].concat();
        let error = refusal(&certificates, &arguments);
        assert!(error.contains(&format!("error: {flag} ")), "{error}");
        assert!(error.contains(reason), "{certificate} {key}: {error}");
    }
    let pair = [
        "--tls-cert",
        &server,
        "--tls-key",
        &key,
        "--listen",
        "127.0.0.1:0",
    ];
    let authority = [&pair[..], &["--tls-client-ca", &key]].concat();
    let error = refusal(&certificates, &authority);
    assert!(error.contains("--tls-client-ca"), "{error}");
    assert!(error.contains("no certificate"), "{error}");
    let error = refusal(&certificates, &pair[..2]);
    assert!(error.contains("--tls-key <FILE>"), "{error}");
}

#[tokio::test]
async fn an_expired_certificate_is_served_with_a_warning() {
    let certificates = Certificates::new();
    certificates.expired("server");
    let service = TlsService::start(certificates, &[]).await;
    let log = service.program.log();
    assert!(
        log.contains("server.crt: the certificate expired at "),
        "{log}"
    );
    let refused = service.connect().await.unwrap_err();
    assert!(refused.contains("Expired"), "{refused}");
}

#[tokio::test]
async fn other_computers_are_served_with_security_or_on_demand() {
    let certificates = Certificates::new();
    let error = refusal(&certificates, &["--listen", "0.0.0.0:0"]);
    assert!(error.contains("without TLS and authentication"), "{error}");
    assert!(error.contains("or --insecure"), "{error}");
    assert!(!certificates.path("data").exists());

    let (folder, url) = (scratch(), database().await);
    let arguments = ["--database-url", &url, "--insecure"];
    let mut program = Program::spawn_on("0.0.0.0:0", folder.path(), &arguments, &[]);
    let line = program.line().await;
    let port = program.address_in(line.as_deref()).port();
    let lines = program.lines(4);
    let security = "Security: no TLS, no authentication by --auth-config";
    assert!(lines.iter().any(|it| it == security), "{lines:?}");
    let grpcurl = format!("grpcurl -plaintext 127.0.0.1:{port} list");
    let rest = [lines, program.lines(1)].concat().join("\n");
    assert!(rest.contains(&grpcurl), "{rest}");
    let log = program.log();
    assert_eq!(
        log.matches("--insecure: other computers reach").count(),
        1,
        "{log}"
    );

    let ca = certificates.file("ca.crt");
    let arguments = ["--tls-client-ca", &ca];
    let mut service = TlsService::start_on("0.0.0.0:0", certificates, &arguments).await;
    let port = service.address.port();
    let lines = service.program.lines(5).join("\n");
    assert!(
        lines.contains(&format!("Security: TLS, certificates of clients by {ca}")),
        "{lines}"
    );
    let grpcurl = "grpcurl -cacert AUTHORITY.crt -cert CLIENT.crt -key CLIENT.key";
    assert!(
        lines.contains(&format!("{grpcurl} localhost:{port} list")),
        "{lines}"
    );
}
