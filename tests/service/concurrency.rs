//! Concurrent calls in one tenant.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use mailing_groups::pb;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tonic::{Code, Status};

use crate::support::{Tenant, company, info, mask, new_group, pairs, person, refused};

/// Something random: of twelve groups, and of thirty contacts of which the last ten are companies.
fn code(rng: &mut StdRng) -> String {
    format!("G{}", rng.random_range(0..12))
}

fn contact_id(rng: &mut StdRng) -> String {
    format!("K{}", rng.random_range(0..30))
}

fn contact(rng: &mut StdRng) -> pb::Contact {
    let number = rng.random_range(0..30);
    let id = format!("K{number}");
    let company_id = match rng.random_range(0..3) {
        0 => format!("K{}", rng.random_range(20..30)),
        _ => String::new(),
    };
    if number < 20 {
        person(&id, &company_id)
    } else {
        company(&id)
    }
}

/// Makes a random call and ignores its response.
pub(crate) async fn act(tenant: &mut Tenant, rng: &mut StdRng) -> Result<(), Status> {
    let (id, other, group, new) = (contact_id(rng), contact_id(rng), code(rng), code(rng));
    match rng.random_range(0..16) {
        0..4 => tenant.try_assign(&id, &group).await.map(drop),
        4..6 => tenant.unassign(&id, &group).await.map(drop),
        6 => tenant.replace(&id, &[&group, &new], "").await.map(drop),
        7 => tenant
            .create_group(new_group(&group, ""), "")
            .await
            .map(drop),
        8 => tenant.rename(&group, &new, "").await.map(drop),
        9 => tenant
            .delete_group(&group, "", rng.random_bool(0.5))
            .await
            .map(drop),
        10 => tenant.create_contact(contact(rng), "").await.map(drop),
        11 => tenant.put_contact(contact(rng)).await.map(drop),
        12 => tenant
            .update_contact(contact(rng), mask(&["kind", "company_id"]))
            .await
            .map(drop),
        13 => tenant
            .delete_contact(&id, "", rng.random_bool(0.5))
            .await
            .map(drop),
        14 => tenant.merge(&id, &other).await.map(drop),
        _ => {
            let items = [(&id, &group), (&other, &group), (&id, &new)];
            let items = items.map(|(id, code)| (id.as_str(), code.as_str()));
            match rng.random_bool(0.5) {
                true => tenant.batch_assign(pairs(&items), "").await.map(drop),
                false => tenant.batch_unassign(pairs(&items), "").await.map(drop),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_concurrent_writes_keep_all_counters_consistent() {
    let tenant = Tenant::new().await;
    let callers = (0..16).map(|seed| {
        let mut tenant = tenant.clone();
        tokio::spawn(async move {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut done = 0;
            for _ in 0..60 {
                match act(&mut tenant, &mut rng).await {
                    Ok(()) => done += 1,
                    Err(status) => assert!(
                        matches!(
                            status.code(),
                            Code::NotFound
                                | Code::AlreadyExists
                                | Code::FailedPrecondition
                                | Code::InvalidArgument
                        ),
                        "{status:?}"
                    ),
                }
            }
            done
        })
    });
    let done: Vec<i32> = join_all(callers)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert!(done.iter().sum::<i32>() > 200, "{done:?}");
    tenant.assert_consistent().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_identical_assignments_are_made_once() {
    let mut tenant = Tenant::new().await;
    tenant.group("MOVE").await;
    tenant.create(person("P", "")).await;
    let calls = (0..32).map(|_| {
        let mut tenant = tenant.clone();
        tokio::spawn(async move { tenant.assign("P", "MOVE").await })
    });
    let answers: Vec<_> = join_all(calls)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let made = answers.iter().filter(|answer| !answer.was_assigned).count();
    assert_eq!(made, 1);
    assert!(
        answers
            .iter()
            .all(|answer| answer.membership == answers[0].membership && answer.revision == 3)
    );
    tenant.assert_consistent().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_and_an_assignment_are_serialized() {
    let mut tenant = Tenant::new().await;
    tenant.create(person("P", "")).await;
    for round in 0..20 {
        let code = format!("G{round}");
        tenant.group(&code).await;
        let (mut one, mut two) = (tenant.clone(), tenant.clone());
        let (deleted, assigned) = tokio::join!(
            one.delete_group(&code, "", false),
            two.try_assign("P", &code)
        );
        match (deleted, assigned) {
            (Ok(_), Err(status)) => assert_eq!(status.code(), Code::NotFound),
            (Err(status), Ok(_)) => {
                assert_eq!(status.code(), Code::FailedPrecondition);
                assert_eq!(info(&status).metadata["count"], "1");
            }
            both => panic!("both or neither: {both:?}"),
        }
    }
    tenant.assert_consistent().await;
}

/// Each caller adds its own code to what it has read; as in every compare-and-set, none is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replacing_by_etag_loses_no_update() {
    let mut tenant = Tenant::new().await;
    tenant.create(person("P", "")).await;
    let codes: Vec<String> = (0..8).map(|n| format!("G{n}")).collect();
    for code in &codes {
        tenant.group(code).await;
    }
    let callers = codes.clone().into_iter().map(|code| {
        let mut tenant = tenant.clone();
        tokio::spawn(async move {
            loop {
                let etag = tenant.get_contact("P").await.unwrap().etag;
                let mut all = tenant.codes("P").await;
                all.push(code.clone());
                let all: Vec<&str> = all.iter().map(String::as_str).collect();
                match tenant.replace("P", &all, &etag).await {
                    Ok(done) => return done.revision,
                    Err(status) => assert_eq!(status.code(), Code::Aborted, "{status:?}"),
                }
            }
        })
    });
    let revisions: BTreeSet<i64> = join_all(callers)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(
        revisions,
        (10..18).collect(),
        "each success made a revision of its own"
    );
    assert_eq!(tenant.codes("P").await, codes);
    tenant.assert_consistent().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_creates_get_unique_codes_and_numbers() {
    let tenant = Tenant::new().await;
    let calls = (0..16).map(|_| {
        let mut tenant = tenant.clone();
        tokio::spawn(async move {
            let group = tenant.create_group(new_group("MOVE", ""), "").await;
            (group, tenant.create(person("", "")).await.id)
        })
    });
    let (groups, ids): (Vec<_>, BTreeSet<String>) = join_all(calls)
        .await
        .into_iter()
        .map(Result::unwrap)
        .unzip();
    assert_eq!(ids.len(), 16);
    assert_eq!(ids.last().unwrap(), "CT000016");
    let (made, taken): (Vec<_>, Vec<_>) = groups.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    for outcome in taken {
        assert_eq!(refused(outcome).0, Code::AlreadyExists);
    }
    tenant.assert_consistent().await;
}
