//! Every RPC of one message answers the same over Connect as over gRPC.

use crate::{
    contract::{hostile::call_with, methods},
    support::{Server, WebAnswer, WebClient, within},
    wire::raw::{Client, error_info},
};

#[tokio::test]
async fn every_method_answers_as_by_grpc() {
    let server = Server::start().await;
    let grpc = within(Client::connect(server.address)).await.unwrap();
    let web = WebClient::of(server.web);
    let mut compared = 0;
    for (path, method) in methods() {
        if method.client_streaming() || method.server_streaming() {
            continue;
        }
        let status = call_with(&grpc, &path, &[], false, &[]).await;
        let post = web.post(&path, "application/json");
        let answer = WebAnswer::of(post.header("x-tenant", "fuzz").body("{}")).await;
        if status.code() == tonic::Code::Ok {
            answer.message();
        } else {
            let (_, code, reason) = answer.refused();
            assert_eq!(reason, error_info(&status).reason, "{path}");
            let name = format!("{:?}", status.code()).to_lowercase();
            assert_eq!(code.replace('_', ""), name, "{path}");
            assert_eq!(answer.error_message(), status.message(), "{path}");
        }
        compared += 1;
    }
    assert!(compared > 30, "{compared}");
}
