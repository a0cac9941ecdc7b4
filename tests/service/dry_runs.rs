//! Dry runs: `validate_only` answers as if, and changes nothing.

use mailing_groups::pb;
use tonic::{Code, Status};

use crate::support::{Server, Sql, Tenant, company, info, pairs, person, refused};

/// All rows of a tenant that a call may change, as text.
async fn rows(tenant: &Tenant) -> String {
    let sql = Sql::connect(&Server::shared().await.database_url).await;
    let id = sql.tenant_id(&tenant.name).await;
    let tables = [
        "clocks",
        "mailing_groups",
        "former_codes",
        "contacts",
        "merged_contacts",
        "memberships",
        "segments",
        "segment_actions",
        "saved_criteria",
        "revisions",
        "changes",
        "requests",
    ];
    let mut all = String::new();
    for table in tables {
        let text = format!(
            "SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') AS rows \
             FROM {table} t WHERE tenant_id = {id}"
        );
        all += &sql.rows(&text, &[]).await[0].get::<_, String>("rows");
    }
    all
}

/// Company A with persons P and Q; MOVE for A and P, GIFT for P; segment S with P; criteria K.
async fn filled() -> Tenant {
    let mut tenant = Tenant::new().await;
    for code in ["MOVE", "GIFT"] {
        tenant.group(code).await;
    }
    for contact in [company("A"), person("P", "A"), person("Q", "A")] {
        tenant.create(contact).await;
    }
    let items = [("A", "MOVE"), ("P", "MOVE"), ("P", "GIFT")];
    tenant.batch_assign(pairs(&items), "").await.unwrap();
    let segment = Some(pb::Segment {
        id: "S".into(),
        ..Default::default()
    });
    let create = pb::CreateSegmentRequest {
        segment,
        ..Default::default()
    };
    tenant.segments.create_segment(create).await.unwrap();
    let add = pb::AddContactsRequest {
        segment_id: "S".into(),
        expression: "GIFT".into(),
        ..Default::default()
    };
    tenant.segments.add_contacts(add).await.unwrap();
    let save = pb::SaveCriteriaRequest {
        segment_id: "S".into(),
        code: "K".into(),
        ..Default::default()
    };
    tenant.segments.save_criteria(save).await.unwrap();
    tenant
}

/// A request, its call, and how its response shows the revision. The dry run must change nothing and
/// answer what the call then does, except for the revision.
macro_rules! assert_dry {
    ($tenant:expr, $client:ident.$call:ident($request:expr)) => {{
        let request = $request;
        let before = rows(&$tenant).await;
        let mut dry = request.clone();
        dry.validate_only = true;
        dry.request_id = "dry".into();
        let mut would = $tenant.$client.$call(dry).await.unwrap().into_inner();
        assert_eq!(rows(&$tenant).await, before, "{}", stringify!($call));
        let did = $tenant.$client.$call(request).await.unwrap().into_inner();
        assert_eq!(would.revision + 1, did.revision, "{}", stringify!($call));
        would.revision = did.revision;
        (would, did)
    }};
}

