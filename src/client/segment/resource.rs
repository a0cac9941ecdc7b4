//! Creating, describing and deleting segments.

use super::{Error, Service, show::line};
use crate::{
    client::terminal,
    pb::{CreateSegmentRequest, DeleteSegmentRequest, Segment, UpdateSegmentRequest},
};

#[derive(Debug, clap::Args)]
pub(super) struct Create {
    /// The segment's id; without one it gets the next of the series SM000001
    #[arg(value_name = "ID", default_value = "")]
    id: String,
    /// What the segment is for
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,
}

impl Create {
    pub(super) async fn run(self, service: &mut Service) -> Result<(), Error> {
        let segment = Segment {
            id: self.id,
            description: self.description,
            ..Segment::default()
        };
        let request = service.connection.unary(CreateSegmentRequest {
            segment: Some(segment),
            ..CreateSegmentRequest::default()
        });
        let created = service.client.create_segment(request).await?.into_inner();
        terminal::print(&created.segment.unwrap_or_default().id)
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct Describe {
    /// The segment
    #[arg(value_name = "ID")]
    id: String,
    /// What it is for
    #[arg(value_name = "TEXT")]
    description: String,
}

impl Describe {
    pub(super) async fn run(self, service: &mut Service) -> Result<(), Error> {
        let segment = Segment {
            id: self.id,
            description: self.description,
            ..Segment::default()
        };
        let update_mask = Some(prost_types::FieldMask {
            paths: vec!["description".to_owned()],
        });
        let request = service.connection.unary(UpdateSegmentRequest {
            segment: Some(segment),
            update_mask,
        });
        let updated = service.client.update_segment(request).await?.into_inner();
        terminal::print(&line(&updated.segment.unwrap_or_default()))
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct Delete {
    /// The segment
    #[arg(value_name = "ID")]
    id: String,
}

impl Delete {
    pub(super) async fn run(self, service: &mut Service) -> Result<(), Error> {
        let request = service.connection.unary(DeleteSegmentRequest {
            id: self.id.clone(),
            ..DeleteSegmentRequest::default()
        });
        service.client.delete_segment(request).await?;
        terminal::print(&format!("segment {} deleted", self.id))
    }
}
