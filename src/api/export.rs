//! The stream of everything a tenant has, as it is imported.

use std::{iter::Peekable, vec::IntoIter};

use futures_util::{StreamExt, stream as streams, stream::BoxStream};
use prost::Message as _;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{
    convert::signed,
    stream::{self, Next, Place, Start},
    token::Binding,
};
use crate::{
    domain::{
        Call, Domain, Result,
        assignments::MAX_BATCH,
        export::{self, Assignments, Defined, Export, Part, Sent, export},
    },
    model::{Assignment, Contact, Revision},
    pb::{
        self,
        export_contacts_response::{Heartbeat, MailingGroups, Message, Page, Summary},
    },
};

/// The most contacts in a page.
const MOST: i32 = 2_000;

/// A message is ended when it has so many bytes.
const BYTES: usize = 1 << 20;

type Response = pb::ExportContactsResponse;

/// Notes what there is, and then streams it.
pub(super) async fn stream(
    domain: Domain,
    call: Call,
    mut request: pb::ExportContactsRequest,
    shutdown: CancellationToken,
) -> Result<BoxStream<'static, Result<Response, Status>>> {
    let start = Start::take("ExportContacts", &call, &mut request, MOST, |it| {
        (&mut it.page_size, &mut it.resume_token)
    })?;
    let sent = start.place.as_ref().map(|place| Sent {
        upto: place.after,
        since: place.revision,
    });
    let export = export(&domain, &call, start.size, sent).await?;
    let revision = export.revision();
    let summary = Summary {
        revision,
        revision_moved: start.has_moved(revision),
        ..Summary::default()
    };
    let reader = Reader {
        export,
        pending: None,
        summary: Some(summary),
        begun: sent.map_or(revision, |sent| sent.since),
        binding: start.binding,
        shutdown,
        token: start.token,
    };
    let messages = streams::try_unfold(reader, |mut reader| async move {
        Ok(reader.next().await?.map(|message| (message, reader)))
    });
    Ok(messages.boxed())
}

/// A stream and how far it has come. Between two messages it holds the sets of who has which
/// group, the page that is being sent, and one that is read ahead.
struct Reader {
    export: Export,
    /// What is not sent yet of a page.
    pending: Option<Pending>,
    /// The totals, until they are sent.
    summary: Option<Summary>,
    /// The revision of the stream that was opened first.
    begun: Revision,
    binding: Binding,
    shutdown: CancellationToken,
    token: String,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<Response>, Status> {
        if self.summary.is_none() {
            return Ok(None);
        }
        let message = match self.pending.take() {
            Some(pending) => Some(self.page(pending)),
            None => match stream::next(&self.shutdown, self.export.next()).await? {
                Next::Part(Part::MailingGroups(groups)) => Some(self.groups(groups)),
                Next::Part(Part::Page(page)) => Some(self.page((*page).into())),
                Next::End => self.summary.take().map(Message::Summary),
                Next::Silence => Some(Message::Heartbeat(Heartbeat {
                    resume_token: self.token.clone(),
                })),
            },
        };
        Ok(Some(Response { message }))
    }

    fn groups(&mut self, groups: Vec<Defined>) -> Message {
        if let Some(summary) = &mut self.summary {
            summary.mailing_group_count += signed(groups.len() as u64);
        }
        Message::MailingGroups(MailingGroups {
            mailing_groups: groups.into_iter().map(Into::into).collect(),
        })
    }

    /// The next message of a page; what is left of it is kept.
    fn page(&mut self, mut pending: Pending) -> Message {
        let mut page = pending.cut();
        if let Some(summary) = &mut self.summary {
            summary.contact_count += signed(page.contacts.len() as u64);
            summary.assignment_count += signed(page.assignments.len() as u64);
            summary.deleted_count += signed(std::mem::take(&mut pending.deleted) as u64);
        }
        if pending.is_empty() {
            let place = Place {
                after: pending.upto,
                revision: self.begun,
            };
            self.token = self.binding.issue(&place.to_string());
        } else {
            self.pending = Some(pending);
        }
        page.resume_token = self.token.clone();
        Message::Page(page)
    }
}

/// What is not sent yet of a page.
struct Pending {
    contacts: Peekable<IntoIter<Contact>>,
    assignments: Peekable<Assignments>,
    upto: u32,
    deleted: usize,
}

impl From<export::Page> for Pending {
    fn from(page: export::Page) -> Self {
        Self {
            contacts: page.contacts.into_iter().peekable(),
            assignments: page.assignments.peekable(),
            upto: page.upto,
            deleted: page.deleted,
        }
    }
}

impl Pending {
    fn is_empty(&mut self) -> bool {
        self.contacts.peek().is_none() && self.assignments.peek().is_none()
    }

    /// As much as goes into one message.
    fn cut(&mut self) -> Page {
        let (mut page, mut bytes) = (Page::default(), 0);
        while bytes < BYTES
            && let Some(contact) = self.contacts.next()
        {
            let contact = pb::Contact::from(contact);
            bytes += contact.encoded_len();
            page.contacts.push(contact);
        }
        while bytes < BYTES
            && page.assignments.len() < MAX_BATCH
            && let Some(assignment) = self.assignments.next()
        {
            let assignment = pb::Assignment::from(assignment);
            bytes += assignment.encoded_len();
            page.assignments.push(assignment);
        }
        page
    }
}

impl From<Assignment> for pb::Assignment {
    fn from(assignment: Assignment) -> Self {
        Self {
            contact_id: assignment.contact_id.into(),
            code: assignment.code.into(),
        }
    }
}

impl From<Defined> for pb::MailingGroup {
    fn from(group: Defined) -> Self {
        Self {
            code: group.code.into(),
            description: group.description,
            contact_count: signed(group.contacts),
            company_count: signed(group.companies),
            person_count: signed(group.contacts - group.companies),
            ..Self::default()
        }
    }
}
