//! An interrupted export resumes at its token, which is bound to its tenant and RPC.

use std::collections::BTreeSet;

use mailing_groups::pb;
use tonic::Code;

use super::{
    Exported,
    copy::{Copying, stored},
    request,
};
use crate::support::{Server, Tenant, company, person, select, violations};

/// Companies and persons, every other of which has both groups.
async fn fill(tenant: &mut Tenant, count: usize) {
    for code in ["MOVE", "GIFT"] {
        tenant.group(code).await;
    }
    let contact = |n: usize| match n % 3 {
        0 => company(&format!("C{n:03}")),
        _ => person(&format!("P{n:03}"), ""),
    };
    let contacts: Vec<_> = (0..count).map(contact).collect();
    tenant.import_contacts(&contacts).await;
    let pairs: Vec<_> = contacts
        .iter()
        .step_by(2)
        .flat_map(|it| ["MOVE", "GIFT"].map(|code| (it.id.clone(), code.to_owned())))
        .collect();
    tenant.import_memberships(&pairs).await;
}

fn refused(status: &tonic::Status) {
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(violations(status), ["resume_token"]);
}

#[tokio::test]
async fn a_stream_resumed_from_any_token_equals_an_uninterrupted_one() {
    let mut tenant = Tenant::new().await;
    fill(&mut tenant, 95).await;
    let whole = tenant.export(request(10, "")).await.unwrap();
    assert_eq!(whole.pages.len(), 10);
    for (at, page) in whole.pages.iter().enumerate() {
        let rest = tenant
            .export(request(10, &page.resume_token))
            .await
            .unwrap();
        assert_eq!(rest.pages, whole.pages[at + 1..], "after page {at}");
        assert_eq!(rest.codes(), Vec::<String>::new());
        let (revision, moved) = (rest.summary.revision, rest.summary.revision_moved);
        assert_eq!((revision, moved), (whole.summary.revision, false));
    }
    let token = &whole.pages[4].resume_token;
    let rest = tenant.export(request(7, token)).await.unwrap();
    assert_eq!(rest.ids(), whole.ids()[50..]);
}

#[tokio::test]
async fn a_token_is_bound_to_its_tenant_and_rpc() {
    let mut tenant = Tenant::new().await;
    fill(&mut tenant, 30).await;
    let whole = tenant.export(request(10, "")).await.unwrap();
    let token = whole.pages[0].resume_token.clone();
    let mut neighbour = Tenant::new().await;
    fill(&mut neighbour, 30).await;
    refused(&neighbour.export(request(10, &token)).await.unwrap_err());
    let members = tenant.stream(select("*")).await.unwrap();
    let foreign = &members.pages[0].resume_token;
    refused(&tenant.export(request(10, foreign)).await.unwrap_err());
    for at in 0..token.len() {
        let mut damaged = token.clone().into_bytes();
        damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
        let damaged = std::str::from_utf8(&damaged).unwrap();
        refused(&tenant.export(request(10, damaged)).await.unwrap_err());
    }
}

/// The pages of an export up to the one with a contact, and the resume token.
async fn cut_after(tenant: &mut Tenant, id: &str) -> (Exported, String) {
    let mut whole = tenant.export(request(5, "")).await.unwrap();
    let has = |page: &super::Page| page.contacts.iter().any(|it| it.id == id);
    let last = whole.pages.iter().position(has).unwrap();
    whole.pages.truncate(last + 1);
    let token = whole.pages[last].resume_token.clone();
    (whole, token)
}

#[tokio::test]
async fn a_resumed_export_at_another_revision_is_complete_and_can_be_imported() {
    let server = Server::shared().await;
    for (round, cut) in ["C015", "C093", "P010", "P094"].into_iter().enumerate() {
        let mut tenant = Tenant::new().await;
        fill(&mut tenant, 95).await;
        let (mut first, token) = cut_after(&mut tenant, cut).await;
        // A new company with people of all ages, a person who becomes a company and gets people,
        // and a company that becomes a person.
        tenant.create(company("NEW")).await;
        tenant.create(person("YOUNG", "NEW")).await;
        for contact in [
            person("P001", "NEW"),
            person("P091", "NEW"),
            company("P046"),
            person("P020", "P046"),
            person("P089", "P046"),
            person("C030", "NEW"),
        ] {
            tenant.put_contact(contact).await.unwrap();
        }
        // Groups are created and renamed as well.
        tenant.group("LATE").await;
        tenant.assign("P091", "LATE").await;
        tenant.rename("MOVE", "GO", "").await.unwrap();
        let rest = tenant.export(request(5, &token)).await.unwrap();
        assert!(rest.summary.revision_moved);
        assert_eq!(rest.codes(), ["GO", "LATE"]);
        let sent: BTreeSet<_> = first.ids().into_iter().chain(rest.ids()).collect();
        assert_eq!(sent.len(), 97, "{cut}: {sent:?}");
        let twice = rest.ids().len() - rest.ids().iter().collect::<BTreeSet<_>>().len();
        assert_eq!(twice, 0);

        // After another interruption it resumes again and still reports the other revision.
        let token = &rest.pages[0].resume_token;
        let last = tenant.export(request(5, token)).await.unwrap();
        assert!(last.summary.revision_moved);
        let middle = &rest.pages[0].contacts;
        let middle: BTreeSet<_> = middle.iter().map(|it| it.id.clone()).collect();
        let union: BTreeSet<_> = first
            .ids()
            .into_iter()
            .chain(middle)
            .chain(last.ids())
            .collect();
        assert_eq!(union, sent);

        let mut copy = Tenant::of(server, &format!("{}-{round}", tenant.name)).await;
        first.groups.extend(rest.groups);
        let mut copying = Copying::into(&mut copy, &first).await;
        first.pages.extend(rest.pages);
        for page in &first.pages {
            copying.page(page).await;
        }
        let contacts = |stored: Vec<String>| {
            let contacts = stored.into_iter().filter(|it| it.contains("\"contact\""));
            contacts.count()
        };
        let original = contacts(stored(server, &tenant.name).await);
        assert_eq!(contacts(stored(server, &copy.name).await), original);
        let moved: pb::Contact = copy.get_contact("YOUNG").await.unwrap();
        assert_eq!(moved.company_id, "NEW");
    }
}
