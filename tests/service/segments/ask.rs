//! Short ways to work with segments.

use mailing_groups::pb::{self, compare_segments_response::Message};
use tonic::Status;

use crate::support::Tenant;

/// An Add of the contacts that match.
pub(super) fn add(segment_id: &str, expression: &str) -> pb::AddContactsRequest {
    pb::AddContactsRequest {
        segment_id: segment_id.into(),
        expression: expression.into(),
        ..Default::default()
    }
}

/// An Add of these.
pub(super) fn add_ids(segment_id: &str, ids: &[&str]) -> pb::AddContactsRequest {
    pb::AddContactsRequest {
        segment_id: segment_id.into(),
        contact_ids: ids.iter().map(ToString::to_string).collect(),
        ..Default::default()
    }
}

/// A Reduce.
pub(super) fn reduce(segment_id: &str, expression: &str) -> pb::ReduceContactsRequest {
    pb::ReduceContactsRequest {
        segment_id: segment_id.into(),
        expression: expression.into(),
        ..Default::default()
    }
}

/// A Refine.
pub(super) fn refine(segment_id: &str, expression: &str) -> pb::RefineContactsRequest {
    pb::RefineContactsRequest {
        segment_id: segment_id.into(),
        expression: expression.into(),
        ..Default::default()
    }
}

/// A GoBack.
pub(super) fn back(segment_id: &str) -> pb::GoBackRequest {
    pb::GoBackRequest {
        segment_id: segment_id.into(),
        ..Default::default()
    }
}

/// A segment to compare.
pub(super) fn segment(id: &str) -> Option<pb::Selection> {
    Some(pb::Selection::of_segment(id))
}

/// An expression to compare.
pub(super) fn expression(text: &str) -> Option<pb::Selection> {
    Some(pb::Selection::of_expression(
        text,
        pb::SelectionOptions::default(),
    ))
}

/// A whole comparison.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) entered: Vec<String>,
    pub(super) left: Vec<String>,
    pub(super) tokens: Vec<String>,
    pub(super) summary: pb::compare_segments_response::Summary,
}

impl Tenant {
    /// Creates an empty segment.
    pub(super) async fn segment(&mut self, id: &str) -> pb::Segment {
        let segment = Some(pb::Segment {
            id: id.into(),
            ..Default::default()
        });
        let request = pb::CreateSegmentRequest {
            segment,
            ..Default::default()
        };
        let response = self.segments.create_segment(request).await.unwrap();
        response.into_inner().segment.unwrap()
    }

    /// Reads a segment.
    pub(super) async fn get_segment(&mut self, id: &str) -> Result<pb::Segment, Status> {
        let request = pb::GetSegmentRequest { id: id.into() };
        let response = self.segments.get_segment(request).await?;
        Ok(response.into_inner().segment.unwrap())
    }

    /// Does an Add.
    pub(super) async fn add(&mut self, request: pb::AddContactsRequest) -> pb::AddContactsResponse {
        self.segments
            .add_contacts(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// Does a Reduce.
    pub(super) async fn reduce(
        &mut self,
        request: pb::ReduceContactsRequest,
    ) -> pb::ReduceContactsResponse {
        self.segments
            .reduce_contacts(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// Does a Refine.
    pub(super) async fn refine(
        &mut self,
        request: pb::RefineContactsRequest,
    ) -> pb::RefineContactsResponse {
        self.segments
            .refine_contacts(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// Goes back one action.
    pub(super) async fn go_back(&mut self, segment_id: &str) -> pb::GoBackResponse {
        self.segments
            .go_back(back(segment_id))
            .await
            .unwrap()
            .into_inner()
    }

    /// The members of a segment in order of creation. The counts must agree.
    pub(super) async fn on(&mut self, segment_id: &str) -> Vec<String> {
        let request = pb::StreamSegmentMembersRequest {
            selection: segment(segment_id),
            ..Default::default()
        };
        let ids = self.stream(request).await.unwrap().ids();
        let segment = self.get_segment(segment_id).await.unwrap();
        assert_eq!(segment.member_count, i64::try_from(ids.len()).unwrap());
        assert_eq!(
            segment.member_count,
            segment.company_count + segment.person_count
        );
        ids
    }

    /// The recorded actions of a segment.
    pub(super) async fn actions(&mut self, segment_id: &str) -> Vec<pb::SegmentAction> {
        let request = pb::ListSegmentActionsRequest {
            segment_id: segment_id.into(),
            page_size: 1_000,
            ..Default::default()
        };
        let response = self.segments.list_segment_actions(request).await.unwrap();
        response.into_inner().actions
    }

    /// Compares two sets.
    pub(super) async fn compare(
        &mut self,
        request: pb::CompareSegmentsRequest,
    ) -> Result<Compared, Status> {
        let ids = |members: Vec<pb::SegmentMember>| members.into_iter().map(|m| m.contact_id);
        let mut stream = self.segments.compare_segments(request).await?.into_inner();
        let mut compared = Compared::default();
        let mut summary = None;
        while let Some(response) = stream.message().await? {
            assert_eq!(summary, None, "a message after the summary");
            match response.message.unwrap() {
                Message::Page(page) => {
                    compared.entered.extend(ids(page.entered));
                    compared.left.extend(ids(page.left));
                    compared.tokens.push(page.resume_token);
                }
                Message::Heartbeat(_) => {}
                Message::Summary(last) => summary = Some(last),
            }
        }
        compared.summary = summary.expect("a summary before the end");
        Ok(compared)
    }

    /// A and its person C and D, and B without a company; groups MOVE and GIFT without members.
    pub(super) async fn small_world() -> Self {
        use crate::support::{company, person};
        let mut tenant = Self::new().await;
        for contact in [
            company("A"),
            person("B", ""),
            person("C", "A"),
            person("D", "A"),
        ] {
            tenant.create(contact).await;
        }
        tenant.group("MOVE").await;
        tenant.group("GIFT").await;
        tenant
    }
}
