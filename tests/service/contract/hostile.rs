//! Random requests to every RPC, made from the descriptors, so that a new one is covered by itself:
//! whatever is in a request, the error is the caller's.
//!
//! `FUZZ_SEED` repeats them, and `FUZZ_ROUNDS` makes more.

use std::{
    collections::{BTreeMap, HashMap},
    env,
};

use prost::encoding;
use prost_types::{
    DescriptorProto, FieldDescriptorProto,
    field_descriptor_proto::{Label, Type},
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use tonic::{Code, Status};

use super::{message_types, methods};
use crate::{
    support::{Server, Tenant, company, findings, person, within},
    wire::raw::{Client, error_info, framed},
};

/// Names that exist, names that do not, and texts that break rules.
const TEXTS: [&str; 34] = [
    "",
    " ",
    "C",
    "P",
    "Q",
    "NEW",
    "GIFT",
    "MOVE",
    "gift",
    "S",
    "K",
    "other",
    "*",
    "\0",
    "a\0b",
    "'; --",
    "%_\\",
    "GIFT AND (",
    "NOT GIFT OR segment(\"S\")",
    "company = C",
    "email = a@b",
    "territory = \"C*\" OR NOT has language",
    "class IN (A, B) AND class != A",
    "territory",
    "attributes.territory",
    "\u{202e}\u{feff}",
    "e\u{301}\u{fb01}",
    "\u{10ffff}",
    "W/\"r1-0\"",
    "\"r1\"",
    "code desc",
    "kind",
    "limits.max_contacts",
    "id.id..",
];

const NUMBERS: [i64; 12] = [
    0,
    1,
    2,
    3,
    -1,
    255,
    10_001,
    i32::MAX as i64,
    i32::MIN as i64,
    1 << 32,
    i64::MAX,
    i64::MIN,
];

/// Texts by the names of the fields that they are for.
pub(crate) type FieldTexts = BTreeMap<&'static str, Vec<String>>;

/// Makes messages of random content.
pub(crate) struct Maker {
    rng: StdRng,
    /// What texts are made of.
    texts: &'static [&'static str],
    /// What the texts of some fields are made of instead.
    pub(crate) field_texts: FieldTexts,
    /// Whether some texts are malformed or too long.
    hostile: bool,
    messages: HashMap<String, DescriptorProto>,
}

impl Maker {
    fn new(seed: u64) -> Self {
        Self {
            hostile: true,
            ..Self::with_texts(seed, &TEXTS)
        }
    }

    /// Every text is one of these.
    pub(crate) fn with_texts(seed: u64, texts: &'static [&'static str]) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            texts,
            field_texts: BTreeMap::new(),
            hostile: false,
            messages: message_types(),
        }
    }

    /// A message of this type, encoded.
    pub(crate) fn message(&mut self, name: &str) -> Vec<u8> {
        let fields = self.messages[name].field.clone();
        let mut encoded = Vec::new();
        for field in fields {
            let most = if field.label() == Label::Repeated {
                4
            } else {
                1
            };
            // A contact without an id would get another one each time.
            let least = usize::from(!self.hostile && field.name() == "id");
            for _ in 0..self.rng.random_range(least..=most) {
                self.field(&field, &mut encoded);
            }
        }
        encoded
    }

    /// A message of this type in which the field with this number is set, encoded.
    pub(crate) fn message_with(&mut self, name: &str, number: i32) -> Vec<u8> {
        let mut fields = self.messages[name].field.iter();
        let field = fields.find(|it| it.number() == number).unwrap().clone();
        let mut encoded = Vec::new();
        self.field(&field, &mut encoded);
        encoded
    }

    fn field(&mut self, field: &FieldDescriptorProto, encoded: &mut Vec<u8>) {
        let tag = field.number().cast_unsigned();
        let content = match field.r#type() {
            Type::String | Type::Bytes => match self.field_texts.get(field.name()) {
                Some(texts) => {
                    let text = texts.choose(&mut self.rng).cloned();
                    text.unwrap_or_default().into_bytes()
                }
                None => self.text(),
            },
            Type::Message => self.message(field.type_name()),
            Type::Bool | Type::Enum | Type::Int32 | Type::Int64 => {
                let numbers = if self.hostile {
                    &NUMBERS
                } else {
                    &NUMBERS[..4]
                };
                let number = *numbers.choose(&mut self.rng).unwrap();
                return encoding::int64::encode(tag, &number, encoded);
            }
            other => panic!("no field of a request is {other:?}"),
        };
        encoding::bytes::encode(tag, &content, encoded);
    }

    fn text(&mut self) -> Vec<u8> {
        let unusual = if self.hostile { 4 } else { 0 };
        match self.rng.random_range(4 - unusual..40) {
            0 => vec![0xff, 0xfe],
            1 => "x".repeat(5_000).into_bytes(),
            2 => "ﷺ".repeat(200).into_bytes(),
            3 => vec![b'('; 3_000],
            _ => self
                .texts
                .choose(&mut self.rng)
                .unwrap()
                .as_bytes()
                .to_vec(),
        }
    }
}

