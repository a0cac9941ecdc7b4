//! Creating many contacts in one call.

use mailing_groups::pb::{self, CreateContactOutcome::*};
use tonic::Code;

use crate::support::{Tenant, company, person, refused, violations};

fn batch(contacts: Vec<pb::Contact>) -> pb::BatchCreateContactsRequest {
    pb::BatchCreateContactsRequest {
        contacts,
        ..Default::default()
    }
}

impl Tenant {
    async fn create_batch(
        &mut self,
        request: pb::BatchCreateContactsRequest,
    ) -> pb::BatchCreateContactsResponse {
        let response = self.contacts.batch_create_contacts(request).await;
        response.unwrap().into_inner()
    }
}

fn outcomes(response: &pb::BatchCreateContactsResponse) -> Vec<pb::CreateContactOutcome> {
    let results = response.results.iter();
    results.map(pb::CreateContactResult::outcome).collect()
}

#[tokio::test]
async fn each_contact_of_a_batch_has_its_outcome() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("OLD")).await;
    let unnamed = pb::Contact {
        name: String::new(),
        ..person("X", "")
    };
    let response = tenant.create_batch(batch(vec![
        person("P", "C"),
        company("C"),
        company("OLD"),
        person("Q", "NONE"),
        unnamed,
        person("", "OLD"),
        person("P", ""),
        person("a b", ""),
        person("Q", ""),
        person("", ""),
    ]));
    let response = response.await;
    let expected = [
        Created,
        Created,
        AlreadyExists,
        Invalid,
        Invalid,
        Created,
        AlreadyExists,
        Invalid,
        AlreadyExists,
        Created,
    ];
    assert_eq!(outcomes(&response), expected);
    assert_eq!((response.created_count, response.revision), (4, 2));
    let fields = response.results.iter().map(|it| it.field.as_str());
    let expected = ["", "", "id", "company_id", "name", "", "id", "id", "id", ""];
    assert_eq!(fields.collect::<Vec<_>>(), expected);
    for result in &response.results {
        assert_eq!(result.message.is_empty(), result.contact.is_some());
        if let Some(contact) = &result.contact {
            let stored = tenant.get_contact(&contact.id).await.unwrap();
            assert_eq!(*contact, stored);
        }
    }
    let ids = [5, 9].map(|at| response.results[at].contact.clone().unwrap().id);
    assert_eq!(ids, ["CT000001", "CT000002"]);
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn a_repeated_batch_answers_as_the_first_one() {
    let mut tenant = Tenant::new().await;
    let request = pb::BatchCreateContactsRequest {
        request_id: "once".into(),
        ..batch(vec![person("P", ""), person("", ""), person("Q", "NONE")])
    };
    let first = tenant.create_batch(request.clone()).await;
    assert_eq!(outcomes(&first), [Created, Created, Invalid]);
    assert_eq!(tenant.create_batch(request.clone()).await, first);
    let other = pb::BatchCreateContactsRequest {
        contacts: vec![person("R", "")],
        ..request.clone()
    };
    let outcome = tenant.contacts.batch_create_contacts(other).await;
    assert_eq!(violations(&outcome.unwrap_err()), ["request_id"]);
    tenant.delete_contact("P", "", false).await.unwrap();
    let mut without = first.clone();
    without.results[0].contact = None;
    assert_eq!(tenant.create_batch(request).await, without);
    tenant.create(person("P", "")).await;
    // Also if nothing was created.
    let nothing = pb::BatchCreateContactsRequest {
        request_id: "nothing".into(),
        ..batch(vec![person("P", "")])
    };
    let first = tenant.create_batch(nothing.clone()).await;
    assert_eq!(outcomes(&first), [AlreadyExists]);
    tenant.delete_contact("P", "", false).await.unwrap();
    assert_eq!(tenant.create_batch(nothing).await, first);
}

#[tokio::test]
async fn a_dry_run_of_a_batch_creates_nothing() {
    let mut tenant = Tenant::new().await;
    tenant.create(company("OLD")).await;
    let contacts = vec![person("", "C"), company("C"), company("OLD")];
    let dry = pb::BatchCreateContactsRequest {
        validate_only: true,
        request_id: "once".into(),
        ..batch(contacts)
    };
    let would = tenant.create_batch(dry.clone()).await;
    assert_eq!(outcomes(&would), [Created, Created, AlreadyExists]);
    assert_eq!((would.created_count, would.revision), (2, 1));
    let unknown = (Code::NotFound, "CONTACT_NOT_FOUND".to_owned());
    assert_eq!(refused(tenant.get_contact("C").await), unknown);
    let real = pb::BatchCreateContactsRequest {
        validate_only: false,
        ..dry
    };
    let did = tenant.create_batch(real).await;
    assert_eq!((outcomes(&did), did.revision), (outcomes(&would), 2));
    let ids = |response: &pb::BatchCreateContactsResponse| {
        let contacts = response.results.iter().flat_map(|it| it.contact.clone());
        contacts.map(|it| it.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&did), ids(&would));
    tenant.assert_consistent().await;
}

#[tokio::test]
async fn a_batch_has_at_most_1000_contacts() {
    let mut tenant = Tenant::new().await;
    let contacts: Vec<_> = (0..1_001).map(|n| person(&format!("P{n}"), "")).collect();
    let outcome = tenant
        .contacts
        .batch_create_contacts(batch(contacts.clone()));
    let status = outcome.await.unwrap_err();
    assert_eq!(violations(&status), ["contacts"]);
    let response = tenant.create_batch(batch(contacts[1..].to_vec())).await;
    assert_eq!((response.created_count, response.revision), (1_000, 1));
    assert_eq!(tenant.create_batch(batch(vec![])).await.revision, 1);
}
