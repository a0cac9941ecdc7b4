//! The stream of everything a tenant has, as it is imported.

mod cursor;

use std::{iter::Peekable, vec::IntoIter};

use prost::Message as _;
use tokio_util::sync::CancellationToken;

use self::cursor::ExportCursor;
use super::{
    convert::to_wire_count,
    stream::{self, PageSource, ResponseStream, ResumeToken, StreamRequest, TARGET_MESSAGE_BYTES},
};
use crate::{
    domain::{
        Call, Domain, Result,
        export::{
            Assignments, ExportPage, ExportPart, ExportPosition, GroupDefinition, TenantExport,
            export,
        },
    },
    model::{Assignment, Contact, MAX_BATCH_ITEMS, Revision},
    pb::{
        self,
        export_contacts_response::{Heartbeat, MailingGroups, Message, Page, Summary},
    },
};

/// The most contacts in a page.
const MAX_PAGE_SIZE: i32 = 2_000;

/// Takes a snapshot of who has which group, and then streams the tenant's data.
pub(super) async fn stream(
    domain: Domain,
    call: Call,
    mut request: pb::ExportContactsRequest,
    shutdown: CancellationToken,
) -> Result<ResponseStream<pb::ExportContactsResponse>> {
    let start: StreamRequest<ExportCursor> =
        StreamRequest::take(&call, &mut request, MAX_PAGE_SIZE)?;
    let sent = start.cursor.map(|cursor| cursor.sent);
    if let Some(cursor) = start.cursor {
        domain.require_commit(&call, cursor.commit).await?;
    }
    let export = export(&domain, &call, start.size, sent).await?;
    let commit = export.commit();
    let first_revision = start.cursor.map_or(commit.revision, |it| it.first_revision);
    let summary = Summary {
        revision: commit.revision,
        revision_moved: first_revision != commit.revision,
        ..Summary::default()
    };
    let source = ExportPages {
        export,
        first_revision,
        pending: None,
        summary,
    };
    let token = start.into_resume_token(commit);
    Ok(stream::pages(source, token, shutdown))
}

/// The sets of who has which group, the page being sent with a prefetched one, and the totals.
struct ExportPages {
    export: TenantExport,
    /// The revision of the stream that was opened first.
    first_revision: Revision,
    /// The unsent rest of a page that does not fit into one message.
    pending: Option<Box<PendingPage>>,
    summary: Summary,
}

/// What is sent next.
enum Unsent {
    MailingGroups(Vec<GroupDefinition>),
    Page(Box<PendingPage>),
}

impl PageSource for ExportPages {
    type Part = Unsent;
    type Response = pb::ExportContactsResponse;

    async fn pull(&mut self) -> Result<Vec<Unsent>> {
        if let Some(pending) = self.pending.take() {
            return Ok(vec![Unsent::Page(pending)]);
        }
        let part = self.export.next().await?.map(|part| match part {
            ExportPart::MailingGroups(groups) => Unsent::MailingGroups(groups),
            ExportPart::Page(page) => Unsent::Page(Box::new((*page).into())),
        });
        Ok(part.into_iter().collect())
    }

    fn page(&mut self, unsent: Unsent, token: &mut ResumeToken) -> Self::Response {
        response(match unsent {
            Unsent::MailingGroups(groups) => Message::MailingGroups(self.groups(groups)),
            Unsent::Page(pending) => Message::Page(self.contacts(pending, token)),
        })
    }

    fn summary(&mut self) -> Self::Response {
        response(Message::Summary(self.summary))
    }

    fn heartbeat(resume_token: String) -> Self::Response {
        response(Message::Heartbeat(Heartbeat { resume_token }))
    }
}

impl ExportPages {
    fn groups(&mut self, groups: Vec<GroupDefinition>) -> MailingGroups {
        self.summary.mailing_group_count += to_wire_count(groups.len() as u64);
        MailingGroups {
            mailing_groups: groups.into_iter().map(Into::into).collect(),
        }
    }

    /// The next message of a page. The token advances with its last message.
    fn contacts(&mut self, mut pending: Box<PendingPage>, token: &mut ResumeToken) -> Page {
        let mut page = pending.take_message();
        let deleted = std::mem::take(&mut pending.deleted);
        self.summary.contact_count += to_wire_count(page.contacts.len() as u64);
        self.summary.assignment_count += to_wire_count(page.assignments.len() as u64);
        self.summary.deleted_count += to_wire_count(deleted as u64);
        if pending.is_empty() {
            page.resume_token = token.advance_to(&ExportCursor {
                sent: pending.sent,
                commit: self.export.commit(),
                first_revision: self.first_revision,
            });
        } else {
            page.resume_token = token.current();
            self.pending = Some(pending);
        }
        page
    }
}

fn response(message: Message) -> pb::ExportContactsResponse {
    pb::ExportContactsResponse {
        message: Some(message),
    }
}

/// The unsent rest of a page.
struct PendingPage {
    contacts: Peekable<IntoIter<Contact>>,
    assignments: Peekable<Assignments>,
    sent: ExportPosition,
    deleted: usize,
}

impl From<ExportPage> for PendingPage {
    fn from(page: ExportPage) -> Self {
        Self {
            contacts: page.contacts.into_iter().peekable(),
            assignments: page.assignments.peekable(),
            sent: page.sent,
            deleted: page.deleted,
        }
    }
}

impl PendingPage {
    fn is_empty(&mut self) -> bool {
        self.contacts.peek().is_none() && self.assignments.peek().is_none()
    }

    /// Takes as much as fits into one message.
    fn take_message(&mut self) -> Page {
        let (mut page, mut bytes) = (Page::default(), 0);
        while bytes < TARGET_MESSAGE_BYTES
            && let Some(contact) = self.contacts.next()
        {
            let contact = pb::Contact::from(contact);
            bytes += contact.encoded_len();
            page.contacts.push(contact);
        }
        while bytes < TARGET_MESSAGE_BYTES
            && page.assignments.len() < MAX_BATCH_ITEMS
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

impl From<GroupDefinition> for pb::MailingGroup {
    fn from(group: GroupDefinition) -> Self {
        Self {
            code: group.code.into(),
            description: group.description,
            contact_count: to_wire_count(group.contacts),
            company_count: to_wire_count(group.companies),
            person_count: to_wire_count(group.contacts - group.companies),
            ..Self::default()
        }
    }
}
