//! Finding contacts by their e-mail addresses.

use mailing_groups::pb;
use tonic::Code;

use crate::support::{Tenant, company, person, violations};

fn with_email(contact: pb::Contact, email: &str) -> pb::Contact {
    pb::Contact {
        email: email.into(),
        ..contact
    }
}

impl Tenant {
    async fn listed(&mut self, email: &str, kind: pb::ContactKind) -> Vec<String> {
        let request = pb::ListContactsRequest {
            email: email.into(),
            kind: kind.into(),
            ..Default::default()
        };
        let response = self.contacts.list_contacts(request).await.unwrap();
        let contacts = response.into_inner().contacts.into_iter();
        contacts.map(|contact| contact.id).collect()
    }
}

async fn filled() -> Tenant {
    let mut tenant = Tenant::new().await;
    for contact in [
        with_email(company("C"), "Office@Example.com"),
        with_email(person("A", "C"), "ada@example.com"),
        with_email(person("B", "C"), "office@example.COM"),
        person("D", ""),
    ] {
        tenant.create(contact).await;
    }
    tenant
}

#[tokio::test]
async fn contacts_are_listed_by_their_e_mail_address_in_any_case() {
    use pb::ContactKind::{Person, Unspecified};
    let mut tenant = filled().await;
    for email in ["office@example.com", " OFFICE@EXAMPLE.COM "] {
        assert_eq!(tenant.listed(email, Unspecified).await, ["B", "C"]);
        assert_eq!(tenant.listed(email, Person).await, ["B"]);
    }
    let nobody = tenant.listed("nobody@example.com", Unspecified).await;
    assert_eq!(nobody, [""; 0]);
    let request = pb::ListContactsRequest {
        email: "office".into(),
        ..Default::default()
    };
    let status = tenant.contacts.list_contacts(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(violations(&status), ["email"]);
}

#[tokio::test]
async fn an_expression_selects_by_e_mail_address() {
    let mut tenant = filled().await;
    let quoted = with_email(person("Q", ""), "\"q\"@example.com");
    tenant.create(quoted).await;
    for (expression, members) in [
        ("email = \"OFFICE@example.com\"", "C B"),
        ("email = \"office@example.com\" AND NOT kind = COMPANY", "B"),
        (
            "NOT (email = \"ada@example.com\" OR email = \"office@example.com\")",
            "D Q",
        ),
        ("Email=\"\"\"Q\"\"@example.com\"", "Q"),
        ("email = \"nobody@example.com\"", ""),
    ] {
        let found = tenant.members(expression).await.join(" ");
        assert_eq!(found, members, "{expression}");
    }
}

#[tokio::test]
async fn a_selection_by_e_mail_address_follows_every_change() {
    let mut tenant = filled().await;
    let selected = async |tenant: &mut Tenant, expected: &str| {
        let expression = "email = \"ada@example.com\" OR email = \"office@example.com\"";
        assert_eq!(tenant.members(expression).await.join(" "), expected);
        let one = tenant.members("email = \"ada@example.com\"").await;
        let all = tenant.listed("ada@example.com", pb::ContactKind::Unspecified);
        let (mut one, mut all) = (one, all.await);
        one.sort();
        all.sort();
        assert_eq!(one, all);
    };
    selected(&mut tenant, "C A B").await;
    let to = |id: &str, email: &str| with_email(person(id, ""), email);
    tenant
        .put_contact(to("D", "ADA@example.com"))
        .await
        .unwrap();
    selected(&mut tenant, "C A B D").await;
    tenant.put_contact(to("A", "x@example.com")).await.unwrap();
    selected(&mut tenant, "C B D").await;
    tenant
        .put_contact(to("B", "ada@example.com"))
        .await
        .unwrap();
    tenant
        .put_contact(to("E", "Ada@Example.com"))
        .await
        .unwrap();
    selected(&mut tenant, "C B D E").await;
    tenant.merge("E", "D").await.unwrap();
    selected(&mut tenant, "C B E").await;
    tenant.delete_contact("C", "", true).await.unwrap();
    selected(&mut tenant, "B E").await;
}
