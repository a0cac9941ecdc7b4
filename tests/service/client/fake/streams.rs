//! The calls that answer with a stream of pages.

use std::sync::Arc;

use mailing_groups::pb::*;
use tonic::{Code, Request, Response, Status};

use super::{Answers, Fake, MEMBERS};

impl Fake {
    /// Ends within a snapshot, within a revision, because of its age, and with OUT_OF_RANGE.
    pub(super) async fn watch_changes(
        self: Arc<Self>,
        request: Request<WatchChangesRequest>,
    ) -> Result<Response<Answers<WatchChangesResponse>>, Status> {
        use watch_changes_response::{Changes, Message, Progress, Snapshot, SnapshotEnd};
        let mut watched = self.watched.lock().unwrap();
        watched.push(request.into_inner().start);
        let changes = |revision, more| {
            Message::Changes(Changes {
                revision,
                more,
                ..Default::default()
            })
        };
        let (messages, end) = match watched.len() {
            1 => (
                vec![Message::Snapshot(Snapshot::default())],
                Code::Unavailable,
            ),
            2 => {
                let end = Message::SnapshotEnd(SnapshotEnd {
                    revision: 3,
                    resume_token: "3.1".into(),
                });
                (vec![end, changes(5, true)], Code::Unavailable)
            }
            3 => {
                let progress = Message::Progress(Progress {
                    revision: 7,
                    resume_token: "7.1".into(),
                });
                (vec![changes(5, false), progress], Code::DeadlineExceeded)
            }
            _ => (vec![], Code::OutOfRange),
        };
        let answers = messages.into_iter().map(|message| {
            let message = Some(message);
            Ok(WatchChangesResponse { message })
        });
        let end = Err(Status::new(end, "so it ends"));
        let answers: Vec<_> = answers.chain([end]).collect();
        Ok(Response::new(Box::pin(tokio_stream::iter(answers))))
    }

    pub(super) async fn stream_segment_members(
        self: Arc<Self>,
        request: Request<StreamSegmentMembersRequest>,
    ) -> Result<Response<Answers<StreamSegmentMembersResponse>>, Status> {
        self.record_tenant(&request);
        let request = request.into_inner();
        let first = self.resume(request.resume_token);
        let numbers: Vec<_> = (first..MEMBERS).collect();
        let pages = numbers.chunks(request.page_size as usize).map(page);
        let summary = stream_segment_members_response::Message::Summary(Default::default());
        let whole = pages.chain([summary]).map(|message| {
            let message = Some(message);
            StreamSegmentMembersResponse { message }
        });
        Ok(Response::new(self.cut(whole.collect())?))
    }

    /// All members entered, three in a page.
    pub(super) async fn compare_segments(
        self: Arc<Self>,
        request: Request<CompareSegmentsRequest>,
    ) -> Result<Response<Answers<CompareSegmentsResponse>>, Status> {
        use compare_segments_response::{Message, Page};
        let first = self.resume(request.into_inner().resume_token);
        let numbers: Vec<_> = (first..MEMBERS).collect();
        let page = |numbers: &[usize]| {
            Message::Page(Page {
                entered: numbers.iter().copied().map(member).collect(),
                left: Vec::new(),
                resume_token: (numbers.last().unwrap() + 1).to_string(),
            })
        };
        let summary = Message::Summary(Default::default());
        let whole = numbers.chunks(3).map(page).chain([summary]);
        let whole = whole.map(|message| CompareSegmentsResponse {
            message: Some(message),
        });
        Ok(Response::new(self.cut(whole.collect())?))
    }

    /// The group MOVE, then three of its members at a time, in two messages.
    pub(super) async fn export_contacts(
        self: Arc<Self>,
        request: Request<ExportContactsRequest>,
    ) -> Result<Response<Answers<ExportContactsResponse>>, Status> {
        self.record_tenant(&request);
        let token = request.into_inner().resume_token;
        let first = self.resume(token.clone());
        let mut messages = Vec::new();
        if token.is_empty() {
            messages.push(exported_group());
        }
        for from in (first..MEMBERS).step_by(3) {
            let numbers: Vec<_> = (from..MEMBERS.min(from + 3)).collect();
            messages.extend(exported_page(&numbers, from));
        }
        messages.push(export_contacts_response::Message::Summary(
            export_contacts_response::Summary {
                revision: 7,
                ..Default::default()
            },
        ));
        let whole = messages.into_iter().map(|message| ExportContactsResponse {
            message: Some(message),
        });
        Ok(Response::new(self.cut(whole.collect())?))
    }
}

fn member(number: usize) -> SegmentMember {
    let id = format!("m{number}");
    SegmentMember {
        contact_id: id.clone(),
        contact: Some(Contact {
            id,
            kind: ContactKind::Person.into(),
            name: "Zero, Ada".to_owned(),
            privacy_blocked: Some(true),
            ..Contact::default()
        }),
    }
}

fn page(numbers: &[usize]) -> stream_segment_members_response::Message {
    stream_segment_members_response::Message::Page(stream_segment_members_response::Page {
        members: numbers.iter().copied().map(member).collect(),
        resume_token: (numbers.last().unwrap() + 1).to_string(),
    })
}

fn exported_group() -> export_contacts_response::Message {
    let group = MailingGroup {
        code: "MOVE".to_owned(),
        description: "Over, there".to_owned(),
        ..MailingGroup::default()
    };
    export_contacts_response::Message::MailingGroups(export_contacts_response::MailingGroups {
        mailing_groups: vec![group],
    })
}

/// Contacts, then their memberships; the stream can be resumed only after these.
fn exported_page(numbers: &[usize], from: usize) -> [export_contacts_response::Message; 2] {
    let token = |number: usize| match number {
        0 => String::new(),
        _ => number.to_string(),
    };
    let members = numbers.iter().copied().map(member);
    let contacts: Vec<_> = members.filter_map(|it| it.contact).collect();
    let assignment = |contact: &Contact| Assignment {
        contact_id: contact.id.clone(),
        code: "MOVE".to_owned(),
    };
    let assignments = contacts.iter().map(assignment).collect();
    let pages = [
        export_contacts_response::Page {
            contacts,
            assignments: Vec::new(),
            resume_token: token(from),
        },
        export_contacts_response::Page {
            contacts: Vec::new(),
            assignments,
            resume_token: token(from + numbers.len()),
        },
    ];
    pages.map(export_contacts_response::Message::Page)
}
