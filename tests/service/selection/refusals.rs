//! Errors of an expression name their position in the text.

use mailing_groups::pb::{
    CountSegmentMembersRequest, DeleteMailingGroupRequest, RenameMailingGroupRequest, Selection,
    SelectionOptions, StreamSegmentMembersRequest,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::support::{Tenant, company, info, person, select, violations};

async fn tenant() -> Tenant {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    tenant.create(person("C", "A")).await;
    tenant
}

/// The error of an expression.
async fn refusal(tenant: &mut Tenant, expression: &str) -> Status {
    refused(tenant, select(expression).selection).await
}

/// The error of a selection, which is the same for a count and a stream.
async fn refused(tenant: &mut Tenant, selection: Option<Selection>) -> Status {
    let request = CountSegmentMembersRequest {
        selection: selection.clone(),
    };
    let counted = tenant
        .groups
        .count_segment_members(request)
        .await
        .unwrap_err();
    let request = StreamSegmentMembersRequest {
        selection,
        ..Default::default()
    };
    let streamed = tenant.open(request).await.unwrap_err();
    assert_eq!(counted.code(), streamed.code());
    assert_eq!(counted.message(), streamed.message());
    assert_eq!(violations(&counted), violations(&streamed));
    counted
}

/// The description of the violation of the field `selection.expression`.
fn violation(status: &Status) -> String {
    let details = status.get_error_details();
    let violations = &details.bad_request().expect("BadRequest").field_violations;
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0].field, "selection.expression");
    violations[0].description.clone()
}

#[tokio::test]
async fn syntax_errors_are_invalid_arguments_that_name_the_position() {
    let mut tenant = tenant().await;
    for (expression, position) in [
        ("MOVE AND", 9),
        ("(MOVE", 6),
        ("MOVE)", 5),
        ("MOVE GIFT", 6),
        ("AND", 1),
        ("MOVE OR \"X", 9),
        ("MOVE OR X-CARD", 10),
        ("ÉTÉ AND DÉMÉNAGEMENT", 9),
        ("kind = ROBOT", 8),
        ("company = \"a b\"", 11),
    ] {
        let status = refusal(&mut tenant, expression).await;
        assert_eq!(status.code(), Code::InvalidArgument, "{expression}");
        assert_eq!(info(&status).reason, "INVALID_FIELD");
        let text = violation(&status);
        assert!(
            text.starts_with(&format!("at position {position}: ")),
            "{expression}: {text}"
        );
    }
}

#[tokio::test]
async fn an_expression_is_required_and_bounded() {
    let mut tenant = tenant().await;
    for absent in ["", " "] {
        let status = refusal(&mut tenant, absent).await;
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(violation(&status).starts_with("at position "));
    }
    for (what, expression) in [
        ("bytes", format!("MOVE{}", " ".repeat(4_093))),
        ("depth", format!("{}MOVE{}", "(".repeat(65), ")".repeat(65))),
        ("operands", vec!["MOVE"; 257].join("|")),
    ] {
        let status = refusal(&mut tenant, &expression).await;
        assert_eq!(status.code(), Code::InvalidArgument, "{what}");
        violation(&status);
    }
    for expression in [
        format!("MOVE{}", " ".repeat(4_092)),
        format!("{}MOVE{}", "(".repeat(64), ")".repeat(64)),
        vec!["MOVE"; 256].join("|"),
    ] {
        assert_eq!(tenant.members(&expression).await.len(), 0);
    }
}

#[tokio::test]
async fn the_wrong_part_of_a_selection_is_named() {
    let mut tenant = tenant().await;
    let empty = Some(Selection::default());
    let mut optional = Selection::of_segment("SPRING");
    optional.options = Some(SelectionOptions {
        expand_companies: true,
        ..Default::default()
    });
    let segment = |id: &str| Some(Selection::of_segment(id));
    for (selection, code, field) in [
        (None, Code::InvalidArgument, "selection"),
        (empty, Code::InvalidArgument, "selection"),
        (segment(" "), Code::InvalidArgument, "selection.segment_id"),
        (segment("SPRING"), Code::NotFound, "selection.segment_id"),
        (Some(optional), Code::InvalidArgument, "selection.options"),
    ] {
        let status = refused(&mut tenant, selection).await;
        assert_eq!(
            (status.code(), violations(&status)),
            (code, vec![field.to_owned()])
        );
    }
}

#[tokio::test]
async fn unknown_names_are_not_found_at_their_position() {
    let mut tenant = tenant().await;
    for (expression, position, kind, name) in [
        ("MOVE OR nix", 9, "MailingGroup", "NIX"),
        ("company = A & company = \"B1\"", 15, "Contact", "B1"),
        ("!segment(\"SPRING\")", 2, "Segment", "SPRING"),
    ] {
        let status = refusal(&mut tenant, expression).await;
        assert_eq!(status.code(), Code::NotFound, "{expression}");
        let resource = status.get_details_resource_info().expect("ResourceInfo");
        assert_eq!(resource.resource_type, format!("mailinggroups.v1.{kind}"));
        assert_eq!(resource.resource_name, name);
        let text = violation(&status);
        assert!(
            text.starts_with(&format!("at position {position}: ")),
            "{expression}: {text}"
        );
    }
}

#[tokio::test]
async fn a_person_in_place_of_a_company_is_rejected() {
    let mut tenant = tenant().await;
    let status = refusal(&mut tenant, "MOVE OR company = C").await;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(violation(&status).starts_with("at position 9: "));
}

#[tokio::test]
async fn a_renamed_code_names_the_new_one_and_a_deleted_one_is_unknown() {
    let mut tenant = tenant().await;
    tenant.assign("C", "MOVE").await;
    let rename = RenameMailingGroupRequest {
        code: "MOVE".into(),
        new_code: "RELOCATE".into(),
        etag: String::new(),
        ..Default::default()
    };
    tenant.groups.rename_mailing_group(rename).await.unwrap();
    let status = refusal(&mut tenant, "NOT MOVE").await;
    assert_eq!(
        (status.code(), info(&status).reason),
        (Code::NotFound, "MAILING_GROUP_RENAMED".into())
    );
    assert_eq!(info(&status).metadata["current"], "RELOCATE");
    assert!(violation(&status).starts_with("at position 5: "));
    assert_eq!(tenant.members("RELOCATE").await, ["C"]);
    let delete = DeleteMailingGroupRequest {
        code: "RELOCATE".into(),
        force: true,
        etag: String::new(),
        ..Default::default()
    };
    tenant.groups.delete_mailing_group(delete).await.unwrap();
    assert_eq!(
        refusal(&mut tenant, "RELOCATE").await.code(),
        Code::NotFound
    );
    assert_eq!(refusal(&mut tenant, "MOVE").await.code(), Code::NotFound);
    assert_eq!(tenant.members("R*").await.len(), 0);
}

#[tokio::test]
async fn an_unknown_tenant_reads_as_empty() {
    let mut tenant = Tenant::new().await;
    assert_eq!(tenant.members("*").await.len(), 0);
    assert_eq!(tenant.members("X* OR kind = PERSON").await.len(), 0);
    assert_eq!(refusal(&mut tenant, "MOVE").await.code(), Code::NotFound);
}
