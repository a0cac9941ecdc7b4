//! Every unary call that changes something.

use futures_util::future::BoxFuture;
use mailing_groups::pb;
use tonic::Status;

use super::{ApplyWhole as _, Tenant, company, mask, new_group, pairs, person};

/// A call that changes something, with a request id: the revision, and the whole response as text.
pub(crate) type Step =
    for<'t> fn(&'t mut Tenant, String, String) -> BoxFuture<'t, Result<(i64, String), Status>>;

macro_rules! steps {
    ($($client:ident.$rpc:ident($n:ident, $id:ident => $request:expr),)*) => {
        &[$((stringify!($rpc), |tenant, $n, $id| Box::pin(async move {
            let request = { use pb::*; $request };
            let response = tenant.$client.$rpc(request).await?.into_inner();
            Ok((response.revision, format!("{response:?}")))
        }))),*]
    };
}

fn group(code: String) -> Option<pb::MailingGroup> {
    Some(new_group(&code, "x"))
}

/// Every unary call that changes something, in an order in which each does, for any `n`. There are a
/// company `A` and a group `MOVE`.
#[expect(
    clippy::needless_update,
    reason = "requests get more fields, which most steps leave blank"
)]
pub(crate) const STEPS: &[(&str, Step)] = steps![
    groups.create_mailing_group(n, id => CreateMailingGroupRequest {
        mailing_group: group(format!("G{n}")), request_id: id, ..Default::default()
    }),
    groups.update_mailing_group(n, id => UpdateMailingGroupRequest {
        mailing_group: Some(new_group(&format!("G{n}"), "other")), request_id: id, ..Default::default()
    }),
    groups.rename_mailing_group(n, id => RenameMailingGroupRequest {
        code: format!("G{n}"), new_code: format!("H{n}"), request_id: id, ..Default::default()
    }),
    contacts.create_contact(n, id => CreateContactRequest {
        contact: Some(person(&format!("P{n}"), "A")), request_id: id, ..Default::default()
    }),
    contacts.create_contact(n, id => CreateContactRequest {
        contact: Some(company(&format!("C{n}"))), request_id: id, ..Default::default()
    }),
    contacts.create_contact(n, id => CreateContactRequest {
        contact: Some(company(&format!("D{n}"))), request_id: id, ..Default::default()
    }),
    contacts.update_contact(n, id => UpdateContactRequest {
        contact: Some(Contact { name: "Other".into(), ..person(&format!("P{n}"), "") }),
        update_mask: mask(&["name"]), request_id: id, ..Default::default()
    }),
    groups.assign_mailing_group(n, _id => AssignMailingGroupRequest {
        contact_id: format!("P{n}"), code: "MOVE".into()
    }),
    groups.unassign_mailing_group(n, _id => UnassignMailingGroupRequest {
        contact_id: format!("P{n}"), code: "MOVE".into()
    }),
    groups.batch_assign_mailing_groups(n, id => BatchAssignMailingGroupsRequest {
        assignments: pairs(&[(&format!("P{n}"), "MOVE"), (&format!("C{n}"), "MOVE")]),
        request_id: id, ..Default::default()
    }),
    groups.batch_unassign_mailing_groups(n, id => BatchUnassignMailingGroupsRequest {
        assignments: pairs(&[(&format!("P{n}"), "MOVE")]), request_id: id, ..Default::default()
    }),
    groups.replace_contact_mailing_groups(n, id => ReplaceContactMailingGroupsRequest {
        contact_id: format!("P{n}"), codes: vec![format!("H{n}")], request_id: id, ..Default::default()
    }),
    segments.create_segment(n, id => CreateSegmentRequest {
        segment: Some(Segment { id: format!("S{n}"), ..Default::default() }), request_id: id, ..Default::default()
    }),
    segments.update_segment(n, id => UpdateSegmentRequest {
        segment: Some(Segment {
            id: format!("S{n}"), description: "other".into(), ..Default::default()
        }),
        request_id: id, ..Default::default()
    }),
    segments.add_contacts(n, id => AddContactsRequest {
        segment_id: format!("S{n}"), expression: "*".into(), request_id: id, ..Default::default()
    }),
    segments.reduce_contacts(n, id => ReduceContactsRequest {
        segment_id: format!("S{n}"), expression: "MOVE".into(), request_id: id, ..Default::default()
    }),
    segments.refine_contacts(n, id => RefineContactsRequest {
        segment_id: format!("S{n}"), expression: format!("H{n}"), request_id: id, ..Default::default()
    }),
    segments.go_back(n, id => GoBackRequest { segment_id: format!("S{n}"), request_id: id, ..Default::default() }),
    segments.save_criteria(n, id => SaveCriteriaRequest {
        segment_id: format!("S{n}"), code: format!("K{n}"), request_id: id, ..Default::default()
    }),
    segments.replay_criteria(n, id => ReplayCriteriaRequest {
        segment_id: format!("S{n}"), code: format!("K{n}"), request_id: id, ..Default::default()
    }),
    segments.delete_saved_criteria(n, id => DeleteSavedCriteriaRequest { code: format!("K{n}"), request_id: id, ..Default::default() }),
    segments.apply_whole(n, id => ApplyMailingGroupRequest {
        code: format!("H{n}"),
        segment_id: format!("S{n}"), request_id: id, ..Default::default()
    }),
    contacts.merge_contacts(n, id => MergeContactsRequest {
        kept_id: format!("C{n}"), merged_id: format!("D{n}"), request_id: id, ..Default::default() }),
    contacts.delete_contact(n, id => DeleteContactRequest {
        id: format!("P{n}"), force: true, request_id: id, ..Default::default()
    }),
    segments.delete_segment(n, id => DeleteSegmentRequest { id: format!("S{n}"), request_id: id, ..Default::default() }),
    groups.delete_mailing_group(n, id => DeleteMailingGroupRequest {
        code: format!("H{n}"), force: true, request_id: id, ..Default::default()
    }),
];
