//! The calls that read a stream.

use std::{sync::Arc, time::Duration};

use mailing_groups::pb::{
    import_contacts_response::{Message as Answer, Progress, Rejection, Summary},
    *,
};
use tokio_stream::{StreamExt, wrappers::ReceiverStream};
use tonic::{Request, Response, Status, Streaming};

use super::{Answers, Fake, MAX_IN_FLIGHT, UploadFault};
use crate::support::PATIENCE;

impl Fake {
    pub(super) async fn import_memberships(
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

    pub(super) async fn import_contacts(
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
                    message: "no such group".to_owned(),
                    ..Default::default()
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
                    message: "starts with bad".to_owned(),
                    ..Default::default()
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
                if fake.upload == UploadFault::Lose {
                    fake.imports.lock().unwrap().clear();
                }
                let end = match fake.upload {
                    UploadFault::Break | UploadFault::Lose => Some(Status::unavailable("away")),
                    UploadFault::Overdue => Some(Status::deadline_exceeded("too old")),
                    UploadFault::NoFault
                    | UploadFault::Withhold
                    | UploadFault::NoSummary
                    | UploadFault::WrongCount => None,
                };
                if let Some(end) = end.filter(|_| self.processed % 2 == 1) {
                    let _ = self.answers.send(Err(end)).await;
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
