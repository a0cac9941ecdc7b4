//! A service in memory with faults on demand: streams that end early or hang, errors, missing
//! acknowledgements.

use std::{
    collections::{BTreeMap, VecDeque},
    net::TcpListener,
    pin::Pin,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use mailing_groups::{
    api,
    pb::{
        contacts_server::ContactsServer, mailing_groups_server::MailingGroupsServer,
        segments_server::SegmentsServer, *,
    },
    server::Limits,
};
use tokio::runtime::Runtime;
use tokio_stream::{Stream, StreamExt, wrappers::ReceiverStream};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status, Streaming, service::Routes};
use tonic_types::{ErrorDetails, StatusExt};

use crate::support::{
    PATIENCE,
    serve::{bind, serve},
    stub::Stub,
};

/// The number of members of every expression: m0, m1, …
pub(crate) const MEMBERS: usize = 10;

/// The number of chunks without an acknowledgement that a client may have sent.
pub(crate) const MAX_IN_FLIGHT: usize = 8;

/// The largest message, in bytes: tonic's default.
const MESSAGE_LIMIT: usize = 4 << 20;

/// How a stream of pages ends early, after a number of messages.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cut {
    Unavailable(usize),
    Silent(usize),
    /// With `DEADLINE_EXCEEDED`, as a stream that is too old.
    Overdue(usize),
    Hang(usize),
    Refused,
}

/// The fault of uploads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum UploadFault {
    #[default]
    NoFault,
    /// No acknowledgement while chunks arrive.
    Withhold,
    /// UNAVAILABLE after the first chunk's acknowledgement.
    Break,
    NoSummary,
    /// The summary counts an item too many.
    WrongCount,
}

#[derive(Default)]
pub(crate) struct Fake {
    cuts: Mutex<VecDeque<Cut>>,
    upload: UploadFault,
    hung: Mutex<Option<mpsc::Sender<()>>>,
    hanging: Mutex<Option<mpsc::Receiver<()>>>,
    /// The resume tokens that streams were opened with.
    pub(crate) resumed: Mutex<Vec<String>>,
    /// The tenant of each call.
    pub(crate) tenants: Mutex<Vec<String>>,
    /// The ids of imported contacts in the order of their arrival.
    pub(crate) received: Mutex<Vec<String>>,
    /// The progress of imports: items, and how many of them were rejected.
    pub(crate) imports: Mutex<BTreeMap<String, (i64, i64)>>,
    /// The positions at which watches were opened.
    pub(crate) watched: Mutex<Vec<Option<watch_changes_request::Start>>>,
    pub(crate) most_in_flight: Mutex<usize>,
    /// Descriptions by code.
    pub(crate) groups: Mutex<BTreeMap<String, String>>,
}

impl Fake {
    pub(crate) fn cutting(cuts: impl IntoIterator<Item = Cut>) -> Self {
        let (hung, hanging) = mpsc::channel();
        Self {
            cuts: Mutex::new(cuts.into_iter().collect()),
            hung: Mutex::new(Some(hung)),
            hanging: Mutex::new(Some(hanging)),
            ..Self::default()
        }
    }

    pub(crate) fn uploading(upload: UploadFault) -> Self {
        Self {
            upload,
            ..Self::default()
        }
    }

    pub(crate) fn wait_until_hung(&self) {
        let hanging = self.hanging.lock().unwrap().take().unwrap();
        hanging.recv_timeout(PATIENCE).unwrap();
    }

    /// The first member of a stream.
    fn resume(&self, token: String) -> usize {
        let first = token.parse().unwrap_or(0);
        self.resumed.lock().unwrap().push(token);
        first
    }

