//! A `Contacts` service whose behaviour is chosen by the call's metadata `x-act`.

use std::{pin::Pin, sync::Arc, time::Instant};

use futures_util::{Stream, StreamExt, future::pending, stream};
use mailing_groups::{
    api::request_id,
    pb::{contacts_server::ContactsServer, *},
};
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming, metadata::MetadataMap};

use crate::support::stub::Stub;

/// The largest answer, in bytes, that `big` exceeds.
pub(crate) const MESSAGE_LIMIT: usize = 64 << 10;

/// The service.
pub(crate) struct Acts {
    /// Notified when a handler starts to hang.
    pub started: UnboundedSender<Instant>,
    /// Notified when a hanging handler is dropped.
    pub dropped: UnboundedSender<Instant>,
    /// Observed by the streams that end at a shutdown.
    pub shutdown: CancellationToken,
}

type Answers = Pin<Box<dyn Stream<Item = Result<ImportContactsResponse, Status>> + Send>>;

struct NotifyOnDrop(UnboundedSender<Instant>);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        let _ = self.0.send(Instant::now());
    }
}

fn act(metadata: &MetadataMap) -> String {
    let value = metadata.get("x-act").and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

fn named(name: String) -> Result<Response<GetContactResponse>, Status> {
    let contact = Some(Contact {
        name,
        ..Contact::default()
    });
    Ok(Response::new(GetContactResponse { contact }))
}

fn answer() -> Result<ImportContactsResponse, Status> {
    let rejection = import_contacts_response::Rejection {
        message: "x".repeat(1000),
        ..Default::default()
    };
    Ok(ImportContactsResponse {
        message: Some(import_contacts_response::Message::Rejection(rejection)),
    })
}

impl Acts {
    fn hang(&self) -> NotifyOnDrop {
        let _ = self.started.send(Instant::now());
        NotifyOnDrop(self.dropped.clone())
    }

    /// The service on the wire.
    pub(crate) fn service(self) -> Stub<ContactsServer<()>, Self> {
        Stub::new(Arc::new(self), MESSAGE_LIMIT)
            .unary("GetContact", Self::get_contact)
            .streaming("ImportContacts", Self::import_contacts)
    }

    async fn get_contact(
        self: Arc<Self>,
        request: Request<GetContactRequest>,
    ) -> Result<Response<GetContactResponse>, Status> {
        match act(request.metadata()).as_str() {
            "hang" => {
                let _hang = self.hang();
                pending().await
            }
            "spin" => loop {
                tokio::task::yield_now().await;
            },
            "panic" => panic!("secret@example.com"),
            "fail" => Err(Status::not_found("no such contact")),
            "big" => named("x".repeat(2 * MESSAGE_LIMIT)),
            _ => named(
                request_id::current()
                    .map(|id| id.to_string())
                    .unwrap_or_default(),
            ),
        }
    }

    async fn import_contacts(
        self: Arc<Self>,
        request: Request<Streaming<ImportContactsRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let act = act(request.metadata());
        let requests = request.into_inner();
        let answers: Answers = match act.as_str() {
            "late" => {
                let _hang = self.hang();
                pending().await
            }
            "hang" => {
                let hang = self.hang();
                Box::pin(
                    stream::once(async { answer() }).chain(stream::once(async move {
                        let _hang = hang;
                        pending().await
                    })),
                )
            }
            "flood" => {
                let hang = self.hang();
                Box::pin(stream::repeat_with(move || {
                    let _hang = &hang;
                    answer()
                }))
            }
            "heed" => {
                let hang = self.hang();
                let shutdown = self.shutdown.clone();
                Box::pin(stream::once(async move {
                    let _hang = hang;
                    shutdown.cancelled().await;
                    answer()
                }))
            }
            "panic" => Box::pin(stream::once(async { panic!("secret@example.com") })),
            _ => Box::pin(requests.map(|request| request.and_then(|_| answer()))),
        };
        Ok(Response::new(answers))
    }
}
