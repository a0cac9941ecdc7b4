//! Random calls about segments as requests, and the facts in the answers.

use mailing_groups::pb::{self, SelectionOptions};
use tonic::Status;

use super::{
    calls::Call,
    segments::{Kind, Source},
    send::ask,
    state::Facts,
};
use crate::support::Tenant;

impl Call {
    pub(super) async fn send_segment(self, tenant: &mut Tenant) -> Result<(i64, Facts), Status> {
        let facts = |revision: i64, facts: &[i64]| Ok((revision, facts.to_vec()));
        let described = |id: String, description: String| {
            Some(pb::Segment {
                id,
                description,
                ..Default::default()
            })
        };
        let size = |segment: Option<pb::Segment>| segment.unwrap().member_count;
        let client = &mut tenant.segments;
        match self {
            Self::CreateSegment(id) => {
                let segment = described(id, String::new());
                let done = ask!(client, create_segment, CreateSegmentRequest { segment });
                facts(done.revision, &[])
            }
            Self::UpdateSegment { id, text } => {
                let segment = described(id, text);
                let done = ask!(client, update_segment, UpdateSegmentRequest { segment });
                facts(done.revision, &[])
            }
            Self::DeleteSegment(id) => {
                let done = ask!(client, delete_segment, DeleteSegmentRequest { id });
                facts(done.revision, &[])
            }
            Self::Act {
                id,
                kind,
                source,
                options,
            } => act(tenant, id, kind, source, options).await,
            Self::GoBack(segment_id) => {
                let done = ask!(client, go_back, GoBackRequest { segment_id });
                let counts = [size(done.segment), done.added_count, done.removed_count];
                facts(done.revision, &counts)
            }
            Self::Apply { id, code, replace } => {
                let request = pb::ApplyMailingGroupRequest {
                    segment_id: id,
                    code,
                    replace,
                    ..Default::default()
                };
                let done = tenant.apply(request).await?;
                facts(done.revision, &[done.added_count, done.removed_count])
            }
            Self::Save { id, code } => {
                let done = ask!(
                    client,
                    save_criteria,
                    SaveCriteriaRequest {
                        segment_id: id,
                        code
                    }
                );
                facts(done.revision, &[done.saved_criteria.unwrap().action_count])
            }
            Self::DeleteCriteria(code) => {
                let done = ask!(
                    client,
                    delete_saved_criteria,
                    DeleteSavedCriteriaRequest { code }
                );
                facts(done.revision, &[])
            }
            Self::Replay { code, id } => {
                let done = ask!(
                    client,
                    replay_criteria,
                    ReplayCriteriaRequest {
                        code,
                        segment_id: id
                    }
                );
                let changed = [done.action_count, done.added_count, done.removed_count];
                let left_out = [done.excluded_count, done.privacy_blocked_count];
                let counts = [&[size(done.segment)], &changed[..], &left_out];
                let counts = [&counts.concat()[..], &[done.skipped_contact_count]].concat();
                facts(done.revision, &counts)
            }
            other => panic!("{other:?}"),
        }
    }
}

/// An action on a segment.
async fn act(
    tenant: &mut Tenant,
    segment_id: String,
    kind: Kind,
    source: Source,
    options: SelectionOptions,
) -> Result<(i64, Facts), Status> {
    let (expression, contact_ids) = match source {
        Source::Expression(expression) => (expression.text(), vec![]),
        Source::Ids(ids) => (String::new(), ids),
    };
    let entire_companies = options.expand_companies;
    let client = &mut tenant.segments;
    let (revision, segment, counts) = match kind {
        Kind::Add => {
            let options = Some(options);
            let done = ask!(
                client,
                add_contacts,
                AddContactsRequest {
                    segment_id,
                    expression,
                    contact_ids,
                    options
                }
            );
            let dropped = [done.excluded_count, done.privacy_blocked_count];
            (
                done.revision,
                done.segment,
                [&[done.added_count], &dropped[..]].concat(),
            )
        }
        Kind::Reduce => {
            let done = ask!(
                client,
                reduce_contacts,
                ReduceContactsRequest {
                    segment_id,
                    expression,
                    entire_companies
                }
            );
            (done.revision, done.segment, vec![done.removed_count])
        }
        Kind::Refine => {
            let done = ask!(
                client,
                refine_contacts,
                RefineContactsRequest {
                    segment_id,
                    expression,
                    entire_companies
                }
            );
            (done.revision, done.segment, vec![done.removed_count])
        }
    };
    Ok((
        revision,
        [&[segment.unwrap().member_count], &counts[..]].concat(),
    ))
}