    /// A stream that ends as the next of the cuts says.
    fn cut<T: Send + 'static>(&self, whole: Vec<T>) -> Result<Answers<T>, Status> {
        let cut = self.cuts.lock().unwrap().pop_front();
        let (count, end) = match cut {
            None => (usize::MAX, None),
            Some(Cut::Refused) => return Err(Status::not_found("no such group")),
            Some(Cut::Unavailable(0)) => return Err(Status::unavailable("away")),
            Some(Cut::Unavailable(count)) => (count, Some(Status::unavailable("away"))),
            Some(Cut::Overdue(count)) => (count, Some(Status::deadline_exceeded("old"))),
            Some(Cut::Silent(count) | Cut::Hang(count)) => (count, None),
        };
        let sent = whole.into_iter().take(count).map(Ok);
        let sent: Vec<_> = sent.chain(end.map(Err)).collect();
        let sent = tokio_stream::iter(sent);
        let Some(Cut::Hang(_)) = cut else {
            return Ok(Box::pin(sent));
        };
        let hung = self.hung.lock().unwrap().take().unwrap();
        let hang = futures_util::stream::poll_fn(move |_| {
            let _ = hung.send(());
            std::task::Poll::Pending
        });
        Ok(Box::pin(sent.chain(hang)))
    }

    fn import_progress(&self, id: &str) -> (i64, i64) {
        let mut imports = self.imports.lock().unwrap();
        *imports.entry(id.to_owned()).or_default()
    }

    fn mailing_groups(self: Arc<Self>) -> Stub<MailingGroupsServer<()>, Self> {
        Stub::new(self, MESSAGE_LIMIT)
            .server_streaming("WatchChanges", Self::watch_changes)
            .server_streaming("StreamSegmentMembers", Self::stream_segment_members)
            .streaming("ImportMemberships", Self::import_memberships)
            .unary("CreateMailingGroup", Self::create_mailing_group)
            .unary("GetMailingGroup", Self::get_mailing_group)
            .unary("UpdateMailingGroup", Self::update_mailing_group)
            .unary("CountSegmentMembers", Self::count_segment_members)
    }

    fn contacts(self: Arc<Self>) -> Stub<ContactsServer<()>, Self> {
        Stub::new(self, MESSAGE_LIMIT)
            .streaming("ImportContacts", Self::import_contacts)
            .server_streaming("ExportContacts", Self::export_contacts)
    }

    fn segments(self: Arc<Self>) -> Stub<SegmentsServer<()>, Self> {
        Stub::new(self, MESSAGE_LIMIT).server_streaming("CompareSegments", Self::compare_segments)
    }

    fn record_tenant<T>(&self, request: &Request<T>) {
        let tenant = request
            .metadata()
            .get("x-tenant")
            .map_or("", |it| it.to_str().unwrap());
        self.tenants.lock().unwrap().push(tenant.to_owned());
    }
}

/// A fake with its own port and runtime, so that it can be killed.
pub(crate) struct Server {
    pub(crate) endpoint: String,
    pub(crate) fake: Arc<Fake>,
    /// Stays open over a restart, so that no other process gets the port.
    listener: TcpListener,
    runtime: Option<Runtime>,
}

impl Server {
    pub(crate) fn start(fake: Fake) -> Self {
        Self::on(bind().0, Arc::new(fake))
    }

    /// Closes all connections, and starts again on the same port.
    pub(crate) fn restart(mut self) -> Self {
        self.runtime
            .take()
            .unwrap()
            .shutdown_timeout(Duration::from_secs(5));
        Self::on(self.listener.try_clone().unwrap(), Arc::clone(&self.fake))
    }

