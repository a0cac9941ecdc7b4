//! Callers with client certificates.

use std::fs;

use mailing_groups::pb::{PrincipalKind, WhoAmIRequest, identity_client::IdentityClient};
use tonic::{Request, transport::Endpoint};

use super::scene::api_key;
use crate::support::{Certificates, Program, database, info, within};

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

#[tokio::test]
async fn a_caller_is_known_by_a_name_of_its_certificate() {
    let certificates = Certificates::new();
    certificates.client("stranger", "ca", "DNS:other.example.com");
    let mut rules = api_key("mgk_key", "by-key", &["acme"], "reader");
    for (file, san, name) in NAMES {
        certificates.client(file, "ca", san);
        rules += &format!(
            "[[client_certificate]]\nsan = \"{name}\"\ntenants = [\"acme\"]\naccess = \"reader\"\n"
        );
    }
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
    let endpoint = Endpoint::from_shared(format!("https://{}", program.address().await)).unwrap();
    let who = async |file: &str, authorization: Option<&str>| {
        let tls = certificates
            .trusting("ca")
            .identity(certificates.identity(file));
        let channel = endpoint.clone().tls_config(tls).unwrap().connect_lazy();
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
