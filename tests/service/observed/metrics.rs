//! `/metrics`.

use mailing_groups::pb;
use prost::Message;
use prost_types::FileDescriptorSet;

use super::Observed;
use crate::support::person;

/// The labels of a method.
fn labels(kind: &str, service: &str, method: &str) -> String {
    format!(
        "grpc_type=\"{kind}\",grpc_service=\"mailinggroups.v1.{service}\",grpc_method=\"{method}\""
    )
}

/// The labels of all methods of the service.
fn all_methods() -> Vec<String> {
    let set = FileDescriptorSet::decode(pb::FILE_DESCRIPTOR_SET).unwrap();
    let services = set.file.into_iter().flat_map(|file| file.service);
    let mut all = Vec::new();
    for service in services {
        for method in &service.method {
            let kind = match (method.client_streaming(), method.server_streaming()) {
                (false, false) => "unary",
                (true, false) => "client_stream",
                (false, true) => "server_stream",
                (true, true) => "bidi_stream",
            };
            all.push(labels(kind, service.name(), method.name()));
        }
    }
    assert!(all.len() > 40);
    all
}

#[tokio::test]
async fn all_series_exist_from_the_start_with_zero() {
    let observed = Observed::start(&[]).await;
    let series = observed.series().await;
    for method in all_methods() {
        for name in [
            format!("grpc_server_started_total{{{method}}}"),
            format!("grpc_server_handled_total{{{method},grpc_code=\"OK\"}}"),
            format!("grpc_server_handled_total{{{method},grpc_code=\"Unavailable\"}}"),
            format!("grpc_server_handling_seconds_bucket{{{method},le=\"3600\"}}"),
            format!("grpc_server_handling_seconds_count{{{method}}}"),
            format!("mailing_groups_open_calls{{{method}}}"),
        ] {
            assert_eq!(series.get(&name), Some(&0.0), "{name}");
        }
    }
    for name in [
        "mailing_groups_refusals_total{reason=\"TENANT_LIMIT_REACHED\"}",
        "mailing_groups_refusals_total{reason=\"OVERLOADED\"}",
        "mailing_groups_database_waits_failed_total{cause=\"timeout\"}",
        "mailing_groups_batch_items_count{batch=\"AssignMailingGroup\"}",
        "mailing_groups_batch_queue_items{batch=\"GetContact\"}",
        "mailing_groups_cache_hits_total{cache=\"sets\"}",
        "mailing_groups_cache_bytes{cache=\"id_blocks\"}",
        "mailing_groups_watch_delay_seconds_count",
        "mailing_groups_certificate_expiry_timestamp_seconds",
        "mailing_groups_log_lines_left_out_total",
        "mailing_groups_call_places_used{class=\"stream\"}",
        "mailing_groups_request_memory_bytes",
    ] {
        assert_eq!(series.get(name), Some(&0.0), "{name}");
    }
    for name in [
        "mailing_groups_call_places_limit{class=\"unary\"}",
        "mailing_groups_database_connections_limit",
        "mailing_groups_cache_limit_bytes{cache=\"sets\"}",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
    ] {
        assert!(series[name] > 0.0, "{name}");
    }
}

#[tokio::test]
async fn calls_are_counted_by_method_and_code_and_tenant() {
    let observed = Observed::start(&["--metrics-tenants", "1"]).await;
    let (mut one, mut two) = (observed.tenant("one"), observed.tenant("two"));
    one.group("MOVE").await;
    one.create(person("P", "")).await;
    one.assign("P", "MOVE").await;
    assert_eq!(one.members("MOVE").await, ["P"]);
    assert_eq!(one.members("MOVE").await, ["P"]);
    two.get_contact("P").await.unwrap_err();
    two.group("MOVE").await;
    let series = observed.series().await;
    let unary = |service, method| labels("unary", service, method);
    let stream = labels("server_stream", "MailingGroups", "StreamSegmentMembers");
    let expected = [
        (
            format!(
                "grpc_server_handled_total{{{},grpc_code=\"NotFound\"}}",
                unary("Contacts", "GetContact")
            ),
            1.0,
        ),
        (
            format!("grpc_server_handled_total{{{stream},grpc_code=\"OK\"}}"),
            2.0,
        ),
        (format!("grpc_server_started_total{{{stream}}}"), 2.0),
        (
            format!("grpc_server_handling_seconds_count{{{stream}}}"),
            2.0,
        ),
        (format!("mailing_groups_open_calls{{{stream}}}"), 0.0),
        (
            "mailing_groups_refusals_total{reason=\"CONTACT_NOT_FOUND\"}".to_owned(),
            1.0,
        ),
        (
            "mailing_groups_batch_items_count{batch=\"AssignMailingGroup\"}".to_owned(),
            1.0,
        ),
        (
            "mailing_groups_tenant_calls_total{tenant=\"one\",outcome=\"ok\"}".to_owned(),
            5.0,
        ),
        (
            "mailing_groups_tenant_calls_total{tenant=\"_other\",outcome=\"ok\"}".to_owned(),
            1.0,
        ),
        (
            "mailing_groups_tenant_calls_total{tenant=\"_other\",outcome=\"refused\"}".to_owned(),
            1.0,
        ),
    ];
    for (name, value) in expected {
        assert_eq!(series.get(&name), Some(&value), "{name}");
    }
    assert!(series["mailing_groups_cache_hits_total{cache=\"sets\"}"] > 0.0);
    assert!(series["mailing_groups_cache_misses_total{cache=\"sets\"}"] > 0.0);
    assert!(series["mailing_groups_database_wait_seconds_count"] > 0.0);
}