/// How a call with this message ends. A stream that has no end ends by its deadline.
async fn call(client: &Client, path: &str, message: &[u8], streams: bool) -> Status {
    call_with(client, path, message, streams, &[]).await
}

/// As [`call`], with more headers.
pub(crate) async fn call_with(
    client: &Client,
    path: &str,
    message: &[u8],
    streams: bool,
    headers: &[(&str, &str)],
) -> Status {
    let timeout = if streams { "200m" } else { "60S" };
    let headers = [&[("x-tenant", "fuzz"), ("grpc-timeout", timeout)], headers].concat();
    let mut call = within(client.open(path, &headers)).await.unwrap();
    call.requests.send_data(framed(message), true).unwrap();
    within(call.answer()).await.unwrap().status
}

async fn fill(tenant: &mut Tenant) {
    for code in ["GIFT", "MOVE", "OLD"] {
        tenant.group(code).await;
    }
    tenant.rename("OLD", "NEW", "").await.unwrap();
    tenant.create(company("C")).await;
    for id in ["P", "Q"] {
        tenant.create(person(id, "C")).await;
        tenant.assign(id, "GIFT").await;
    }
}

#[tokio::test]
async fn no_request_is_an_internal_error() {
    let variable = |name: &str| env::var(name).ok().map(|it| it.parse::<u64>().unwrap());
    let seed = variable("FUZZ_SEED").unwrap_or_else(|| rand::rng().random());
    println!("FUZZ_SEED={seed}");
    let mut maker = Maker::new(seed);
    let server = Server::start().await;
    let mut tenant = Tenant::of(&server, "fuzz").await;
    fill(&mut tenant).await;
    let client = within(Client::connect(server.address)).await.unwrap();
    let methods = methods();
    let mut succeeded = 0;
    for _ in 0..variable("FUZZ_ROUNDS").unwrap_or(30) {
        for (path, method) in &methods {
            let message = maker.message(method.input_type());
            let streams = method.server_streaming();
            let status = call(&client, path, &message, streams).await;
            let is_overdue = streams && status.code() == Code::DeadlineExceeded;
            match status.code() {
                Code::Ok => succeeded += 1,
                Code::InvalidArgument
                | Code::NotFound
                | Code::AlreadyExists
                | Code::FailedPrecondition
                | Code::Aborted
                | Code::OutOfRange
                | Code::ResourceExhausted => drop(error_info(&status)),
                _ => assert!(is_overdue, "{path} {status:?} {message:?}"),
            }
        }
    }
    assert!(
        succeeded > methods.len(),
        "only {succeeded} calls succeeded"
    );
    assert_eq!(findings(&server.database_url, None).await, [""; 0]);
}
