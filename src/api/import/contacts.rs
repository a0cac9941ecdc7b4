//! The import of contacts.

use super::{Import, Message};
use crate::{
    api::{convert::details, field::required, pb},
    domain::{
        Call, Domain, Result, Violation,
        contacts::{self, PutOutcome},
    },
    model::{NewContact, Revision},
};

use pb::{
    import_contacts_request::Message as Sent,
    import_contacts_response::{Message as Answer, Progress, Rejection, Summary},
};

/// An import of contacts and its totals so far.
pub(in crate::api) struct ContactImport {
    domain: Domain,
    call: Call,
    created: i64,
    updated: i64,
    unchanged: i64,
    rejected: i64,
    revision: Revision,
}

impl ContactImport {
    pub(in crate::api) fn new(domain: Domain, call: Call) -> ContactImport {
        ContactImport {
            domain,
            call,
            created: 0,
            updated: 0,
            unchanged: 0,
            rejected: 0,
            revision: 0,
        }
    }

    fn processed(&self) -> i64 {
        self.created + self.updated + self.unchanged + self.rejected
    }

    /// Counts an outcome; answers what was wrong, if anything was.
    fn count(&mut self, outcome: Result<PutOutcome, Violation>) -> Option<Violation> {
        let (counter, violation) = match outcome {
            Ok(PutOutcome::Created) => (&mut self.created, None),
            Ok(PutOutcome::Updated) => (&mut self.updated, None),
            Ok(PutOutcome::Unchanged) => (&mut self.unchanged, None),
            Ok(PutOutcome::Refused(refusal)) => (&mut self.rejected, Some(refusal.violation(""))),
            Err(violation) => (&mut self.rejected, Some(violation)),
        };
        *counter += 1;
        violation
    }
}

impl Import for ContactImport {
    type Request = pb::ImportContactsRequest;
    type Item = pb::Contact;
    type Response = pb::ImportContactsResponse;

    const ITEMS: &'static str = "chunk.contacts";

    async fn commit(&mut self, items: Vec<pb::Contact>) -> Result<Vec<pb::ImportContactsResponse>> {
        let read: Vec<Result<NewContact, Violation>> = items.iter().map(new_contact).collect();
        let good: Vec<NewContact> = read.iter().flatten().cloned().collect();
        let (outcomes, revision) = contacts::put_many(&self.domain, &self.call, &good).await?;
        self.revision = revision;
        let mut outcomes = outcomes.into_iter();
        let mut answers = Vec::new();
        for (item, read) in items.into_iter().zip(read) {
            let index = self.processed();
            let outcome = read.map(|_| outcomes.next().unwrap_or(PutOutcome::Unchanged));
            if let Some(Violation { field, reason }) = self.count(outcome) {
                let rejection = Rejection {
                    index,
                    id: item.id,
                    field,
                    reason,
                };
                answers.push(answer(Answer::Rejection(rejection)));
            }
        }
        answers.push(answer(Answer::Progress(Progress {
            processed_count: self.processed(),
            created_count: self.created,
            updated_count: self.updated,
            unchanged_count: self.unchanged,
            rejected_count: self.rejected,
            revision: self.revision,
        })));
        Ok(answers)
    }

    fn summary(&self) -> pb::ImportContactsResponse {
        answer(Answer::Summary(Summary {
            processed_count: self.processed(),
            created_count: self.created,
            updated_count: self.updated,
            unchanged_count: self.unchanged,
            rejected_count: self.rejected,
            revision: self.revision,
        }))
    }
}

fn new_contact(contact: &pb::Contact) -> Result<NewContact, Violation> {
    let id = required(&contact.id, "id")?;
    let details = details(contact, "").map_err(|mut violations| violations.swap_remove(0))?;
    Ok(NewContact { id, details })
}

fn answer(message: Answer) -> pb::ImportContactsResponse {
    pb::ImportContactsResponse {
        message: Some(message),
    }
}

impl From<pb::ImportContactsRequest> for Message<pb::Contact> {
    fn from(request: pb::ImportContactsRequest) -> Self {
        match request.message {
            Some(Sent::Start(_)) => Message::Start,
            Some(Sent::Chunk(chunk)) => Message::Chunk(chunk.contacts),
            Some(Sent::Finish(_)) => Message::Finish,
            None => Message::Empty,
        }
    }
}
