//! The retry policy of the clients names each call that can be repeated.

use std::collections::BTreeSet;

use serde_json::Value;

use super::methods;

const POLICY: &str = include_str!("../../../clients/service_config.json");

/// An import is continued with what is not committed, not repeated.
#[test]
fn the_retry_policy_covers_every_call_but_imports() {
    let policy: Value = serde_json::from_str(POLICY).unwrap();
    let names = policy["methodConfig"][0]["name"].as_array().unwrap();
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    let path = |it: &Value| format!("/{}/{}", text(&it["service"]), text(&it["method"]));
    let named: BTreeSet<_> = names.iter().map(path).collect();
    let methods = methods().into_iter();
    let expected = methods.filter(|(_, it)| !it.client_streaming());
    let expected: BTreeSet<_> = expected.map(|(path, _)| path).collect();
    assert_eq!(named, expected, "change it, and run clients/go/generate");
}
