//! Files that do not fit are named at the start.

use super::TlsService;
use crate::support::{Certificates, program::command};

/// The error of a start with these arguments.
fn refusal(certificates: &Certificates, arguments: &[&str]) -> String {
    let data = certificates.file("data");
    let mut command = command(["--listen", "127.0.0.1:0", "--data-dir", &data]);
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
        let arguments = ["--tls-cert", &files[0], "--tls-key", &files[1]];
        let error = refusal(&certificates, &arguments);
        assert!(error.contains(&format!("error: {flag} ")), "{error}");
        assert!(error.contains(reason), "{certificate} {key}: {error}");
    }
    let pair = ["--tls-cert", &server, "--tls-key", &key];
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
