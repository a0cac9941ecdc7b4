//! Clients that write. What each changes, no other does, so it knows what has to be there.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use mailing_groups::pb;
use rand::{RngExt, rngs::StdRng};
use tonic::Code;
use uuid::Uuid;

use super::load::Shared;
use crate::support::{Tenant, mask, new_group, pairs, person};

/// How many contacts a client assigns.
const PERSONS: usize = 100;

fn request_id() -> String {
    Uuid::new_v4().to_string()
}

/// Creates a group, unless an earlier attempt did.
async fn create_group(shared: &Shared, code: &str) {
    let create =
        async |tenant: &mut Tenant| match tenant.create_group(new_group(code, ""), "").await {
            Err(status) if status.code() == Code::AlreadyExists => Ok(()),
            created => created.map(drop),
        };
    shared.until_acknowledged(create).await;
}

/// The number of members of a group, read on either server.
async fn count(shared: &Shared, code: &str) -> i64 {
    let count = async |tenant: &mut Tenant| {
        let selection = pb::Selection::of_expression(code, Default::default());
        let request = pb::CountSegmentMembersRequest {
            selection: Some(selection),
        };
        let counted = tenant.groups.count_segment_members(request).await?;
        Ok(counted.into_inner().member_count)
    };
    shared.until_done(count).await.0
}

/// Assigns and unassigns one by one. A call that failed may still be under way, so a pair that took
/// several attempts is not changed again.
pub(super) async fn assign(shared: Arc<Shared>, client: usize, mut rng: StdRng) {
    for number in 0.. {
        let code = format!("A{client}N{number}");
        {
            let _work = shared.work().await;
            create_group(&shared, &code).await;
        }
        let mut open: BTreeMap<String, bool> =
            (0..PERSONS).map(|n| (format!("P{n:04}"), false)).collect();
        let mut members = BTreeSet::new();
        while open.len() > PERSONS / 5 {
            let _work = shared.work().await;
            let at = rng.random_range(0..open.len());
            let (id, had) = open.iter().nth(at).map(|it| (it.0.clone(), *it.1)).unwrap();
            let change = async |tenant: &mut Tenant| match had {
                true => tenant.unassign(&id, &code).await.map(|it| it.was_assigned),
                false => tenant
                    .try_assign(&id, &code)
                    .await
                    .map(|it| it.was_assigned),
            };
            let (before, attempts) = shared.until_acknowledged(change).await;
            match attempts {
                1 => {
                    assert_eq!(before, had, "{id} {code}");
                    open.insert(id.clone(), !had);
                }
                _ => drop(open.remove(&id)),
            }
            match had {
                true => members.remove(&id),
                false => members.insert(id),
            };
            let ids = members.iter().cloned().collect();
            let all = shared
                .expected
                .lock()
                .unwrap()
                .members
                .insert(code.clone(), ids);
            drop(all);
            if rng.random_bool(0.1) {
                assert_eq!(count(&shared, &code).await, members.len() as i64, "{code}");
            }
        }
    }
}

/// Assigns and unassigns many at once.
pub(super) async fn assign_many(shared: Arc<Shared>, client: usize, mut rng: StdRng) {
    let code = format!("B{client}");
    {
        let _work = shared.work().await;
        create_group(&shared, &code).await;
    }
    let mut members = BTreeSet::new();
    loop {
        let _work = shared.work().await;
        let ids: BTreeSet<_> = (0..20)
            .map(|_| format!("P{:04}", rng.random_range(0..PERSONS)))
            .collect();
        let (on, request_id) = (rng.random_bool(0.6), request_id());
        let items: Vec<_> = ids.iter().map(|id| (id.as_str(), code.as_str())).collect();
        let change = async |tenant: &mut Tenant| match on {
            true => {
                let done = tenant.batch_assign(pairs(&items), &request_id).await?;
                Ok(done.changed_count)
            }
            false => {
                let done = tenant.batch_unassign(pairs(&items), &request_id).await?;
                Ok(done.changed_count)
            }
        };
        let (changed, _) = shared.until_acknowledged(change).await;
        let size = members.len();
        match on {
            true => members.extend(ids),
            false => members.retain(|it| !ids.contains(it)),
        }
        assert_eq!(changed, size.abs_diff(members.len()) as i64, "{code}");
        let ids = members.iter().cloned().collect();
        shared
            .expected
            .lock()
            .unwrap()
            .members
            .insert(code.clone(), ids);
    }
}

/// Creates contacts, every second one with the next id of the series, and updates them.
pub(super) async fn create(shared: Arc<Shared>, client: usize) {
    for number in 0.. {
        let _work = shared.work().await;
        let id = match number % 2 {
            0 => String::new(),
            _ => format!("C{client}-{number}"),
        };
        let (new, created, updated) = (person(&id, ""), request_id(), request_id());
        let create = async |tenant: &mut Tenant| {
            let done = tenant.create_contact(new.clone(), &created).await?;
            Ok(done.contact.unwrap())
        };
        let (contact, _) = shared.until_acknowledged(create).await;
        shared
            .expected
            .lock()
            .unwrap()
            .contacts
            .push(contact.id.clone());
        let request = pb::UpdateContactRequest {
            contact: Some(pb::Contact {
                name: "Other".into(),
                ..contact.clone()
            }),
            update_mask: mask(&["name"]),
            request_id: updated,
            ..Default::default()
        };
        let update =
            async |tenant: &mut Tenant| tenant.contacts.update_contact(request.clone()).await;
        shared.until_acknowledged(update).await;
    }
}

/// Adds to a segment and goes back.
pub(super) async fn act(shared: Arc<Shared>, client: usize, mut rng: StdRng) {
    let segment_id = format!("S{client}");
    let request = pb::CreateSegmentRequest {
        segment: Some(pb::Segment {
            id: segment_id.clone(),
            ..Default::default()
        }),
        request_id: request_id(),
    };
    {
        let _work = shared.work().await;
        let create =
            async |tenant: &mut Tenant| tenant.segments.create_segment(request.clone()).await;
        shared.until_acknowledged(create).await;
    }
    let mut actions = 0;
    loop {
        let _work = shared.work().await;
        let (segment_id, request_id) = (segment_id.clone(), request_id());
        let segment = if actions > 20 || actions > 0 && rng.random_bool(0.4) {
            actions -= 1;
            let request = pb::GoBackRequest {
                segment_id: segment_id.clone(),
                request_id,
                ..Default::default()
            };
            let back = async |tenant: &mut Tenant| {
                let done = tenant.segments.go_back(request.clone()).await?;
                Ok(done.into_inner().segment)
            };
            shared.until_acknowledged(back).await.0
        } else {
            actions += 1;
            let request = pb::AddContactsRequest {
                segment_id: segment_id.clone(),
                expression: ["BASE", "BASE OR A*", "B* AND NOT A*", "*"][rng.random_range(0..4)]
                    .into(),
                request_id,
                ..Default::default()
            };
            let add = async |tenant: &mut Tenant| {
                let done = tenant.segments.add_contacts(request.clone()).await?;
                Ok(done.into_inner().segment)
            };
            shared.until_acknowledged(add).await.0
        };
        assert_eq!(segment.unwrap().action_count, actions, "{segment_id}");
        shared
            .expected
            .lock()
            .unwrap()
            .actions
            .insert(segment_id, actions);
    }
}
