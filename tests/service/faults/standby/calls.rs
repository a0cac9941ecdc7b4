//! What a caller reads, and what it keeps to go on with.

use mailing_groups::pb::{
    self, export_contacts_response, import_contacts_request as to_contacts,
    import_contacts_response,
    watch_changes_request::{Beginning, Start},
    watch_changes_response::Message,
};
use tonic::{Code, Status};

use crate::{
    faults::lost_commits::{reason, watch},
    support::{Tenant, contact_chunk, mask, person, select, upload::ContactUpload},
};

pub(super) async fn rename(
    tenant: &mut Tenant,
    name: &str,
    etag: &str,
) -> Result<pb::Contact, Status> {
    let contact = pb::Contact {
        name: name.into(),
        etag: etag.into(),
        ..person("P1", "A")
    };
    let answer = tenant.update_contact(contact, mask(&["name"])).await?;
    Ok(answer.contact.unwrap())
}

pub(super) async fn count(tenant: &mut Tenant, expression: &str) -> i64 {
    let request = pb::CountSegmentMembersRequest {
        selection: select(expression).selection,
    };
    let answer = tenant.groups.count_segment_members(request).await;
    answer.unwrap().into_inner().member_count
}

async fn listed(tenant: &mut Tenant, code: &str) -> Vec<String> {
    let request = pb::ListMailingGroupContactsRequest {
        code: code.into(),
        ..Default::default()
    };
    tenant.member_page(&request).await.unwrap().0
}

/// What is in a group by each call that says so.
pub(super) async fn assert_members(tenant: &mut Tenant, code: &str, expected: &[&str]) {
    assert_eq!(tenant.members(code).await, expected);
    assert_eq!(listed(tenant, code).await, expected);
    let number = i64::try_from(expected.len()).unwrap();
    assert_eq!(count(tenant, code).await, number);
    assert_eq!(tenant.get_group(code).await.unwrap().contact_count, number);
}

/// The tokens after the first contact of a stream and of an export.
pub(super) struct Tokens {
    pub(super) stream: String,
    pub(super) export: String,
}

pub(super) fn paged(token: &str) -> pb::StreamSegmentMembersRequest {
    pb::StreamSegmentMembersRequest {
        page_size: 1,
        resume_token: token.into(),
        ..select("*")
    }
}

/// The pages of an export, each of one contact: its id, and the token after it.
pub(super) async fn export(
    tenant: &mut Tenant,
    token: &str,
) -> Result<Vec<(String, String)>, Status> {
    let request = pb::ExportContactsRequest {
        page_size: 1,
        resume_token: token.into(),
    };
    let mut stream = tenant.contacts.export_contacts(request).await?.into_inner();
    let mut pages = Vec::new();
    while let Some(answer) = stream.message().await? {
        if let Some(export_contacts_response::Message::Page(mut page)) = answer.message {
            pages.push((page.contacts.remove(0).id, page.resume_token));
        }
    }
    Ok(pages)
}

pub(super) async fn tokens(tenant: &mut Tenant) -> Tokens {
    let stream = tenant.stream(paged("")).await.unwrap();
    Tokens {
        stream: stream.pages[0].resume_token.clone(),
        export: export(tenant, "").await.unwrap()[0].1.clone(),
    }
}

pub(super) fn is_replaced(status: &Status) {
    assert_eq!(
        (status.code(), &*reason(status)),
        (Code::Aborted, "HISTORY_REPLACED")
    );
}

/// Opens the import, of which `known` items were acknowledged; how many are committed.
pub(super) async fn open_import(tenant: &mut Tenant, known: i64) -> (ContactUpload, i64) {
    let mut upload = tenant.upload_contacts().await;
    let start = to_contacts::Start {
        import_id: "import".into(),
        known_count: known,
        ..Default::default()
    };
    upload.send(to_contacts::Message::Start(start)).await;
    match upload.message().await.unwrap().message.unwrap() {
        import_contacts_response::Message::Progress(progress) => (upload, progress.processed_count),
        other => panic!("{other:?}"),
    }
}

/// Continues the import after the items that are committed.
pub(super) async fn finish_import(tenant: &mut Tenant, known: i64) -> i64 {
    let (mut upload, committed) = open_import(tenant, known).await;
    let all = ["I1", "I2", "I3", "I4"].map(|id| person(id, ""));
    let rest = all[usize::try_from(committed).unwrap()..].to_vec();
    upload.send(contact_chunk(rest)).await;
    upload.until(4).await.unwrap();
    let finish = to_contacts::Message::Finish(Default::default());
    upload.send(finish).await;
    upload.close().await.unwrap();
    committed
}

/// The contacts of MOVE in a snapshot.
pub(super) async fn snapshot(tenant: &mut Tenant) -> (Vec<String>, i64) {
    let mut feed = watch(tenant, Start::Beginning(Beginning {})).await;
    let mut members = Vec::new();
    loop {
        match feed.message().await.unwrap().unwrap().message.unwrap() {
            Message::Snapshot(part) => {
                let groups = part.members.into_iter();
                let groups = groups.filter(|group| group.code == "MOVE");
                members.extend(groups.flat_map(|group| group.contact_ids));
            }
            Message::SnapshotEnd(end) => return (members, end.revision),
            other => panic!("{other:?}"),
        }
    }
}
