//! The stream of a segment's members.

use futures_util::{StreamExt, stream as streams, stream::BoxStream};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{
    convert::signed,
    selected,
    stream::{self, Next, Place, Start},
    token::Binding,
};
use crate::{
    domain::{
        Call, Domain, Result,
        selection::{self, Member, Pages, View},
    },
    model::SegmentCounts,
    pb::{
        self, SegmentMemberView, SegmentPart,
        stream_segment_members_response::{Heartbeat, Message, Page, Summary},
    },
};

type Response = pb::StreamSegmentMembersResponse;

/// Selects members, and then streams them.
pub(super) async fn stream(
    domain: Domain,
    call: Call,
    mut request: pb::StreamSegmentMembersRequest,
    shutdown: CancellationToken,
) -> Result<BoxStream<'static, Result<Response, Status>>> {
    let (view, most) = match request.view() {
        SegmentMemberView::Full => (View::Full, 2_000),
        SegmentMemberView::Ids | SegmentMemberView::Unspecified => (View::Ids, 10_000),
    };
    let start = Start::take("StreamSegmentMembers", &call, &mut request, most, |it| {
        (&mut it.page_size, &mut it.resume_token)
    })?;
    let part = request.part();
    let source = selected::streamed(request)?;
    let selected = selection::select(&domain, &call, &source).await?;
    let sent = match part {
        SegmentPart::Unspecified | SegmentPart::Members => selected.members,
        SegmentPart::Excluded => selected.excluded,
        SegmentPart::PrivacyBlocked => selected.privacy_blocked,
    };
    let revision = selected.counts.revision;
    let after = start.after();
    let reader = Reader {
        pages: Pages::new(&domain, &call, sent, view, start.size, after, revision),
        revision_moved: start.has_moved(revision),
        counts: selected.counts,
        binding: start.binding,
        shutdown,
        token: start.token,
        sent: 0,
        deleted: 0,
        done: false,
    };
    let messages = streams::try_unfold(reader, |mut reader| async move {
        Ok(reader.next().await?.map(|message| (message, reader)))
    });
    Ok(messages.boxed())
}

/// A stream and how far it has come. Between two messages it holds the selected set, and the
/// pages that are read ahead.
struct Reader {
    pages: Pages,
    counts: SegmentCounts,
    binding: Binding,
    shutdown: CancellationToken,
    token: String,
    revision_moved: bool,
    sent: usize,
    deleted: usize,
    done: bool,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<Response>, Status> {
        if self.done {
            return Ok(None);
        }
        let message = match stream::next(&self.shutdown, self.pages.next()).await? {
            Next::Part(page) => self.page(page),
            Next::End => self.summary(),
            Next::Silence => Message::Heartbeat(Heartbeat {
                resume_token: self.token.clone(),
            }),
        };
        Ok(Some(Response {
            message: Some(message),
        }))
    }

    fn page(&mut self, page: selection::Page) -> Message {
        self.sent += page.members.len();
        self.deleted += page.deleted;
        let place = Place {
            after: page.last,
            revision: self.counts.revision,
        };
        self.token = self.binding.issue(&place.to_string());
        Message::Page(Page {
            members: page.members.into_iter().map(Into::into).collect(),
            resume_token: self.token.clone(),
        })
    }

    fn summary(&mut self) -> Message {
        self.done = true;
        let counts = self.counts;
        Message::Summary(Summary {
            member_count: signed(counts.members),
            company_count: signed(counts.companies),
            person_count: signed(counts.persons()),
            excluded_count: signed(counts.excluded),
            privacy_blocked_count: signed(counts.privacy_blocked),
            revision: counts.revision,
            sent_count: signed(self.sent as u64),
            deleted_count: signed(self.deleted as u64),
            revision_moved: self.revision_moved,
        })
    }
}

impl From<Member> for pb::SegmentMember {
    fn from(member: Member) -> Self {
        match member {
            Member::Id(id) => Self {
                contact_id: id,
                contact: None,
            },
            Member::Contact(contact) => Self {
                contact_id: contact.id.to_string(),
                contact: Some((*contact).into()),
            },
        }
    }
}
