//! A service in memory with faults on demand: streams that end early or hang, errors, missing
//! acknowledgements.

mod groups;
mod imports;
mod streams;

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
use tokio_stream::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status, service::Routes};

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
    /// The same, and what was acknowledged is lost.
    Lose,
    /// DEADLINE_EXCEEDED after the first chunk's acknowledgement, as when a stream is too old.
    Overdue,
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

    /// A stream that ends as the next of the cuts defines.
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
        let ready = || std::future::ready(Ok::<_, std::fmt::Error>(()));
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
