//! The stream of a segment's members.

use std::time::Duration;

use futures_util::{StreamExt, stream, stream::BoxStream};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{
    convert::signed,
    field::Field,
    pb::{
        self, SegmentMemberView, SegmentPart,
        stream_segment_members_response::{Heartbeat, Message, Page, Summary},
    },
    selected, status,
    token::Binding,
};
use crate::{
    domain::{
        Call, Domain, Error, Result,
        selection::{self, Member, Pages, View},
    },
    model::{PageSize, Revision, SegmentCounts},
};

/// A reader who waits this long hears that the stream lives.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);

/// Members in a page, unless the caller says otherwise.
pub(super) const PAGE_SIZE: i32 = 1_000;

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
    let wish = std::mem::take(&mut request.page_size);
    let size = PageSize::new(wish, PAGE_SIZE, most).field("page_size")?;
    let token = std::mem::take(&mut request.resume_token);
    let binding = Binding::new("StreamSegmentMembers", &call, &request);
    let place = binding.read::<Place>(&token, "resume_token")?;
    let part = request.part();
    let source = selected::streamed(request)?;
    let selected = selection::select(&domain, &call, &source).await?;
    let sent = match part {
        SegmentPart::Unspecified | SegmentPart::Members => selected.members,
        SegmentPart::Excluded => selected.excluded,
        SegmentPart::PrivacyBlocked => selected.privacy_blocked,
    };
    let after = place.as_ref().map_or(0, |place| place.after);
    let reader = Reader {
        pages: Pages::new(
            &domain,
            &call,
            sent,
            view,
            size,
            after,
            selected.counts.revision,
        ),
        revision_moved: place.is_some_and(|place| place.revision != selected.counts.revision),
        counts: selected.counts,
        binding,
        shutdown,
        token,
        sent: 0,
        deleted: 0,
        done: false,
    };
    let messages = stream::try_unfold(reader, |mut reader| async move {
        Ok(reader.next().await?.map(|message| (message, reader)))
    });
    Ok(messages.boxed())
}

/// A stream and how far it has come. Between two messages it holds the selected set, and one
/// page that is read ahead.
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
        let message = tokio::select! {
            biased;
            () = self.shutdown.cancelled() => return Err(status::draining()),
            page = self.pages.next() => match page? {
                Some(page) => self.page(page),
                None => self.summary(),
            },
            () = tokio::time::sleep(HEARTBEAT) => {
                Message::Heartbeat(Heartbeat { resume_token: self.token.clone() })
            }
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
            Member::Id(id) => pb::SegmentMember {
                contact_id: id,
                contact: None,
            },
            Member::Contact(contact) => pb::SegmentMember {
                contact_id: contact.id.to_string(),
                contact: Some((*contact).into()),
            },
        }
    }
}

/// Where a stream stood: after which contact, and at which revision it read membership.
pub(super) struct Place {
    pub(super) after: u32,
    pub(super) revision: Revision,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.after, self.revision)
    }
}

impl std::str::FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Place> {
        let place = text.split_once('@').and_then(|(after, revision)| {
            Some(Place {
                after: after.parse().ok()?,
                revision: revision.parse().ok()?,
            })
        });
        place.ok_or_else(|| Error::invalid("resume_token", "is not a place in a stream"))
    }
}
