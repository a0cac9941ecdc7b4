//! The selection of an expression by SQL and by the service: random contacts, expressions and
//! options, equal sets and equal counts.
//!
//! Every random choice comes from a seed that a failure names.

mod evaluate;
mod expressions;
mod world;

use std::{cell::Cell, ops::ControlFlow, time::Duration};

use mailing_groups::{
    model::Expression,
    pb::{self, CountSegmentMembersRequest, SegmentMemberView, SelectionOptions},
    server::Limits,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use self::{evaluate::evaluate, world::World};
use crate::support::{Server, Sql, Tenant, select_with, within};

/// The result of either side: ids in order, and the counts at their revision.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    revision: i64,
    ids: Vec<String>,
    companies: i64,
    excluded: i64,
    privacy_blocked: i64,
}

#[tokio::test]
async fn random_expressions_select_what_sql_selects() {
    for seed in 1..=3 {
        let mut rng = StdRng::seed_from_u64(seed);
        let (mut tenant, sql) = fill(&World::random(&mut rng)).await;
        for round in 0..60 {
            let (text, options) = (expressions::random(&mut rng), random_options(&mut rng));
            let wanted = evaluate(&sql, &tenant.name, &read(&text), options).await;
            let got = ask(&mut tenant, &text, options).await;
            assert_eq!(
                got, wanted,
                "seed {seed}, round {round}: {text} {options:?}"
            );
            assert_eq!(
                count(&mut tenant, &text, options).await,
                without_ids(wanted),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn every_option_counts_the_contacts_it_leaves_out() {
    let mut rng = StdRng::seed_from_u64(7);
    let (mut tenant, sql) = fill(&World::random(&mut rng)).await;
    for bits in 0..16 {
        let options = SelectionOptions {
            expand_companies: bits & 1 != 0,
            include_related_companies: bits & 2 != 0,
            include_excluded: bits & 4 != 0,
            include_privacy_blocked: bits & 8 != 0,
        };
        for text in [
            "*",
            "NOT *",
            "X*",
            "kind = PERSON AND NOT MOVE",
            "company = C1 OR GIFT",
        ] {
            let wanted = evaluate(&sql, &tenant.name, &read(text), options).await;
            assert_eq!(
                ask(&mut tenant, text, options).await,
                wanted,
                "{text} {options:?}"
            );
        }
    }
}

#[tokio::test]
async fn two_servers_answer_at_their_stated_revision_under_concurrent_writes() {
    let mut rng = StdRng::seed_from_u64(11);
    let world = World::random(&mut rng);
    let (tenant, sql) = fill(&world).await;
    let shared = Server::shared().await;
    let second = Server::on(&shared.database_url, Limits::default()).await;
    let replica = Tenant::of(&second, &tenant.name).await;
    let mut readers = [tenant.clone(), replica.clone()];
    let mut writers = [tenant.clone(), replica];
    let mut changes = StdRng::seed_from_u64(12);
    let writes = Cell::new(0);
    // The longest pause after a write: long enough, on this machine, for both sides of a
    // comparison to see one revision at times.
    let pause = Cell::new(40);
    let write = async {
        loop {
            let writer = &mut writers[writes.get() % 2];
            world.change(writer, &mut changes).await;
            writes.set(writes.get() + 1);
            let pause = changes.random_range(0..pause.get());
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    };
    let compare = async {
        let (mut compared, mut first, mut last) = (0_usize, i64::MAX, 0);
        while compared < 40 || first == last || writes.get() <= 10 {
            let (text, options) = (expressions::random(&mut rng), random_options(&mut rng));
            let before = revision(&sql, &tenant.name).await;
            let got = ask(&mut readers[compared % 2], &text, options).await;
            assert!(got.revision >= before, "older than the call");
            let wanted = evaluate(&sql, &tenant.name, &read(&text), options).await;
            if got.revision == wanted.revision {
                (first, last) = (first.min(got.revision), last.max(got.revision));
                assert_eq!(got, wanted, "{text} {options:?}");
                compared += 1;
            } else {
                pause.set((pause.get() + 5).min(2_000));
            }
        }
        ControlFlow::<()>::Break(())
    };
    within(async {
        tokio::select! {
            () = write => {}
            _ = compare => {}
        }
    })
    .await;
}

async fn fill(world: &World) -> (Tenant, Sql) {
    let mut tenant = Tenant::new().await;
    world.create(&mut tenant).await;
    let sql = Sql::connect(&Server::shared().await.database_url).await;
    (tenant, sql)
}

fn read(text: &str) -> Expression {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn random_options(rng: &mut StdRng) -> SelectionOptions {
    SelectionOptions {
        expand_companies: rng.random_bool(0.3),
        include_related_companies: rng.random_bool(0.3),
        include_excluded: rng.random_bool(0.3),
        include_privacy_blocked: rng.random_bool(0.3),
    }
}

/// The service's answer, as a stream of small pages.
async fn ask(tenant: &mut Tenant, text: &str, options: SelectionOptions) -> Answer {
    let request = pb::StreamSegmentMembersRequest {
        page_size: 17,
        view: SegmentMemberView::Ids.into(),
        ..select_with(text, options)
    };
    let streamed = tenant.stream(request).await.unwrap();
    let ids = streamed.ids();
    let summary = streamed.summary;
    // Concurrently deleted contacts are missing from the ids, and counted.
    let members = i64::try_from(ids.len()).unwrap() + summary.deleted_count;
    assert_eq!(summary.member_count, members);
    assert_eq!(summary.sent_count, i64::try_from(ids.len()).unwrap());
    assert_eq!(summary.company_count + summary.person_count, members);
    Answer {
        ids,
        revision: summary.revision,
        companies: summary.company_count,
        excluded: summary.excluded_count,
        privacy_blocked: summary.privacy_blocked_count,
    }
}

/// The service's counts.
async fn count(tenant: &mut Tenant, text: &str, options: SelectionOptions) -> (i64, Answer) {
    let request = CountSegmentMembersRequest {
        selection: select_with(text, options).selection,
    };
    let counts = tenant
        .groups
        .count_segment_members(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        counts.company_count + counts.person_count,
        counts.member_count
    );
    let answer = Answer {
        ids: Vec::new(),
        revision: counts.revision,
        companies: counts.company_count,
        excluded: counts.excluded_count,
        privacy_blocked: counts.privacy_blocked_count,
    };
    (counts.member_count, answer)
}

fn without_ids(mut answer: Answer) -> (i64, Answer) {
    let ids = std::mem::take(&mut answer.ids);
    (i64::try_from(ids.len()).unwrap(), answer)
}

async fn revision(sql: &Sql, tenant: &str) -> i64 {
    let query = "SELECT revision FROM clocks JOIN tenants USING (tenant_id) WHERE name = $1";
    sql.number(query, &[&tenant]).await
}