#[tokio::test]
async fn a_dry_run_answers_what_the_call_then_does() {
    let mut tenant = filled().await;
    let batch = pb::BatchAssignMailingGroupsRequest {
        assignments: pairs(&[("Q", "MOVE"), ("P", "MOVE"), ("X", "MOVE")]),
        ..Default::default()
    };
    let (would, did) = assert_dry!(tenant, groups.batch_assign_mailing_groups(batch));
    assert_eq!(would, did);
    let batch = pb::BatchUnassignMailingGroupsRequest {
        assignments: pairs(&[("Q", "MOVE"), ("Q", "GIFT")]),
        ..Default::default()
    };
    let (would, did) = assert_dry!(tenant, groups.batch_unassign_mailing_groups(batch));
    assert_eq!(would, did);
    let replace = pb::ReplaceContactMailingGroupsRequest {
        contact_id: "A".into(),
        codes: vec!["GIFT".into()],
        ..Default::default()
    };
    let (would, did) = assert_dry!(tenant, groups.replace_contact_mailing_groups(replace));
    assert_eq!(
        (&would.added_codes, &would.removed_codes),
        (&vec!["GIFT".to_owned()], &vec!["MOVE".to_owned()])
    );
    assert_eq!(would.added_codes, did.added_codes);
    assert_eq!(would.removed_codes, did.removed_codes);
    let rename = pb::RenameMailingGroupRequest {
        code: "MOVE".into(),
        new_code: "GO".into(),
        ..Default::default()
    };
    let (would, did) = assert_dry!(tenant, groups.rename_mailing_group(rename));
    let code = |it: &pb::RenameMailingGroupResponse| it.mailing_group.clone().unwrap().code;
    assert_eq!((code(&would), code(&did)), ("GO".into(), "GO".into()));
    let merge = pb::MergeContactsRequest {
        kept_id: "Q".into(),
        merged_id: "P".into(),
        ..Default::default()
    };
    let (would, did) = assert_dry!(tenant, contacts.merge_contacts(merge));
    assert_eq!(would.moved_codes, did.moved_codes);
    assert_eq!(would.moved_codes, ["GIFT", "GO"]);
    let delete = pb::DeleteContactRequest {
        id: "A".into(),
        force: true,
        ..Default::default()
    };
    let (would, did) = assert_dry!(tenant, contacts.delete_contact(delete));
    assert_eq!((would, did.detached_person_count), (did, 1));
    let delete = pb::DeleteMailingGroupRequest {
        code: "GO".into(),
        force: true,
        ..Default::default()
    };
    let (would, did) = assert_dry!(tenant, groups.delete_mailing_group(delete));
    assert_eq!((would, did.unassigned_count), (did, 1));
    let delete = pb::DeleteSavedCriteriaRequest {
        code: "K".into(),
        ..Default::default()
    };
    let (would, did) = assert_dry!(tenant, segments.delete_saved_criteria(delete));
    assert_eq!(would, did);
    let delete = pb::DeleteSegmentRequest {
        id: "S".into(),
        ..Default::default()
    };
    let (would, did) = assert_dry!(tenant, segments.delete_segment(delete));
    assert_eq!(would, did);
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn a_dry_run_is_refused_as_the_call_is() {
    let mut tenant = filled().await;
    let before = rows(&tenant).await;
    let delete = pb::DeleteMailingGroupRequest {
        code: "MOVE".into(),
        validate_only: true,
        ..Default::default()
    };
    let status = tenant.groups.delete_mailing_group(delete).await;
    let status: Status = status.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(info(&status).metadata["count"], "2");
    let merge = pb::MergeContactsRequest {
        kept_id: "A".into(),
        merged_id: "P".into(),
        validate_only: true,
        ..Default::default()
    };
    let outcome = tenant.contacts.merge_contacts(merge).await;
    let kinds = "CONTACT_KINDS_DIFFER".to_owned();
    assert_eq!(refused(outcome), (Code::FailedPrecondition, kinds));
    let rename = pb::RenameMailingGroupRequest {
        code: "MOVE".into(),
        new_code: "GIFT".into(),
        validate_only: true,
        ..Default::default()
    };
    let outcome = tenant.groups.rename_mailing_group(rename).await;
    let taken = "MAILING_GROUP_ALREADY_EXISTS".to_owned();
    assert_eq!(refused(outcome), (Code::AlreadyExists, taken));
    assert_eq!(rows(&tenant).await, before);
}

#[tokio::test]
async fn a_dry_run_does_not_create_its_tenant() {
    let mut tenant = Tenant::new().await;
    let batch = pb::BatchCreateContactsRequest {
        contacts: vec![person("P", "")],
        validate_only: true,
        ..Default::default()
    };
    let would = tenant.contacts.batch_create_contacts(batch).await;
    let would = would.unwrap().into_inner();
    assert_eq!((would.created_count, would.revision), (1, 0));
    let sql = Sql::connect(&Server::shared().await.database_url).await;
    let text = "SELECT count(*) FROM tenants WHERE name = $1";
    assert_eq!(sql.number(text, &[&tenant.name]).await, 0);
}
