//! Several items of one id.

use mailing_groups::pb;

use super::{import, rejections, summary};
use crate::support::{Tenant, company, person};

#[tokio::test]
async fn the_last_of_duplicate_contacts_in_a_chunk_wins() {
    let mut tenant = Tenant::new().await;
    let named = |name: &str| pb::Contact {
        name: name.into(),
        ..person("P", "")
    };
    let chunk = vec![named("One"), named("Two"), named("Three")];
    let done = summary(&import(&mut tenant, vec![chunk]).await);
    assert_eq!(
        (done.created_count, done.unchanged_count, done.revision),
        (1, 2, 1)
    );
    assert_eq!(done.superseded_count, 2);
    assert_eq!(tenant.get_contact("P").await.unwrap().name, "Three");
    let chunk = vec![named("Four"), named("Four"), named("Three")];
    let done = summary(&import(&mut tenant, vec![chunk]).await);
    let counts = (done.updated_count, done.unchanged_count, done.revision);
    assert_eq!((counts, done.superseded_count), ((0, 3, 1), 1));
    let chunk = vec![named("Four"), named("Five"), named("Three"), named("Six")];
    let done = summary(&import(&mut tenant, vec![chunk]).await);
    let counts = (done.updated_count, done.unchanged_count, done.revision);
    assert_eq!((counts, done.superseded_count), ((1, 3, 2), 3));
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn duplicates_have_the_same_result_in_chunks_of_any_size() {
    let rows = [
        person("Q", ""),
        person("Q", "NOBODY"),
        company("X"),
        person("P", "X"),
        person("X", ""),
        person("Y", ""),
        company("Y"),
        person("R", "Y"),
        person("R", ""),
        person("Y", ""),
    ];
    for size in [1, 2, 3, rows.len()] {
        let mut tenant = Tenant::new().await;
        let chunks = rows.chunks(size).map(<[pb::Contact]>::to_vec).collect();
        let answers = import(&mut tenant, chunks).await;
        assert_eq!(
            rejections(&answers),
            [(1, "Q", "company_id"), (4, "X", "kind")]
        );
        let mut kinds = Vec::new();
        for id in ["Q", "X", "P", "Y", "R"] {
            let contact = tenant.get_contact(id).await.unwrap();
            kinds.push((contact.kind(), contact.company_id));
        }
        let (company, person) = (pb::ContactKind::Company, pb::ContactKind::Person);
        let expected = [
            (person, ""),
            (company, ""),
            (person, "X"),
            (person, ""),
            (person, ""),
        ];
        assert_eq!(kinds, expected.map(|(kind, of)| (kind, of.to_owned())));
        tenant.assert_consistent().await;
    }
}

#[tokio::test]
async fn a_company_may_follow_its_persons_in_the_chunk_unless_it_stays_a_person() {
    let mut tenant = Tenant::new().await;
    tenant.create(person("D", "")).await;
    let chunk = vec![
        person("P", "C"),
        person("Q", "D"),
        person("R", "E"),
        company("C"),
        company("D"),
        person("E", ""),
        company("E"),
        person("C", ""),
    ];
    let answers = import(&mut tenant, vec![chunk]).await;
    assert_eq!(
        rejections(&answers),
        [(2, "R", "company_id"), (7, "C", "kind")]
    );
    tenant.assert_consistent().await;
}