    fn on(listener: TcpListener, fake: Arc<Fake>) -> Self {
        let runtime = Runtime::new().unwrap();
        let routes = Routes::new(Arc::clone(&fake).mailing_groups())
            .add_service(Arc::clone(&fake).contacts())
            .add_service(Arc::clone(&fake).segments());
        let accepting = listener.try_clone().unwrap();
        let ready = || std::future::ready(true);
        let context = runtime.enter();
        let (limits, shutdown) = (Limits::default(), CancellationToken::new());
        serve(accepting, routes, &api::SERVICES, ready, limits, shutdown);
        drop(context);
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let runtime = Some(runtime);
        Self {
            endpoint,
            fake,
            listener,
            runtime,
        }
    }
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

fn member(number: usize) -> SegmentMember {
    let id = format!("m{number}");
    SegmentMember {
        contact_id: id.clone(),
        contact: Some(Contact {
            id,
            kind: ContactKind::Person.into(),
            name: "Zero, Ada".to_owned(),
            privacy_blocked: true,
            ..Contact::default()
        }),
    }
}

fn page(numbers: &[usize]) -> stream_segment_members_response::Message {
    stream_segment_members_response::Message::Page(stream_segment_members_response::Page {
        members: numbers.iter().copied().map(member).collect(),
        resume_token: (numbers.last().unwrap() + 1).to_string(),
    })
}

fn exported_group() -> export_contacts_response::Message {
    let group = MailingGroup {
        code: "MOVE".to_owned(),
        description: "Over, there".to_owned(),
        ..MailingGroup::default()
    };
    export_contacts_response::Message::MailingGroups(export_contacts_response::MailingGroups {
        mailing_groups: vec![group],
    })
}

/// Contacts, then their memberships; the stream can be resumed only after these.
fn exported_page(numbers: &[usize], from: usize) -> [export_contacts_response::Message; 2] {
    let token = |number: usize| match number {
        0 => String::new(),
        _ => number.to_string(),
    };
    let members = numbers.iter().copied().map(member);
    let contacts: Vec<_> = members.filter_map(|it| it.contact).collect();
    let assignment = |contact: &Contact| Assignment {
        contact_id: contact.id.clone(),
        code: "MOVE".to_owned(),
    };
    let assignments = contacts.iter().map(assignment).collect();
    let pages = [
        export_contacts_response::Page {
            contacts,
            assignments: Vec::new(),
            resume_token: token(from),
        },
        export_contacts_response::Page {
            contacts: Vec::new(),
            assignments,
            resume_token: token(from + numbers.len()),
        },
    ];
    pages.map(export_contacts_response::Message::Page)
}

impl Fake {
    /// Ends within a snapshot, then within a revision, then because of its age, then for good.
    async fn watch_changes(
        self: Arc<Self>,
        request: Request<WatchChangesRequest>,
    ) -> Result<Response<Answers<WatchChangesResponse>>, Status> {
        use watch_changes_response::{Changes, Message, Progress, Snapshot, SnapshotEnd};
        let mut watched = self.watched.lock().unwrap();
        watched.push(request.into_inner().start);
        let changes = |revision, more| {
            Message::Changes(Changes {
                revision,
                more,
                ..Default::default()
            })
        };
        let (messages, end) = match watched.len() {
            1 => (
                vec![Message::Snapshot(Snapshot::default())],
                Code::Unavailable,
            ),
            2 => {
                let end = Message::SnapshotEnd(SnapshotEnd { revision: 3 });
                (vec![end, changes(5, true)], Code::Unavailable)
            }
            3 => {
                let progress = Message::Progress(Progress { revision: 7 });
                (vec![changes(5, false), progress], Code::DeadlineExceeded)
            }
            _ => (vec![], Code::OutOfRange),
        };
        let answers = messages.into_iter().map(|message| {
            let message = Some(message);
            Ok(WatchChangesResponse { message })
        });
        let end = Err(Status::new(end, "so it ends"));
        let answers: Vec<_> = answers.chain([end]).collect();
        Ok(Response::new(Box::pin(tokio_stream::iter(answers))))
    }

    async fn stream_segment_members(
        self: Arc<Self>,
        request: Request<StreamSegmentMembersRequest>,
    ) -> Result<Response<Answers<StreamSegmentMembersResponse>>, Status> {
        self.record_tenant(&request);
        let request = request.into_inner();
        let first = self.resume(request.resume_token);
        let numbers: Vec<_> = (first..MEMBERS).collect();
        let pages = numbers.chunks(request.page_size as usize).map(page);
        let summary = stream_segment_members_response::Message::Summary(Default::default());
        let whole = pages.chain([summary]).map(|message| {
            let message = Some(message);
            StreamSegmentMembersResponse { message }
        });
        Ok(Response::new(self.cut(whole.collect())?))
    }

