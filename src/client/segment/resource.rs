//! Creating, describing and deleting segments.

use super::{Error, SegmentSession, show::line};
use crate::{
    client::terminal,
    pb::{CreateSegmentRequest, DeleteSegmentRequest, Segment, UpdateSegmentRequest},
};

#[derive(Debug, clap::Args)]
pub(super) struct CreateArgs {
    /// The segment's id; by default the next of the series SM000001
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// The segment's purpose
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

impl CreateArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let segment = Segment {
            id: self.id.unwrap_or_default(),
            description: self.description.unwrap_or_default(),
            ..Segment::default()
        };
        let request = session.connection.unary(CreateSegmentRequest {
            segment: Some(segment),
            ..CreateSegmentRequest::default()
        });
        let created = session.client.create_segment(request).await?.into_inner();
        terminal::print(&created.segment.unwrap_or_default().id)
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct DescribeArgs {
    /// The segment
    #[arg(value_name = "ID")]
    id: String,
    /// The segment's purpose
    #[arg(value_name = "TEXT")]
    description: String,
}

impl DescribeArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let segment = Segment {
            id: self.id,
            description: self.description,
            ..Segment::default()
        };
        let update_mask = Some(prost_types::FieldMask {
            paths: vec!["description".to_owned()],
        });
        let request = session.connection.unary(UpdateSegmentRequest {
            segment: Some(segment),
            update_mask,
            ..UpdateSegmentRequest::default()
        });
        let updated = session.client.update_segment(request).await?.into_inner();
        terminal::print(&line(&updated.segment.unwrap_or_default()))
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct DeleteArgs {
    /// The segment
    #[arg(value_name = "ID")]
    id: String,
}

impl DeleteArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let request = session.connection.unary(DeleteSegmentRequest {
            id: self.id.clone(),
            ..DeleteSegmentRequest::default()
        });
        session.client.delete_segment(request).await?;
        terminal::print(&format!("segment {} deleted", self.id))
    }
}
