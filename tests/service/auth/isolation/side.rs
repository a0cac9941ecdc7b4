//! A caller that sends random requests.

use std::{collections::HashMap, net::SocketAddr};

use mailing_groups::pb;
use prost::Message;
use prost_types::{DescriptorProto, MethodDescriptorProto};
use tonic::Code;

use super::answer::Reader;
use crate::{
    contract::{
        hostile::{FieldTexts, Maker},
        message_types,
    },
    support::{company, new_group, person, within},
    wire::raw::{Answer, Client, framed},
};

/// The fields of requests that take tokens and etags.
const TOKENS: [&str; 3] = ["page_token", "resume_token", "etag"];

/// The texts of a tenant.
fn texts(own: &str) -> FieldTexts {
    let code = own.to_uppercase();
    let codes = ["GIFT", "MOVE", "NEW", &code];
    let contacts = ["C", "P", "Q", &format!("{own}-1")];
    let expressions = [
        "GIFT",
        "NOT GIFT",
        "GIFT OR MOVE",
        "segment(\"P\")",
        "territory = x* OR has class",
        &format!("class != {own}"),
        &format!("MOVE OR {code}"),
    ];
    let strings = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut texts = FieldTexts::new();
    for name in ["code", "new_code", "codes"] {
        texts.insert(name, strings(&codes));
    }
    for name in [
        "id",
        "ids",
        "contact_id",
        "contact_ids",
        "company_id",
        "kept_id",
        "merged_id",
    ] {
        texts.insert(name, strings(&contacts));
    }
    texts.insert("segment_id", strings(&["C", "P"]));
    texts.insert("expression", strings(&expressions));
    texts.insert("name", vec!["acme".to_owned(), format!("{own} Ltd")]);
    texts.insert("description", vec![format!("about {own}")]);
    texts.insert("email", vec![format!("{own}@secret.example")]);
    let paths = [
        "name",
        "description",
        "email",
        "attributes",
        "attributes.class",
    ];
    texts.insert("paths", strings(&paths));
    texts.insert("key", strings(&["class", "territory"]));
    texts.insert("value", strings(&["x", own]));
    texts.insert("request_id", strings(&["r1", "r2", "r3", "r4", "r5", "r6"]));
    texts.insert("import_id", strings(&["i1", "i2"]));
    texts
}

/// A caller of one tenant.
pub(super) struct Side {
    client: Client,
    authorization: String,
    maker: Maker,
    types: HashMap<String, DescriptorProto>,
    /// How many calls it has made, by which it names them.
    calls: usize,
    /// The tokens and etags that it got.
    pub(super) tokens: FieldTexts,
}

/// What it sees of a call.
pub(super) struct Seen {
    /// What its twin should see too.
    pub(super) said: String,
    /// All bytes, as text.
    pub(super) raw: String,
    pub(super) code: Code,
    /// Whether a token of the other tenant was in the request.
    pub(super) is_foreign: bool,
}

impl Side {
    pub(super) async fn new(address: SocketAddr, key: &str, own: &str, seed: u64) -> Self {
        let mut maker = Maker::with_texts(seed, &["x"]);
        maker.field_texts = texts(own);
        let mut side = Self {
            client: within(Client::connect(address)).await.unwrap(),
            authorization: format!("Bearer {key}"),
            maker,
            types: message_types(),
            calls: 0,
            tokens: TOKENS.map(|it| (it, Vec::new())).into(),
        };
        side.fill(own).await;
        side
    }

    /// Groups, contacts and a segment, with the same names in every tenant.
    async fn fill(&mut self, own: &str) {
        for code in ["GIFT", "MOVE"] {
            let mailing_group = Some(new_group(code, own));
            let request = pb::CreateMailingGroupRequest {
                mailing_group,
                ..Default::default()
            };
            self.write("MailingGroups/CreateMailingGroup", request)
                .await;
        }
        for mut contact in [company("C"), person("P", "C"), person("Q", "C")] {
            contact.name = own.to_owned();
            let request = pb::CreateContactRequest {
                contact: Some(contact),
                ..Default::default()
            };
            self.write("Contacts/CreateContact", request).await;
        }
        for contact_id in ["P", "Q"] {
            let request = pb::AssignMailingGroupRequest {
                contact_id: contact_id.into(),
                code: "GIFT".into(),
            };
            self.write("MailingGroups/AssignMailingGroup", request)
                .await;
        }
        let segment = Some(pb::Segment {
            id: "P".into(),
            description: own.into(),
            ..Default::default()
        });
        let request = pb::CreateSegmentRequest {
            segment,
            ..Default::default()
        };
        self.write("Segments/CreateSegment", request).await;
    }

    async fn write(&mut self, rpc: &str, request: impl Message) {
        let path = format!("/mailinggroups.v1.{rpc}");
        let answer = self.answer(&path, &[request.encode_to_vec()], "60S").await;
        assert_eq!(answer.status.code(), Code::Ok, "{rpc}: {:?}", answer.status);
    }

    async fn answer(&mut self, path: &str, messages: &[Vec<u8>], timeout: &str) -> Answer {
        self.calls += 1;
        let headers = [
            ("authorization", &*self.authorization),
            ("grpc-timeout", timeout),
            ("x-request-id", &format!("call-{}", self.calls)),
        ];
        let mut call = within(self.client.open(path, &headers)).await.unwrap();
        let frames: Vec<_> = messages.iter().map(|it| framed(it)).collect();
        let sent = call.requests.send_data(frames.concat().into(), true);
        sent.unwrap();
        within(call.answer()).await.unwrap()
    }

    /// A random request, with the tokens of the other tenant if there are.
    pub(super) async fn call(
        &mut self,
        path: &str,
        method: &MethodDescriptorProto,
        foreign: Option<&FieldTexts>,
    ) -> Seen {
        let tokens = foreign.unwrap_or(&self.tokens).clone();
        self.maker.field_texts.extend(tokens);
        let input = method.input_type();
        let messages = match method.client_streaming() {
            false => vec![self.maker.message(input)],
            true => [1, 2, 3]
                .map(|it| self.maker.message_with(input, it))
                .to_vec(),
        };
        self.send(path, method, messages, foreign).await
    }

    async fn send(
        &mut self,
        path: &str,
        method: &MethodDescriptorProto,
        messages: Vec<Vec<u8>>,
        foreign: Option<&FieldTexts>,
    ) -> Seen {
        // The watch has no end.
        let is_watch = path.ends_with("/WatchChanges");
        let timeout = if is_watch { "100m" } else { "60S" };
        let answer = self.answer(path, &messages, timeout).await;
        let request = messages.concat();
        // How far a watch comes depends on time.
        let mut ignored = FieldTexts::new();
        let mut reader = Reader {
            types: &self.types,
            tokens: if is_watch {
                &mut ignored
            } else {
                &mut self.tokens
            },
        };
        let said = reader.read(method.output_type(), &answer);
        let parts = [
            &answer.data,
            answer.status.message().as_bytes(),
            answer.status.details(),
        ];
        let raw = String::from_utf8_lossy(&parts.concat()).to_lowercase();
        let mut positions = foreign
            .into_iter()
            .flatten()
            .filter(|(it, _)| **it != "etag");
        let is_foreign = positions.any(|(_, tokens)| {
            tokens
                .iter()
                .any(|it| memchr::memmem::find(&request, it.as_bytes()).is_some())
        });
        Seen {
            said: if is_watch { String::new() } else { said },
            raw: raw + &format!("{:?}", answer.headers),
            code: answer.status.code(),
            is_foreign: is_foreign && !is_watch,
        }
    }
}
