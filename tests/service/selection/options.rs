//! Companies and their people, the excluded, the blocked, and combinations of groups.
//!
//! A is a company, C and D are persons of A, B is a person without a company.

use mailing_groups::pb::{self, SelectionOptions};

use crate::support::{Tenant, company, person, select, select_with};

const NONE: SelectionOptions = SelectionOptions {
    expand_companies: false,
    include_related_companies: false,
    include_excluded: false,
    include_privacy_blocked: false,
};
const EXPAND: SelectionOptions = SelectionOptions {
    expand_companies: true,
    ..NONE
};
const RELATED: SelectionOptions = SelectionOptions {
    include_related_companies: true,
    ..NONE
};

/// The members of MOVE as given, D marked as given.
async fn tenant(movers: &[&str], mark_d: fn(&mut pb::Contact)) -> Tenant {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.create(company("A")).await;
    tenant.create(person("B", "")).await;
    tenant.create(person("C", "A")).await;
    let mut d = person("D", "A");
    mark_d(&mut d);
    tenant.create(d).await;
    for mover in movers {
        tenant.assign(mover, "MOVE").await;
    }
    tenant
}

fn unmarked(_: &mut pb::Contact) {}

async fn movers(tenant: &mut Tenant, options: SelectionOptions) -> String {
    let request = select_with("MOVE", options);
    tenant.stream(request).await.unwrap().ids().join(" ")
}

#[tokio::test]
async fn without_options_each_member_is_selected_once() {
    let mut tenant = tenant(&["C", "B", "A"], unmarked).await;
    assert_eq!(movers(&mut tenant, NONE).await, "A B C");
}

#[tokio::test]
async fn related_companies_are_those_of_matched_persons() {
    let mut tenant = tenant(&["B", "C"], unmarked).await;
    assert_eq!(movers(&mut tenant, NONE).await, "B C");
    assert_eq!(movers(&mut tenant, RELATED).await, "A B C");
}

#[tokio::test]
async fn a_person_without_a_company_relates_to_none() {
    let mut tenant = tenant(&["B"], unmarked).await;
    assert_eq!(movers(&mut tenant, RELATED).await, "B");
    assert_eq!(movers(&mut tenant, EXPAND).await, "B");
}

#[tokio::test]
async fn an_expansion_selects_the_whole_company() {
    for matched in ["C", "A"] {
        let mut tenant = tenant(&[matched], unmarked).await;
        assert_eq!(movers(&mut tenant, EXPAND).await, "A C D", "{matched}");
    }
}

#[tokio::test]
async fn excluded_contacts_are_dropped_after_an_expansion_unless_included() {
    let mut tenant = tenant(&["C"], |d| d.exclude_from_segments = Some(true)).await;
    assert_eq!(movers(&mut tenant, EXPAND).await, "A C");
    let all = SelectionOptions {
        include_excluded: true,
        ..EXPAND
    };
    assert_eq!(movers(&mut tenant, all).await, "A C D");
}

#[tokio::test]
async fn blocked_contacts_are_dropped_and_reported_unless_included() {
    let mut tenant = tenant(&["C", "D"], |d| d.privacy_blocked = Some(true)).await;
    let streamed = tenant.stream(select("MOVE")).await.unwrap();
    assert_eq!(streamed.ids(), ["C"]);
    assert_eq!(streamed.summary.privacy_blocked_count, 1);
    let excluded = SelectionOptions {
        include_excluded: true,
        ..NONE
    };
    assert_eq!(movers(&mut tenant, excluded).await, "C");
    let blocked = SelectionOptions {
        include_privacy_blocked: true,
        ..NONE
    };
    assert_eq!(movers(&mut tenant, blocked).await, "C D");
}

#[tokio::test]
async fn an_excluded_and_blocked_contact_counts_as_blocked() {
    let mark = |d: &mut pb::Contact| {
        (d.exclude_from_segments, d.privacy_blocked) = (Some(true), Some(true));
    };
    let mut tenant = tenant(&["D"], mark).await;
    let mut dropped = async |options| {
        let summary = tenant
            .stream(select_with("MOVE", options))
            .await
            .unwrap()
            .summary;
        (
            summary.member_count,
            summary.excluded_count,
            summary.privacy_blocked_count,
        )
    };
    let excluded = SelectionOptions {
        include_excluded: true,
        ..NONE
    };
    let blocked = SelectionOptions {
        include_privacy_blocked: true,
        ..NONE
    };
    let both = SelectionOptions {
        include_excluded: true,
        ..blocked
    };
    assert_eq!(dropped(NONE).await, (0, 0, 1));
    assert_eq!(dropped(excluded).await, (0, 0, 1));
    assert_eq!(dropped(blocked).await, (0, 1, 0));
    assert_eq!(dropped(both).await, (1, 0, 0));
}

#[tokio::test]
async fn groups_combine_as_sets() {
    let mut tenant = Tenant::new().await;
    for code in ["MOVE", "GIFT"] {
        tenant.group(code).await;
    }
    for id in ["X", "Y", "Z"] {
        tenant.create(person(id, "")).await;
    }
    for (id, code) in [("X", "MOVE"), ("Y", "MOVE"), ("Y", "GIFT")] {
        tenant.assign(id, code).await;
    }
    for (expression, members) in [
        ("NOT MOVE", "Z"),
        ("* & !MOVE", "Z"),
        ("move | gift", "X Y"),
        ("MOVE AND GIFT", "Y"),
        ("MOVE AND NOT GIFT", "X"),
        ("G*", "Y"),
        ("N*", ""),
        ("*", "X Y Z"),
        ("GIFT OR NOT MOVE", "Y Z"),
    ] {
        assert_eq!(
            tenant.members(expression).await.join(" "),
            members,
            "{expression}"
        );
    }
}

#[tokio::test]
async fn nothing_is_inherited_from_a_company() {
    let mut tenant = tenant(&["A"], unmarked).await;
    assert_eq!(movers(&mut tenant, NONE).await, "A");
    assert_eq!(movers(&mut tenant, RELATED).await, "A");
    assert_eq!(tenant.members("company = A").await, ["A", "C", "D"]);
}
