//! A resumed export sends again what changed among what was sent before.

use std::collections::{BTreeMap, BTreeSet};

use mailing_groups::pb;

use super::{Exported, request};
use crate::support::{Tenant, company, new_group, person};

/// What a reader holds who replaces a contact and its groups by what comes later.
#[derive(Default)]
struct Copy {
    groups: BTreeMap<String, String>,
    contacts: BTreeMap<String, pb::Contact>,
    codes: BTreeMap<String, BTreeSet<String>>,
}

impl Copy {
    fn read(&mut self, exported: &Exported) {
        for group in exported.groups.iter().flatten() {
            let group = group.clone();
            self.groups.insert(group.code, group.description);
        }
        for page in &exported.pages {
            for contact in &page.contacts {
                self.codes.insert(contact.id.clone(), BTreeSet::new());
                self.contacts.insert(contact.id.clone(), contact.clone());
            }
            for it in &page.assignments {
                let codes = self.codes.get_mut(&it.contact_id).unwrap();
                codes.insert(it.code.clone());
            }
        }
    }

    /// Everything that exists is in the copy as it is.
    async fn assert_complete(&self, tenant: &mut Tenant, what: &str) {
        let whole = tenant.export(request(0, "")).await.unwrap();
        let mut present = Self::default();
        present.read(&whole);
        for (code, description) in &present.groups {
            assert_eq!(self.groups.get(code), Some(description), "{what}: {code}");
        }
        for (id, contact) in &present.contacts {
            assert_eq!(self.contacts.get(id), Some(contact), "{what}");
            assert_eq!(self.codes[id], present.codes[id], "{what}: {id}");
        }
    }
}

/// Companies `C00`… and persons `P00`… of them, in turns, who have groups.
async fn fill(tenant: &mut Tenant) {
    for code in ["MOVE", "GIFT", "CARD", "GONE", "TEXT"] {
        tenant.group(code).await;
    }
    let contacts = (0..20).flat_map(|n| {
        let (c, p) = (format!("C{n:02}"), format!("P{n:02}"));
        [company(&c), person(&p, if n % 2 == 0 { &c } else { "" })]
    });
    let contacts: Vec<_> = contacts.collect();
    tenant.import_contacts(&contacts).await;
    let pair = |(n, it): (usize, &pb::Contact)| {
        let code = ["MOVE", "GIFT", "CARD", "GONE"][n / 2 % 4];
        (it.id.clone(), code.to_owned())
    };
    let pairs: Vec<_> = contacts.iter().enumerate().map(pair).collect();
    tenant.import_memberships(&pairs).await;
}

/// Every kind of change, to contacts all over the export; `round` tells two series apart.
async fn change(tenant: &mut Tenant, round: usize) {
    let name = |text: &str, contact: pb::Contact| pb::Contact {
        name: format!("{text} {round}"),
        ..contact
    };
    let new = format!("NEW{round}");
    tenant.create(company(&new)).await;
    tenant.create(person(&format!("{new}P"), &new)).await;
    for n in [round, 9 + round, 17 + round] {
        let (c, p) = (format!("C{n:02}"), format!("P{n:02}"));
        let renamed = name("Renamed", company(&c));
        tenant.put_contact(renamed).await.unwrap();
        tenant
            .put_contact(name("Moved", person(&p, &new)))
            .await
            .unwrap();
    }
    // Kinds: of those without a company, or without people.
    let (c, p) = (
        format!("C{:02}", 3 + 2 * round),
        format!("P{:02}", 11 + 2 * round),
    );
    tenant.put_contact(person(&c, &new)).await.unwrap();
    tenant.put_contact(company(&p)).await.unwrap();
    tenant.put_contact(person(&c, &p)).await.unwrap();
    for id in [format!("C{:02}", 12 + round), format!("P{:02}", 12 + round)] {
        tenant.delete_contact(&id, "", true).await.unwrap();
    }
    for id in ["C02", "P02", "C16", "P16"] {
        tenant.assign(id, ["TEXT", "CARD"][round]).await;
        tenant.unassign(id, ["CARD", "TEXT"][round]).await.unwrap();
    }
    if round == 0 {
        tenant.merge("C04", "C08").await.unwrap();
        tenant.merge("P04", "P08").await.unwrap();
        tenant.rename("MOVE", "GO", "").await.unwrap();
        tenant.delete_group("GONE", "", true).await.unwrap();
        let again = pb::CreateMailingGroupRequest {
            mailing_group: Some(new_group("MOVE", "")),
            reuse_former: true,
            ..Default::default()
        };
        tenant.groups.create_mailing_group(again).await.unwrap();
        tenant.assign("P19", "MOVE").await;
    } else {
        tenant.rename("GO", "GOING", "").await.unwrap();
    }
    let described = new_group("GIFT", &format!("Round {round}"));
    tenant.update_group(described, None).await.unwrap();
}

/// The pages of an export up to one, and the token of the last.
fn cut(mut exported: Exported, page: usize) -> (Exported, String) {
    exported.pages.truncate(page + 1);
    let token = exported.pages[page].resume_token.clone();
    (exported, token)
}

#[tokio::test]
async fn what_changed_among_what_was_sent_is_sent_again_on_every_resume() {
    for first in [0, 3, 6, 8, 12] {
        // Within the late contacts, and after them.
        for second in [0, 1, 4, 9] {
            let mut tenant = Tenant::new().await;
            fill(&mut tenant).await;
            let mut copy = Copy::default();
            let whole = tenant.export(request(3, "")).await.unwrap();
            let (part, token) = cut(whole, first);
            copy.read(&part);
            change(&mut tenant, 0).await;
            let rest = tenant.export(request(3, &token)).await.unwrap();
            let second = second.min(rest.pages.len() - 1);
            let what = format!("resumed at {first}");
            let mut resumed = Copy::default();
            resumed.read(&part);
            resumed.read(&rest);
            resumed.assert_complete(&mut tenant, &what).await;

            let (part, token) = cut(rest, second);
            copy.read(&part);
            change(&mut tenant, 1).await;
            let rest = tenant.export(request(3, &token)).await.unwrap();
            copy.read(&rest);
            let what = format!("resumed at {first} and {second}");
            copy.assert_complete(&mut tenant, &what).await;
            assert!(rest.summary.revision_moved);
        }
    }
}

#[tokio::test]
async fn only_what_changed_is_sent_again() {
    let mut tenant = Tenant::new().await;
    fill(&mut tenant).await;
    let whole = tenant.export(request(30, "")).await.unwrap();
    let (part, token) = cut(whole, 0);
    assert_eq!(part.ids().last().unwrap(), "P09");
    let contact = pb::Contact {
        name: "New name".into(),
        ..company("C01")
    };
    tenant.put_contact(contact).await.unwrap();
    tenant.assign("P03", "TEXT").await;
    let rest = tenant.export(request(2, &token)).await.unwrap();
    let unsent = (10..20).map(|n| format!("P{n}"));
    let wanted: Vec<_> = ["C01", "P03"]
        .map(str::to_owned)
        .into_iter()
        .chain(unsent)
        .collect();
    assert_eq!(rest.ids(), wanted);
    assert_eq!(rest.codes(), Vec::<String>::new());
    // Once sent, it is not sent again.
    let last = tenant
        .export(request(2, &rest.pages[0].resume_token))
        .await
        .unwrap();
    assert_eq!(last.ids(), wanted[2..]);
    assert!(last.summary.revision_moved);
}
