//! A stream whose messages are taken as bytes and counted by its summary.

use bytes::{Buf, Bytes};
use mailing_groups::pb::{
    StreamSegmentMembersRequest, StreamSegmentMembersResponse,
    stream_segment_members_response::Message,
};
use prost::Message as _;
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder},
    transport::Endpoint,
};
use tonic_prost::{ProstCodec, ProstEncoder};

use crate::support::service::Service;

const PATH: &str = "/mailinggroups.v1.MailingGroups/StreamSegmentMembers";

/// Reads a stream to its end. Returns how many members it had by its summary.
pub(crate) async fn stream(service: &Service, request: StreamSegmentMembersRequest) -> i64 {
    let endpoint = Endpoint::new(service.endpoint.clone()).expect("an endpoint");
    let mut grpc = Grpc::new(endpoint.connect().await.expect("connects"));
    grpc.ready().await.expect("ready");
    let path = PATH.parse().expect("a path");
    let stream = grpc.server_streaming(Request::new(request), path, Raw);
    let mut stream = stream.await.expect("streams").into_inner();
    let mut last = Bytes::new();
    while let Some(message) = stream.message().await.expect("streams on") {
        last = message;
    }
    let last = StreamSegmentMembersResponse::decode(last).expect("a message");
    match last.message {
        Some(Message::Summary(summary)) => summary.sent_count,
        other => panic!("no summary but {other:?}"),
    }
}

struct Raw;

impl Codec for Raw {
    type Encode = StreamSegmentMembersRequest;
    type Decode = Bytes;
    type Encoder = ProstEncoder<StreamSegmentMembersRequest>;
    type Decoder = Self;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<StreamSegmentMembersRequest, ()>::default().encoder()
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(source.copy_to_bytes(source.remaining())))
    }
}
