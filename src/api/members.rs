//! The stream of the members that a selection has.

use tokio_util::sync::CancellationToken;

use super::{
    contact_sizes,
    convert::to_wire_count,
    request::{selection_source, view_and_max_page},
    stream::{self, PageSource, ResponseStream, ResumeToken, StreamRequest},
};
use crate::{
    domain::{
        Call, Domain, Result,
        selection::{self, Member, MemberPage, PrefetchedMembers},
    },
    pb::{
        self, SegmentPart,
        stream_segment_members_response::{Heartbeat, Message, Page, Summary},
    },
};

/// Selects members, and then streams them.
pub(super) async fn stream(
    domain: Domain,
    call: Call,
    mut request: pb::StreamSegmentMembersRequest,
    shutdown: CancellationToken,
) -> Result<ResponseStream<pb::StreamSegmentMembersResponse>> {
    let (view, max) = view_and_max_page(request.view());
    let start = StreamRequest::take(&call, &mut request, max)?;
    let part = request.part();
    let source = selection_source(request.selection, "selection")?;
    start.check(&domain, &call).await?;
    let selected = selection::select(&domain, &call, &source).await?;
    let sent = match part {
        SegmentPart::Unspecified | SegmentPart::Members => selected.members,
        SegmentPart::Excluded => selected.excluded,
        SegmentPart::PrivacyBlocked => selected.privacy_blocked,
    };
    let counts = selected.counts;
    let (after, commit) = (start.after(), selected.commit);
    let source = MemberPages {
        pages: PrefetchedMembers::new(&domain, &call, sent, view, start.size, after, commit),
        summary: Summary {
            member_count: to_wire_count(counts.members),
            company_count: to_wire_count(counts.companies),
            person_count: to_wire_count(counts.persons()),
            excluded_count: to_wire_count(counts.excluded),
            privacy_blocked_count: to_wire_count(counts.privacy_blocked),
            revision: commit.revision,
            revision_moved: start.has_moved(commit),
            ..Summary::default()
        },
    };
    let token = start.into_resume_token(commit);
    Ok(stream::pages(source, token, shutdown))
}

/// The selected set, its prefetched pages, and the totals so far.
struct MemberPages {
    pages: PrefetchedMembers,
    summary: Summary,
}

/// A page, in parts that fit into a message.
fn parts(mut page: MemberPage) -> Vec<MemberPage> {
    let cuts = contact_sizes::cuts(&[&page.members]);
    let part = |last| MemberPage {
        members: contact_sizes::take_up_to(&mut page.members, last),
        last,
        deleted: 0,
    };
    let mut parts: Vec<_> = cuts.into_iter().map(part).collect();
    parts.push(page);
    parts
}

impl PageSource for MemberPages {
    type Part = MemberPage;
    type Response = pb::StreamSegmentMembersResponse;

    async fn pull(&mut self) -> Result<Vec<MemberPage>> {
        Ok(self.pages.next().await?.map(parts).unwrap_or_default())
    }

    fn page(&mut self, page: MemberPage, token: &mut ResumeToken) -> Self::Response {
        self.summary.sent_count += to_wire_count(page.members.len() as u64);
        self.summary.deleted_count += to_wire_count(page.deleted as u64);
        response(Message::Page(Page {
            members: page.members.into_iter().map(Into::into).collect(),
            resume_token: token.advance(page.last),
        }))
    }

    fn summary(&mut self) -> Self::Response {
        response(Message::Summary(self.summary))
    }

    fn heartbeat(resume_token: String) -> Self::Response {
        response(Message::Heartbeat(Heartbeat { resume_token }))
    }
}

fn response(message: Message) -> pb::StreamSegmentMembersResponse {
    pb::StreamSegmentMembersResponse {
        message: Some(message),
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
