//! Every RPC refuses whoever may not call it, before anything else.

use mailing_groups::pb::{Access, method_access};
use serde_json::{Value, json};
use tonic::Code;

use super::{
    scene::{Scene, api_key, issuer},
    tokens::{Signer, changed, claims, in_seconds, signed, signed_with_public_key, token},
};
use crate::wire::raw::{Answer, error_info};

const INVALID: (Code, &str) = (Code::Unauthenticated, "CREDENTIALS_INVALID");

fn outcome(answer: &Answer) -> (Code, String) {
    (answer.status.code(), error_info(&answer.status).reason)
}

fn is(expected: (Code, &str)) -> (Code, String) {
    (expected.0, expected.1.to_owned())
}

/// The names of kinds of access, from the least on.
const ACCESS: [&str; 4] = ["reader", "assigner", "definer", "admin"];

/// The position of an RPC's access in [`ACCESS`].
fn level(access: Access) -> usize {
    match access {
        Access::Unspecified => panic!("every RPC has one"),
        Access::Read => 0,
        Access::Assign => 1,
        Access::Define => 2,
        Access::Admin => 3,
    }
}

/// Authorizations that no RPC takes, with what it answers.
fn refused(scene: &Scene) -> Vec<(String, String, (Code, &'static str))> {
    let good = claims(&["acme"], "admin");
    let mut cases = Vec::new();
    let mut case = |name: &str, value: String, outcome| {
        cases.push((name.to_owned(), value, outcome));
    };
    let change = |name: &str, value: Value| scene.token(&changed("admin", name, value));
    let expired = (Code::Unauthenticated, "TOKEN_EXPIRED");
    let early = (Code::Unauthenticated, "TOKEN_NOT_YET_VALID");
    case("expired", change("exp", in_seconds(-120)), expired);
    case("early", change("nbf", in_seconds(120)), early);
    case("exp as text", change("exp", json!("9999999999")), INVALID);
    case("nbf as text", change("nbf", json!("1")), INVALID);
    case(
        "issuer",
        change("iss", json!("https://other.example.com/")),
        INVALID,
    );
    case("audience", change("aud", json!(["other"])), INVALID);
    case("no tenants", change("tenants", json!([])), INVALID);
    case("tenants", change("tenants", json!(["Acme"])), INVALID);
    case("access", change("access", json!("owner")), INVALID);
    case("subject", change("sub", json!("a\nb")), INVALID);
    for claim in ["exp", "iss", "aud", "sub", "tenants", "access"] {
        case(claim, change(claim, Value::Null), INVALID);
    }
    let none = |_: &[u8]| Vec::new();
    case(
        "alg none",
        token(json!({"alg": "none"}), &good, none),
        INVALID,
    );
    let unsigned = json!({"alg": "EdDSA", "kid": "ed"});
    case("no signature", token(unsigned, &good, none), INVALID);
    let public = signed_with_public_key(&scene.signer, "ed", &good);
    case("public key as a secret", public, INVALID);
    let mut flipped = scene.token(&good).into_bytes();
    let at = flipped.len() - 10;
    flipped[at] = if flipped[at] == b'A' { b'B' } else { b'A' };
    case("flipped bit", String::from_utf8(flipped).unwrap(), INVALID);
    let other = Signer::ed25519();
    case("another key", signed(&other, "ed", &good), INVALID);
    case(
        "unknown key id",
        signed(&scene.signer, "new", &good),
        INVALID,
    );
    let p256 = Signer::p256();
    case("another algorithm", signed(&p256, "ed", &good), INVALID);
    case("revoked key", "Bearer mgk_revoked".to_owned(), INVALID);
    case("no scheme", "mgk_reader".to_owned(), INVALID);
    case("basic", "Basic bWdrOnJlYWRlcg==".to_owned(), INVALID);
    case("nothing", "Bearer ".to_owned(), INVALID);
    case("no token", "Bearer a.b.c".to_owned(), INVALID);
    case(
        "long",
        format!("Bearer {}.b.c", "a".repeat(8 << 10)),
        INVALID,
    );
    cases
}

async fn scene() -> Scene {
    let mut rules = issuer();
    for access in ACCESS {
        rules += &api_key(&format!("mgk_{access}"), access, &["acme"], access);
    }
    Scene::start(&rules).await
}

#[tokio::test]
async fn every_rpc_refuses_unknown_callers() {
    let scene = scene().await;
    let client = scene.client().await;
    let refused = refused(&scene);
    for (path, _) in method_access() {
        let missing = client.call(path, &[], ()).await.unwrap();
        let expected = (Code::Unauthenticated, "CREDENTIALS_MISSING");
        assert_eq!(outcome(&missing), is(expected), "{path}");
        assert_eq!(missing.headers["www-authenticate"], "Bearer", "{path}");
        let two = [("authorization", "Bearer mgk_admin"); 2];
        let two = client.call(path, &two, ()).await.unwrap();
        let expected = (Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(outcome(&two), is(expected), "{path}");
        for (name, value, expected) in &refused {
            let headers = [("authorization", value.as_str())];
            let answer = client.call(path, &headers, ()).await.unwrap();
            assert_eq!(outcome(&answer), is(*expected), "{path}: {name}");
            let token = value.rsplit(' ').next().unwrap();
            let message = answer.status.message();
            assert!(token.len() < 5 || !message.contains(token), "{message}");
        }
    }
}

#[tokio::test]
async fn every_rpc_refuses_less_access_than_it_needs() {
    let scene = scene().await;
    let client = scene.client().await;
    for (path, access) in method_access() {
        for (at, name) in ACCESS.into_iter().enumerate() {
            let key = format!("Bearer mgk_{name}");
            let token = scene.token(&claims(&["acme"], name));
            for value in [&key, &token] {
                let headers = [("authorization", value.as_str())];
                let answer = client.call(path, &headers, ()).await.unwrap();
                if at < level(access) {
                    let expected = (Code::PermissionDenied, "ACCESS_DENIED");
                    assert_eq!(outcome(&answer), is(expected), "{path} by {name}");
                    let info = error_info(&answer.status);
                    assert_eq!(info.metadata["required"], ACCESS[level(access)]);
                } else {
                    let code = answer.status.code();
                    let refused = [Code::Unauthenticated, Code::PermissionDenied];
                    assert!(!refused.contains(&code), "{path} by {name}: {code}");
                }
            }
        }
    }
}

#[tokio::test]
async fn every_rpc_refuses_other_tenants_before_it_looks_for_them() {
    use mailing_groups::pb::{
        CreateTenantRequest, DeleteTenantRequest, GetTenantRequest, Tenant, UpdateTenantRequest,
    };
    let scene = scene().await;
    let client = scene.client().await;
    let headers = [
        ("authorization", "Bearer mgk_admin"),
        ("x-tenant", "globex"),
    ];
    let denied = is((Code::PermissionDenied, "TENANT_NOT_GRANTED"));
    let tenant = || {
        Some(Tenant {
            name: "globex".into(),
            ..Default::default()
        })
    };
    let name = || "globex".to_owned();
    for (path, _) in method_access() {
        let rpc = path.rsplit('/').next().unwrap();
        let tenant = tenant();
        let answer = match rpc {
            "WhoAmI" | "ListTenants" => continue,
            "CreateTenant" => {
                let request = CreateTenantRequest {
                    tenant,
                    ..Default::default()
                };
                client.call(path, &headers, request).await
            }
            "UpdateTenant" => {
                let request = UpdateTenantRequest {
                    tenant,
                    ..Default::default()
                };
                client.call(path, &headers, request).await
            }
            "GetTenant" => {
                let request = GetTenantRequest { name: name() };
                client.call(path, &headers, request).await
            }
            "DeleteTenant" => {
                let request = DeleteTenantRequest {
                    name: name(),
                    ..Default::default()
                };
                client.call(path, &headers, request).await
            }
            _ => client.call(path, &headers, ()).await,
        };
        let answer = answer.unwrap();
        assert_eq!(outcome(&answer), denied, "{path}");
        assert_eq!(error_info(&answer.status).metadata["tenant"], "globex");
    }
}