    async fn import_memberships(
        self: Arc<Self>,
        request: Request<Streaming<ImportMembershipsRequest>>,
    ) -> Result<Response<Answers<ImportMembershipsResponse>>, Status> {
        use import_memberships_response::{Message, Progress};
        let stream = request.into_inner();
        let open = tokio_stream::once(Message::Progress(Progress::default()));
        let rest = futures_util::FutureExt::flatten_stream(async move {
            tokio_stream::iter(memberships(stream).await)
        });
        let answers = open.chain(rest).map(|message| {
            let message = Some(message);
            Ok(ImportMembershipsResponse { message })
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn create_mailing_group(
        self: Arc<Self>,
        request: Request<CreateMailingGroupRequest>,
    ) -> Result<Response<CreateMailingGroupResponse>, Status> {
        let group = request.into_inner().mailing_group.unwrap();
        let code = group.code.to_uppercase();
        if code.contains(' ') {
            let wrong =
                ErrorDetails::with_bad_request_violation("mailing_group.code", "letters only");
            return Err(Status::with_error_details(
                Code::InvalidArgument,
                "wrong",
                wrong,
            ));
        }
        let mut groups = self.groups.lock().unwrap();
        if groups.contains_key(&code) {
            return Err(Status::already_exists("taken"));
        }
        groups.insert(code, group.description);
        Ok(Response::new(Default::default()))
    }

    async fn get_mailing_group(
        self: Arc<Self>,
        request: Request<GetMailingGroupRequest>,
    ) -> Result<Response<GetMailingGroupResponse>, Status> {
        let code = request.into_inner().code.to_uppercase();
        let description = self.groups.lock().unwrap()[&code].clone();
        let group = MailingGroup {
            code,
            description,
            ..MailingGroup::default()
        };
        Ok(Response::new(GetMailingGroupResponse {
            mailing_group: Some(group),
        }))
    }

    async fn update_mailing_group(
        self: Arc<Self>,
        request: Request<UpdateMailingGroupRequest>,
    ) -> Result<Response<UpdateMailingGroupResponse>, Status> {
        let group = request.into_inner().mailing_group.unwrap();
        self.groups
            .lock()
            .unwrap()
            .insert(group.code.to_uppercase(), group.description);
        Ok(Response::new(Default::default()))
    }

    async fn count_segment_members(
        self: Arc<Self>,
        _: Request<CountSegmentMembersRequest>,
    ) -> Result<Response<CountSegmentMembersResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
}

impl Fake {
    /// All members entered, three in a page.
    async fn compare_segments(
        self: Arc<Self>,
        request: Request<CompareSegmentsRequest>,
    ) -> Result<Response<Answers<CompareSegmentsResponse>>, Status> {
        use compare_segments_response::{Message, Page};
        let first = self.resume(request.into_inner().resume_token);
        let numbers: Vec<_> = (first..MEMBERS).collect();
        let page = |numbers: &[usize]| {
            Message::Page(Page {
                entered: numbers.iter().copied().map(member).collect(),
                left: Vec::new(),
                resume_token: (numbers.last().unwrap() + 1).to_string(),
            })
        };
        let summary = Message::Summary(Default::default());
        let whole = numbers.chunks(3).map(page).chain([summary]);
        let whole = whole.map(|message| CompareSegmentsResponse {
            message: Some(message),
        });
        Ok(Response::new(self.cut(whole.collect())?))
    }
}

/// Reads an upload to its end; memberships of the group NONE are rejected.
async fn memberships(
    mut stream: Streaming<ImportMembershipsRequest>,
) -> Vec<import_memberships_response::Message> {
    use import_memberships_response::{Message, Rejection, Summary};
    let mut answers = Vec::new();
    let mut index = 0;
    loop {
        let assignments = match stream.message().await.unwrap().and_then(|it| it.message) {
            Some(import_memberships_request::Message::Chunk(chunk)) => chunk.assignments,
            Some(import_memberships_request::Message::Start(_)) => continue,
            _ => break,
        };
        for assignment in assignments {
            if assignment.code == "NONE" {
                answers.push(Message::Rejection(Rejection {
                    index,
                    assignment: Some(assignment),
                    outcome: AssignmentOutcome::UnknownGroup.into(),
                    reason: "no such group".to_owned(),
                }));
            }
            index += 1;
        }
    }
    let rejected_count = answers.len() as i64;
    answers.push(Message::Summary(Summary {
        processed_count: index,
        changed_count: index - rejected_count,
        rejected_count,
        ..Summary::default()
    }));
    answers
}

use import_contacts_response::{Message as Answer, Progress, Rejection, Summary};

/// An import of contacts in progress; contacts whose id starts with `bad` are rejected.
struct Import {
    answers: tokio::sync::mpsc::Sender<Result<ImportContactsResponse, Status>>,
    id: String,
    processed: i64,
    rejected: i64,
    unacknowledged: usize,
}

impl Import {
    async fn answer(&self, message: Answer) {
        let message = Some(message);
        let _ = self
            .answers
            .send(Ok(ImportContactsResponse { message }))
            .await;
    }

    async fn chunk(&mut self, contacts: &[Contact]) {
        for contact in contacts {
            if contact.id.starts_with("bad") {
                self.rejected += 1;
                self.answer(Answer::Rejection(Rejection {
                    index: self.processed,
                    id: contact.id.clone(),
                    field: "id".to_owned(),
                    reason: "starts with bad".to_owned(),
                }))
                .await;
            }
            self.processed += 1;
        }
        self.unacknowledged += 1;
    }

    async fn acknowledge(&mut self) {
        self.unacknowledged = 0;
        self.answer(Answer::Progress(Progress {
            processed_count: self.processed,
            created_count: self.processed - self.rejected,
            rejected_count: self.rejected,
            ..Progress::default()
        }))
        .await;
    }

    async fn run(mut self, fake: Arc<Fake>, mut requests: Streaming<ImportContactsRequest>) {
        use import_contacts_request::Message;
        loop {
            // A client that waits for acknowledgements gets them, but not before it had the time
            // to send more than it may.
            let patience = match self.unacknowledged {
                ..MAX_IN_FLIGHT => PATIENCE / 4,
                MAX_IN_FLIGHT.. => Duration::from_millis(100),
            };
            let next = tokio::time::timeout(patience, requests.message()).await;
            match next.map(|it| it.unwrap().and_then(|it| it.message)) {
                Err(_) => self.acknowledge().await,
                Ok(Some(Message::Start(start))) => {
                    let known = fake.import_progress(&start.import_id);
                    (self.processed, self.rejected) = known;
                    self.id = start.import_id;
                    self.acknowledge().await;
                }
                Ok(Some(Message::Chunk(chunk))) => {
                    let ids = chunk.contacts.iter().map(|it| it.id.clone());
                    fake.received.lock().unwrap().extend(ids);
                    self.chunk(&chunk.contacts).await;
                    let so_far = (self.processed, self.rejected);
                    fake.imports.lock().unwrap().insert(self.id.clone(), so_far);
                    let mut most = fake.most_in_flight.lock().unwrap();
                    *most = self.unacknowledged.max(*most);
                }
                Ok(Some(Message::Finish(_))) => break,
                Ok(None) => return,
            }
            if fake.upload != UploadFault::Withhold && self.unacknowledged > 0 {
                self.acknowledge().await;
                if fake.upload == UploadFault::Break && self.processed % 2 == 1 {
                    let _ = self.answers.send(Err(Status::unavailable("away"))).await;
                    return;
                }
            }
        }
        let extra = i64::from(fake.upload == UploadFault::WrongCount);
        if fake.upload != UploadFault::NoSummary {
            self.answer(Answer::Summary(Summary {
                processed_count: self.processed + extra,
                ..Summary::default()
            }))
            .await;
        }
    }
}

impl Fake {
    async fn import_contacts(
        self: Arc<Self>,
        request: Request<Streaming<ImportContactsRequest>>,
    ) -> Result<Response<Answers<ImportContactsResponse>>, Status> {
        self.record_tenant(&request);
        let (answers, stream) = tokio::sync::mpsc::channel(100);
        let import = Import {
            answers,
            id: String::new(),
            processed: 0,
            rejected: 0,
            unacknowledged: 0,
        };
        tokio::spawn(import.run(Arc::clone(&self), request.into_inner()));
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    /// The group MOVE, then three of its members at a time, in two messages.
    async fn export_contacts(
        self: Arc<Self>,
        request: Request<ExportContactsRequest>,
    ) -> Result<Response<Answers<ExportContactsResponse>>, Status> {
        self.record_tenant(&request);
        let token = request.into_inner().resume_token;
        let first = self.resume(token.clone());
        let mut messages = Vec::new();
        if token.is_empty() {
            messages.push(exported_group());
        }
        for from in (first..MEMBERS).step_by(3) {
            let numbers: Vec<_> = (from..MEMBERS.min(from + 3)).collect();
            messages.extend(exported_page(&numbers, from));
        }
        messages.push(export_contacts_response::Message::Summary(
            export_contacts_response::Summary {
                revision: 7,
                ..Default::default()
            },
        ));
        let whole = messages.into_iter().map(|message| ExportContactsResponse {
            message: Some(message),
        });
        Ok(Response::new(self.cut(whole.collect())?))
    }
}
