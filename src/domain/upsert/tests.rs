//! The rules hold after any items, in chunks of any size.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::{Drafts, ItemOutcome, KnownContacts, rules::Rules};
use crate::{
    model::{
        Contact, ContactChange, ContactDetails, ContactId, ContactKind, ContactRow, NewContact,
    },
    store,
};

const IDS: [&str; 5] = ["A", "B", "C", "D", "E"];

fn id() -> impl Strategy<Value = ContactId> {
    prop::sample::select(&IDS[..]).prop_map(|id| id.parse().expect("an id"))
}

fn row() -> impl Strategy<Value = ContactRow> {
    let kind = prop::sample::select(vec![ContactKind::Company, ContactKind::Person]);
    let name = prop::sample::select(vec!["One", "Two"]).prop_map(|it| it.parse().expect("a name"));
    let company = prop::option::weighted(0.4, id());
    let fields = (
        prop::option::weighted(0.9, kind),
        prop::option::weighted(0.9, name),
        prop::option::weighted(0.9, company),
    );
    (id(), fields).prop_map(|(id, (kind, name, company_id))| ContactRow {
        id,
        change: ContactChange {
            kind,
            name,
            company_id,
            ..Default::default()
        },
        reuse_former: false,
    })
}

/// Company A with person B, and person C.
fn known() -> (KnownContacts, HashMap<ContactId, i64>) {
    let contact = |number, id: &str, kind, company: Option<&str>| {
        let id: ContactId = id.parse().expect("an id");
        let details = ContactDetails {
            kind,
            name: "One".parse().expect("a name"),
            company_id: company.map(|id| id.parse().expect("an id")),
            email: Default::default(),
            exclude_from_segments: false,
            privacy_blocked: true,
            attributes: Default::default(),
        };
        let new = NewContact {
            id: id.clone(),
            details,
        };
        (id, Some(Contact::new(number, new, 1, store::now())))
    };
    let contacts = [
        contact(1, "A", ContactKind::Company, None),
        contact(2, "B", ContactKind::Person, Some("A")),
        contact(3, "C", ContactKind::Person, None),
    ];
    let people = [("A".parse().expect("an id"), 1)];
    let known = KnownContacts {
        contacts: contacts.into(),
        merged: HashMap::new(),
    };
    (known, people.into())
}

fn after(known: &KnownContacts, drafts: &Drafts, id: &ContactId) -> Option<ContactDetails> {
    let draft = drafts.get(id).map(|draft| draft.details.clone());
    draft.or_else(|| known.get(id).map(Contact::details))
}

proptest! {
    #[test]
    fn persons_have_companies_and_companies_have_none(
        rows in prop::collection::vec(row(), 0..30),
        size in 1_usize..10,
    ) {
        let ((known, people), mut drafts) = (known(), Drafts::default());
        let mut rules = Rules { known: &known, people: &people, drafts: &mut drafts };
        let outcomes: Vec<_> = rows.chunks(size).flat_map(|chunk| rules.take(chunk)).collect();
        prop_assert_eq!(outcomes.len(), rows.len());
        for id in IDS.map(|id| id.parse::<ContactId>().expect("an id")) {
            let details = after(&known, &drafts, &id);
            if let Some(company) = details.as_ref().and_then(|it| it.company_id.as_ref()) {
                let company = after(&known, &drafts, company);
                prop_assert_eq!(company.map(|it| it.kind), Some(ContactKind::Company));
                prop_assert_eq!(details.map(|it| it.kind), Some(ContactKind::Person));
            }
        }
        let created: Vec<_> = rows.iter().zip(&outcomes)
            .filter(|(_, outcome)| **outcome == ItemOutcome::Created)
            .map(|(row, _)| &row.id)
            .collect();
        let new: HashSet<_> = created.iter().copied().collect();
        prop_assert_eq!(created.len(), new.len(), "each is created once");
        prop_assert!(new.iter().all(|id| known.get(id).is_none() && drafts.get(id).is_some()));
    }

    /// Chunks change nothing but where a person may come before its company, which needs none here.
    #[test]
    fn the_size_of_chunks_does_not_matter(
        rows in prop::collection::vec(row(), 0..30),
        size in 2_usize..10,
    ) {
        let (known, people) = known();
        let in_order: Vec<_> = rows.into_iter().filter(|row| {
            row.change.new_company().is_none_or(|company| company.as_str() == "A")
                && !(row.id.as_str() == "A" && row.change.kind == Some(ContactKind::Person))
        }).collect();
        let take = |size| {
            let mut drafts = Drafts::default();
            let mut rules = Rules { known: &known, people: &people, drafts: &mut drafts };
            for chunk in in_order.chunks(size) {
                rules.take(chunk);
            }
            IDS.map(|id| after(&known, &drafts, &id.parse().expect("an id")))
        };
        prop_assert_eq!(take(1), take(size));
    }
}
