//! Creating, describing and deleting segments.

use super::{
    Error, EtagArgs, Record, RecordFormatArgs, RecordPrinter, SegmentSession, mask, show::record,
};
use crate::pb::{CreateSegmentRequest, DeleteSegmentRequest, Segment, UpdateSegmentRequest};

#[derive(Debug, clap::Args)]
pub(super) struct CreateArgs {
    /// The segment's id; by default the next of the series SM000001
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// The segment's purpose
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    format: RecordFormatArgs,
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
        RecordPrinter::one(self.format, record(created.segment.unwrap_or_default()))
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
    #[command(flatten)]
    etag: EtagArgs,
    #[command(flatten)]
    format: RecordFormatArgs,
}

impl DescribeArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let segment = Segment {
            id: self.id,
            description: self.description,
            etag: self.etag.etag,
            ..Segment::default()
        };
        let request = session.connection.unary(UpdateSegmentRequest {
            segment: Some(segment),
            update_mask: mask(&["description"]),
            ..UpdateSegmentRequest::default()
        });
        let updated = session.client.update_segment(request).await?.into_inner();
        RecordPrinter::one(self.format, record(updated.segment.unwrap_or_default()))
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct DeleteArgs {
    /// The segment
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    format: RecordFormatArgs,
}

impl DeleteArgs {
    pub(super) async fn run(self, session: &mut SegmentSession) -> Result<(), Error> {
        let request = session.connection.unary(DeleteSegmentRequest {
            id: self.id.clone(),
            ..DeleteSegmentRequest::default()
        });
        let deleted = session.client.delete_segment(request).await?.into_inner();
        let sentence = format!("segment {} deleted", self.id);
        let result = Record(vec![
            ("id", self.id.into()),
            ("revision", deleted.revision.into()),
        ]);
        self.format.done(&sentence, result)
    }
}
