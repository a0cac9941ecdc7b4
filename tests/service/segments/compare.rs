//! Comparing segments and expressions.

use mailing_groups::pb;
use tonic::Code;

use super::ask::{add_ids, expression, segment};
use crate::support::{Tenant, person, violations};

fn request(
    before: Option<pb::Selection>,
    after: Option<pb::Selection>,
) -> pb::CompareSegmentsRequest {
    pb::CompareSegmentsRequest {
        before,
        after,
        ..Default::default()
    }
}

#[tokio::test]
async fn a_comparison_pages_through_entered_and_left_members() {
    let mut tenant = Tenant::small_world().await;
    let mut marked = person("E", "");
    marked.exclude_from_segments = Some(true);
    tenant.create(marked).await;
    for id in ["S", "T"] {
        tenant.segment(id).await;
    }
    tenant.add(add_ids("S", &["A", "B", "C"])).await;
    tenant.add(add_ids("T", &["C", "D"])).await;
    let compared = tenant
        .compare(request(segment("S"), segment("T")))
        .await
        .unwrap();
    assert_eq!(
        (compared.entered, compared.left),
        (vec!["D".to_owned()], vec!["A".into(), "B".into()])
    );
    let summary = compared.summary;
    assert_eq!((summary.entered_count, summary.left_count), (1, 2));
    assert_eq!((summary.unchanged_count, summary.sent_count), (1, 3));
    let mut paged = request(segment("T"), expression("*"));
    paged.page_size = 2;
    let compared = tenant.compare(paged.clone()).await.unwrap();
    assert_eq!(
        (&*compared.entered, compared.tokens.len()),
        (&["A".to_owned(), "B".into()][..], 1)
    );
    let excluded = pb::SelectionOptions {
        include_excluded: true,
        ..Default::default()
    };
    paged.after = Some(pb::Selection::of_expression("*", excluded));
    let compared = tenant.compare(paged.clone()).await.unwrap();
    assert_eq!(compared.tokens.len(), 2);
    paged.resume_token = compared.tokens[0].clone();
    let rest = tenant.compare(paged.clone()).await.unwrap();
    assert_eq!(
        (&*rest.entered, rest.left.len()),
        (&["E".to_owned()][..], 0)
    );
    assert_eq!(
        (rest.summary.entered_count, rest.summary.sent_count),
        (3, 1)
    );
    assert!(!rest.summary.revision_moved);
    paged.view = pb::SegmentMemberView::Full.into();
    let status = tenant.compare(paged).await.unwrap_err();
    assert_eq!(violations(&status), ["resume_token"]);
}

#[tokio::test]
async fn an_invalid_side_of_a_comparison_is_named() {
    let mut tenant = Tenant::small_world().await;
    tenant.segment("S").await;
    let mut expanded = pb::Selection::of_segment("S");
    expanded.options = Some(pb::SelectionOptions {
        expand_companies: true,
        ..Default::default()
    });
    for (before, after, code, field) in [
        (None, segment("S"), Code::InvalidArgument, "before"),
        (
            segment("S"),
            Some(expanded),
            Code::InvalidArgument,
            "after.options",
        ),
        (
            segment("S"),
            expression("A OR"),
            Code::InvalidArgument,
            "after.expression",
        ),
        (
            segment("X"),
            segment("S"),
            Code::NotFound,
            "before.segment_id",
        ),
        (
            segment("S"),
            expression("NONE"),
            Code::NotFound,
            "after.expression",
        ),
        (
            segment(""),
            segment("S"),
            Code::InvalidArgument,
            "before.segment_id",
        ),
    ] {
        let status = tenant.compare(request(before, after)).await.unwrap_err();
        assert_eq!(
            (status.code(), violations(&status)),
            (code, vec![field.to_owned()])
        );
    }
}
