//! Random contacts and memberships, and random changes of them.

use std::collections::{BTreeMap, BTreeSet};

use mailing_groups::pb;
use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};

use crate::support::{Tenant, assignment, company, person};

/// The groups of every world. The last of them never has members.
pub(super) const CODES: [&str; 9] = [
    "MOVE", "GIFT", "X1", "X2", "XMAS", "ÉTÉ1", "AND", "2017", "EMPTY",
];

/// What stands before the `@` of every e-mail address.
pub(super) const LOCAL_PARTS: [&str; 3] = ["office", "Ada", "nobody"];

/// The keys and values of attributes. No contact has the last key.
pub(super) const KEYS: [&str; 4] = ["territory", "city", "sales_person", "unused"];
pub(super) const VALUES: [&str; 6] = ["CH", "C", "ch", "Genève", "Genova", "a_%*b"];

/// How many companies, `C0` and so on, every world has.
pub(super) const COMPANIES: usize = 8;

const PERSONS: usize = 50;

/// What a tenant is filled with.
pub(super) struct World {
    contacts: Vec<pb::Contact>,
    memberships: BTreeSet<(String, String)>,
}

impl World {
    pub(super) fn random(rng: &mut StdRng) -> Self {
        let mut contacts: Vec<_> = (0..COMPANIES).map(|n| company(&format!("C{n}"))).collect();
        for n in 0..PERSONS {
            let employer = format!("C{}", rng.random_range(0..COMPANIES - 1));
            let company_id = if rng.random_bool(0.7) {
                employer
            } else {
                String::new()
            };
            contacts.push(person(&format!("P{n}"), &company_id));
        }
        for contact in &mut contacts {
            contact.exclude_from_segments = Some(rng.random_bool(0.2));
            contact.privacy_blocked = Some(rng.random_bool(0.2));
            contact.email = email(rng);
            contact.attributes = attributes(rng);
        }
        let mut memberships = BTreeSet::new();
        for contact in &contacts {
            for code in &CODES[..CODES.len() - 1] {
                if rng.random_bool(0.25) {
                    memberships.insert((contact.id.clone(), (*code).to_owned()));
                }
            }
        }
        Self {
            contacts,
            memberships,
        }
    }

    /// Fills a tenant.
    pub(super) async fn create(&self, tenant: &mut Tenant) {
        for code in CODES {
            tenant.group(code).await;
        }
        tenant.import_contacts(&self.contacts).await;
        let pairs: Vec<_> = self.memberships.iter().cloned().collect();
        tenant.import_memberships(&pairs).await;
    }

    /// Makes a random change that keeps every name that expressions use.
    pub(super) async fn change(&self, tenant: &mut Tenant, rng: &mut StdRng) {
        match rng.random_range(0..6) {
            0 | 1 => self.assign(tenant, rng, true).await,
            2 | 3 => self.assign(tenant, rng, false).await,
            4 => self.mark(tenant, rng).await,
            _ => self.recreate(tenant, rng).await,
        }
    }

    async fn assign(&self, tenant: &mut Tenant, rng: &mut StdRng, assign: bool) {
        let one = |rng: &mut StdRng| {
            assignment(
                &self.contacts.choose(rng).unwrap().id,
                CODES[rng.random_range(0..8)],
            )
        };
        let assignments = (0..10).map(|_| one(rng)).collect();
        let request_id = String::new();
        if assign {
            let request = pb::BatchAssignMailingGroupsRequest {
                assignments,
                request_id,
                ..Default::default()
            };
            tenant
                .groups
                .batch_assign_mailing_groups(request)
                .await
                .unwrap();
        } else {
            let request = pb::BatchUnassignMailingGroupsRequest {
                assignments,
                request_id,
                ..Default::default()
            };
            tenant
                .groups
                .batch_unassign_mailing_groups(request)
                .await
                .unwrap();
        }
    }

    /// Changes the flags of a person and moves it to another company.
    async fn mark(&self, tenant: &mut Tenant, rng: &mut StdRng) {
        let id = format!("P{}", rng.random_range(0..PERSONS));
        let employer = format!("C{}", rng.random_range(0..COMPANIES));
        let contact = pb::Contact {
            exclude_from_segments: Some(rng.random_bool(0.3)),
            privacy_blocked: Some(rng.random_bool(0.3)),
            email: email(rng),
            attributes: attributes(rng),
            ..person(&id, &employer)
        };
        let attribute = format!("attributes.{}", KEYS[rng.random_range(0..3)]);
        let paths = match rng.random_bool(0.5) {
            true => vec!["*".into(), "attributes".into()],
            false => vec![
                "exclude_from_segments".into(),
                "company_id".into(),
                attribute,
            ],
        };
        let request = pb::UpdateContactRequest {
            contact: Some(contact),
            update_mask: Some(prost_types::FieldMask { paths }),
            allow_missing: true,
            ..Default::default()
        };
        tenant.contacts.update_contact(request).await.unwrap();
    }

    /// Deletes a person with all its groups, and creates it again under a new number.
    async fn recreate(&self, tenant: &mut Tenant, rng: &mut StdRng) {
        let id = format!("P{}", rng.random_range(0..PERSONS));
        let request = pb::DeleteContactRequest {
            id: id.clone(),
            force: true,
            ..Default::default()
        };
        tenant.contacts.delete_contact(request).await.unwrap();
        let contact = pb::Contact {
            attributes: attributes(rng),
            ..person(&id, "")
        };
        tenant.create(contact).await;
    }
}

fn attributes(rng: &mut StdRng) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    for key in &KEYS[..3] {
        if rng.random_bool(0.5) {
            let value = *VALUES.choose(rng).unwrap();
            attributes.insert((*key).to_owned(), value.to_owned());
        }
    }
    attributes
}

/// One of a few addresses, or none.
fn email(rng: &mut StdRng) -> String {
    match rng.random_range(0..3) {
        0 => format!("{}@example.com", LOCAL_PARTS[rng.random_range(0..2)]),
        1 => format!("{}@EXAMPLE.COM", LOCAL_PARTS[rng.random_range(0..2)]),
        _ => String::new(),
    }
}
