//! Reflection, in both versions.

use futures_util::stream;
use mailing_groups::server::Limits;
use tonic_reflection::pb::{v1, v1alpha};

use super::server::Server;
use crate::support::within;

const EXPECTED: [&str; 5] = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "mailinggroups.v1.Contacts",
    "mailinggroups.v1.MailingGroups",
];

macro_rules! reflect {
    ($version:ident, $server:expr, $request:ident($argument:expr)) => {{
        use $version::{
            server_reflection_client::ServerReflectionClient,
            server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
        };
        let request = $version::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::$request($argument.to_owned())),
        };
        let mut client = ServerReflectionClient::new($server.channel());
        let call = client.server_reflection_info(stream::iter([request]));
        let mut answers = within(call).await.expect("a stream").into_inner();
        let answer = within(answers.message())
            .await
            .expect("no error")
            .expect("an answer");
        match answer.message_response.expect("a response") {
            MessageResponse::ListServicesResponse(list) => list
                .service
                .into_iter()
                .map(|service| service.name)
                .collect::<Vec<_>>(),
            MessageResponse::FileDescriptorResponse(files) => {
                vec![files.file_descriptor_proto.len().to_string()]
            }
            other => panic!("{other:?}"),
        }
    }};
}

#[tokio::test]
async fn both_versions_list_the_services() {
    let server = Server::start(Limits::default()).await;
    let mut lists = [
        reflect!(v1, server, ListServices("")),
        reflect!(v1alpha, server, ListServices("")),
    ];
    for list in &mut lists {
        list.sort();
        for service in EXPECTED {
            assert!(
                list.iter().any(|listed| listed == service),
                "{service} in {list:?}"
            );
        }
    }
    assert_eq!(lists[0], lists[1]);
}

#[tokio::test]
async fn error_details_can_be_resolved() {
    let server = Server::start(Limits::default()).await;
    let symbol = "google.rpc.ErrorInfo";
    assert_eq!(reflect!(v1, server, FileContainingSymbol(symbol)), ["1"]);
    assert_eq!(
        reflect!(v1alpha, server, FileContainingSymbol(symbol)),
        ["1"]
    );
}
