//! Traces, sent to a collector that is part of the test.

use std::sync::{Arc, Mutex};

use mailing_groups::pb;
use nix::sys::signal::Signal;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{AnyValue, any_value::Value},
    trace::v1::{Span, status::StatusCode},
};
use tonic::{Request, Response, Status, transport::Server};

use super::Observed;
use crate::support::{eventually, person, serve::bind};

/// What the caller's span is.
const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// A collector that keeps all spans.
#[derive(Clone, Default)]
pub(super) struct Collector {
    received: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.received.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    /// Starts it; returns where it listens.
    pub(super) async fn start() -> (Self, String) {
        let collector = Self::default();
        let (listener, address) = bind();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        let service = TraceServiceServer::new(collector.clone());
        tokio::spawn(
            Server::builder()
                .add_service(service)
                .serve_with_incoming(incoming),
        );
        (collector, format!("http://{address}"))
    }

    /// All spans so far.
    pub(super) fn spans(&self) -> Vec<Span> {
        let received = self.received.lock().unwrap();
        let resources = received.iter().flat_map(|it| &it.resource_spans);
        let scopes = resources.flat_map(|it| &it.scope_spans);
        scopes.flat_map(|it| it.spans.clone()).collect()
    }

    /// Everything that was received, as text.
    pub(super) fn text(&self) -> String {
        format!("{:?}", self.received.lock().unwrap())
    }

    fn resource(&self, key: &str) -> String {
        let received = self.received.lock().unwrap();
        let resource = received[0].resource_spans[0].resource.clone().unwrap();
        let found = resource.attributes.into_iter().find(|it| it.key == key);
        text(found.unwrap().value)
    }
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|it| it.value) {
        Some(Value::StringValue(text)) => text,
        other => format!("{other:?}"),
    }
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|it| it.key == key)?;
    Some(text(found.value.clone()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A request as a caller sends it that traces.
fn traced<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let parent = format!("00-{TRACE_ID}-{CALLER}-01");
    request
        .metadata_mut()
        .insert("traceparent", parent.parse().unwrap());
    request
}

#[tokio::test]
async fn a_call_is_part_of_its_callers_trace_and_has_its_statements() {
    let (collector, endpoint) = Collector::start().await;
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment.name=test",
        ),
    ];
    let mut observed = Observed::start_with(&[], &variables).await;
    let mut tenant = observed.tenant("acme");
    tenant.create(person("P", "")).await;
    let get = |id: &str| traced(pb::GetContactRequest { id: id.into() });
    tenant.contacts.get_contact(get("P")).await.unwrap();
    tenant.contacts.get_contact(get("NIX")).await.unwrap_err();
    let list = traced(pb::ListMailingGroupsRequest::default());
    tenant.groups.list_mailing_groups(list).await.unwrap();
    // The last spans are sent at the end.
    observed.program.signal(Signal::SIGTERM);
    assert!(observed.program.ended().await.success());

    assert_eq!(collector.resource("service.name"), "mailing-groups");
    assert_eq!(collector.resource("deployment.environment.name"), "test");
    let spans = collector.spans();
    let in_trace = |span: &&Span| hex(&span.trace_id) == TRACE_ID;
    let calls = spans.iter().filter(in_trace).filter(|it| it.kind == 2);
    let calls: Vec<_> = calls.collect();
    assert_eq!(calls.len(), 3, "{spans:#?}");
    for call in &calls {
        assert_eq!(hex(&call.parent_span_id), CALLER);
        let is = |key, value: &str| assert_eq!(attribute(call, key).as_deref(), Some(value));
        is("rpc.system.name", "grpc");
        is("rpc.method", &call.name);
        is("mailing_groups.tenant", "acme");
        assert!(attribute(call, "mailing_groups.request_id").is_some());
    }
    let code = |span: &Span| attribute(span, "rpc.response.status_code");
    let codes: Vec<_> = calls.iter().map(|call| code(call).unwrap()).collect();
    assert_eq!(codes, ["OK", "NOT_FOUND", "OK"]);
    let unset = StatusCode::Unset as i32;
    let status = |span: &Span| span.status.clone().map_or(unset, |it| it.code);
    assert!(calls.iter().all(|call| status(call) == unset));

    let children = |parent: &Span| -> Vec<&Span> {
        let all = spans.iter();
        all.filter(|it| it.parent_span_id == parent.span_id)
            .collect()
    };
    let statement = children(calls[2]);
    assert_eq!(statement[0].name, "SELECT mailing_groups", "{spans:#?}");
    assert_eq!(statement[0].kind, 3);
    let system = attribute(statement[0], "db.system.name");
    assert_eq!(system.as_deref(), Some("postgresql"));
    // A call that runs in a batch.
    let batch = children(calls[0]);
    assert_eq!(batch[0].name, "batch");
    let statements = children(batch[0]);
    assert!(statements.iter().any(|it| it.name == "SELECT contacts"));
}

#[tokio::test]
async fn a_sampler_of_the_environment_is_followed() {
    let (collector, endpoint) = Collector::start().await;
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_TRACES_SAMPLER", "parentbased_always_off"),
    ];
    let mut observed = Observed::start_with(&[], &variables).await;
    let mut tenant = observed.tenant("acme");
    tenant.group("MOVE").await;
    let request = traced(pb::GetMailingGroupRequest {
        code: "MOVE".into(),
    });
    tenant.groups.get_mailing_group(request).await.unwrap();
    observed.program.signal(Signal::SIGTERM);
    assert!(observed.program.ended().await.success());
    let traces = collector.spans().into_iter().map(|it| hex(&it.trace_id));
    let mut traces: Vec<_> = traces.collect();
    traces.dedup();
    assert_eq!(traces, [TRACE_ID]);
}

#[tokio::test]
async fn a_collector_that_is_away_costs_one_log_line() {
    let (listener, address) = bind();
    drop(listener);
    let endpoint = format!("http://{address}");
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "100"),
    ];
    let mut observed = Observed::start_with(&[], &variables).await;
    let mut tenant = observed.tenant("acme");
    let lines = |log: &str| log.matches("traces cannot be sent").count();
    eventually(async || {
        tenant.get_group("NIX").await.unwrap_err();
        (lines(&observed.program.log()) > 0).then_some(())
    })
    .await;
    for _ in 0..20 {
        tenant.get_group("NIX").await.unwrap_err();
    }
    observed.program.signal(Signal::SIGTERM);
    assert!(observed.program.ended().await.success());
    assert_eq!(lines(&observed.program.log()), 1);
}
