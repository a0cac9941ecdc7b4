//! Exports: the whole content of a tenant, in a form that can be imported.

mod copy;
mod late;
mod moving;
mod pages;
mod resume;

use mailing_groups::pb::{
    self,
    export_contacts_response::{Message, Page, Summary},
};
use tonic::{Status, Streaming};

use crate::support::Tenant;

/// An export, or the rest of one.
#[derive(Debug, Default)]
struct Exported {
    /// Groups, in their messages.
    groups: Vec<Vec<pb::MailingGroup>>,
    pages: Vec<Page>,
    summary: Summary,
}

impl Exported {
    /// Reads the rest of a stream: its summary must be the last message, and count what came.
    async fn read(stream: &mut Streaming<pb::ExportContactsResponse>) -> Result<Self, Status> {
        let mut exported = Self::default();
        let mut summary = None;
        while let Some(response) = stream.message().await? {
            assert_eq!(summary, None, "a message after the summary");
            match response.message.unwrap() {
                Message::MailingGroups(part) => {
                    assert!(exported.pages.is_empty(), "groups after contacts");
                    exported.groups.push(part.mailing_groups);
                }
                Message::Page(page) => exported.pages.push(page),
                Message::Heartbeat(_) => {}
                Message::Summary(last) => summary = Some(last),
            }
        }
        exported.summary = summary.expect("a summary before the end");
        Ok(exported)
    }

    fn contacts(&self) -> Vec<pb::Contact> {
        self.pages
            .iter()
            .flat_map(|page| page.contacts.clone())
            .collect()
    }

    fn ids(&self) -> Vec<String> {
        self.contacts().into_iter().map(|it| it.id).collect()
    }

    /// Contact and code of every assignment, in order.
    fn pairs(&self) -> Vec<(String, String)> {
        let assignments = self.pages.iter().flat_map(|page| &page.assignments);
        let mut pairs: Vec<_> = assignments
            .map(|it| (it.contact_id.clone(), it.code.clone()))
            .collect();
        pairs.sort();
        pairs
    }

    fn codes(&self) -> Vec<String> {
        let groups = self.groups.iter().flatten();
        groups.map(|group| group.code.clone()).collect()
    }

    /// What the summary has to count.
    fn counts(&self) -> (i64, i64, i64) {
        let count = |count: usize| i64::try_from(count).unwrap();
        (
            count(self.contacts().len()),
            count(self.pairs().len()),
            count(self.codes().len()),
        )
    }

    fn counted(&self) -> (i64, i64, i64) {
        let it = self.summary;
        (
            it.contact_count,
            it.assignment_count,
            it.mailing_group_count,
        )
    }
}

fn request(page_size: i32, resume_token: &str) -> pb::ExportContactsRequest {
    pb::ExportContactsRequest {
        page_size,
        resume_token: resume_token.into(),
    }
}

impl Tenant {
    async fn open_export(
        &mut self,
        request: pb::ExportContactsRequest,
    ) -> Result<Streaming<pb::ExportContactsResponse>, Status> {
        Ok(self.contacts.export_contacts(request).await?.into_inner())
    }

    async fn export(&mut self, request: pb::ExportContactsRequest) -> Result<Exported, Status> {
        let mut stream = self.open_export(request).await?;
        let exported = Exported::read(&mut stream).await?;
        assert_eq!(exported.counted(), exported.counts());
        Ok(exported)
    }
}

/// The next page of a stream.
async fn page(stream: &mut Streaming<pb::ExportContactsResponse>) -> Page {
    loop {
        match stream.message().await.unwrap().unwrap().message.unwrap() {
            Message::Page(page) => return page,
            Message::MailingGroups(_) | Message::Heartbeat(_) => {}
            other => panic!("no page but {other:?}"),
        }
    }
}
