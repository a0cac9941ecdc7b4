//! Nothing of a tenant is seen by callers of another.

use mailing_groups::pb;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::caller::{Caller, changes, scene};
use crate::support::{info, refused};

/// What a caller should see: its own contacts by id, with their names.
type World = std::collections::BTreeMap<String, String>;

/// Two tenants use the same ids and codes; each sees its own data only, whatever they do.
#[tokio::test]
async fn nothing_of_a_tenant_is_seen_by_another() {
    let scene = scene().await;
    let mut random = StdRng::seed_from_u64(11);
    let names = ["mgk_a", "mgk_g"];
    let mut callers = Vec::new();
    for key in names {
        callers.push(Caller::new(&scene, key, None).await);
    }
    let mut worlds = [World::new(), World::new()];
    let mut tokens = [String::new(), String::new()];
    for step in 0..150 {
        let at = random.random_range(0..2);
        let (own, other) = (names[at], names[1 - at]);
        let (caller, world) = (&mut callers[at], &mut worlds[at]);
        let id = format!("c{}", random.random_range(0..8));
        match random.random_range(0..4) {
            0 => {
                let name = format!("{own}-{step}");
                let request = pb::UpdateContactRequest {
                    contact: Some(pb::Contact {
                        id: id.clone(),
                        kind: pb::ContactKind::Person.into(),
                        name: name.clone(),
                        ..Default::default()
                    }),
                    allow_missing: true,
                    ..Default::default()
                };
                let answer = caller.contacts.update_contact(request).await.unwrap();
                assert!(!format!("{answer:?}").contains(other));
                world.insert(id, name);
            }
            1 => {
                let request = pb::GetContactRequest { id: id.clone() };
                match caller.contacts.get_contact(request).await {
                    Ok(answer) => {
                        let contact = answer.into_inner().contact.unwrap();
                        assert_eq!(Some(&contact.name), world.get(&id));
                    }
                    Err(status) => {
                        assert_eq!(info(&status).reason, "CONTACT_NOT_FOUND");
                        assert!(!world.contains_key(&id) && !format!("{status:?}").contains(other));
                    }
                }
            }
            2 => {
                let request = pb::DeleteContactRequest {
                    id: id.clone(),
                    ..Default::default()
                };
                let deleted = caller.contacts.delete_contact(request).await;
                assert_eq!(deleted.is_ok(), world.remove(&id).is_some());
            }
            _ => {
                let request = pb::ListContactsRequest {
                    page_size: 2,
                    ..Default::default()
                };
                let page = caller.contacts.list_contacts(request.clone()).await;
                let page = page.unwrap().into_inner();
                let listed = page.contacts.iter().map(|it| (&it.id, &it.name));
                for (id, name) in listed {
                    assert_eq!(world.get(id), Some(name));
                }
                tokens[at] = page.next_page_token;
                let foreign = &tokens[1 - at];
                if !foreign.is_empty() {
                    let request = pb::ListContactsRequest {
                        page_token: foreign.clone(),
                        ..request
                    };
                    let outcome = caller.contacts.list_contacts(request).await;
                    assert_eq!(refused(outcome).1, "INVALID_FIELD");
                }
            }
        }
    }
    for (at, key) in names.into_iter().enumerate() {
        let name = ["acme", "globex"][at];
        let request = pb::GetTenantRequest { name: name.into() };
        let tenant = callers[at].tenants.get_tenant(request).await.unwrap();
        let tenant = tenant.into_inner().tenant.unwrap();
        let count = tenant.counts.unwrap().contact_count;
        assert_eq!(count, worlds[at].len() as i64);
        let seen = changes(&mut callers[at], tenant.revision).await;
        assert!(!seen.contains(names[1 - at]), "{key} sees {seen}");
    }
}
