//! Two servers on one PostgreSQL under mixed load, while processes are killed and networks fail.
//! After each round every acknowledged write is there once, and nothing else is.
//!
//! `TORTURE_SEED` repeats a schedule of faults as far as timing allows, and `TORTURE_MINUTES` is how
//! long the long form runs.

mod faults;
mod imports;
mod load;
mod scene;
mod verify;
mod watchers;
mod writers;

use std::{
    collections::BTreeMap,
    env,
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

use self::{faults::Fault, load::Load, scene::Scene};
use crate::support::within;

/// Rounds until everything starts again on an empty database.
const ROUNDS_OF_A_SCENE: usize = 10;

/// How long load runs before the faults of a round, and the longest time that they last.
const CALM: Duration = Duration::from_millis(500);
const LONGEST: u64 = 3_000;

fn variable(name: &str) -> Option<u64> {
    env::var(name).ok().map(|it| it.parse().unwrap())
}

/// What was done and found.
#[derive(Default)]
struct Figures {
    rounds: usize,
    faults: BTreeMap<&'static str, usize>,
    acknowledged: usize,
    failures: BTreeMap<String, usize>,
    slowest: Duration,
}

impl Figures {
    fn add(&mut self, load: &Load) {
        self.acknowledged += load.acknowledged();
        for (reason, count) in load.failures() {
            *self.failures.entry(reason).or_default() += count;
        }
    }

    fn print(&self) {
        let faults: usize = self.faults.values().sum();
        println!(
            "{} rounds, {faults} faults, {} writes acknowledged; all are there once\n\
             faults: {:?}\nfailed calls by reason: {:?}\nlongest time until all went on: {:?}",
            self.rounds, self.acknowledged, self.faults, self.failures, self.slowest
        );
    }
}

/// Faults under load, then peace, then the comparison.
async fn round(scene: &mut Scene, load: &mut Load, faults: &[Fault], figures: &mut Figures) {
    println!("round {}: {faults:?}", figures.rounds);
    tokio::time::sleep(CALM).await;
    for fault in faults {
        scene.inject(fault).await;
        *figures.faults.entry(fault.name()).or_default() += 1;
    }
    let lasting = load.random(200..LONGEST);
    tokio::time::sleep(Duration::from_millis(lasting)).await;
    scene.heal(faults).await;
    let healed = Instant::now();
    let peace = within(load.pause()).await;
    figures.slowest = figures.slowest.max(healed.elapsed());
    // First, as it says why a client got INTERNAL.
    scene.servers.iter().for_each(scene::Server::check_log);
    load.assert_running();
    verify::all(scene, load).await;
    drop(peace);
    figures.rounds += 1;
}

/// Rounds on a database that two servers migrate at the same time.
async fn play(rng: &mut StdRng, rounds: &[usize], figures: &mut Figures, until: Instant) {
    let mut scene = Scene::start().await;
    let mut load = Load::start(&scene, rng.random()).await;
    for faults in rounds {
        let faults: Vec<_> = (0..*faults).map(|_| Fault::random(rng)).collect();
        round(&mut scene, &mut load, &faults, figures).await;
        if Instant::now() > until {
            break;
        }
    }
    figures.add(&load);
    load.stop().await;
    scene.stop().await;
}

fn seeded() -> StdRng {
    let seed = variable("TORTURE_SEED").unwrap_or_else(|| rand::rng().random());
    println!("TORTURE_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_under_load_lose_and_repeat_nothing() {
    let (mut rng, mut figures) = (seeded(), Figures::default());
    play(&mut rng, &[2, 3], &mut figures, Instant::now() + LONG).await;
    figures.print();
}

/// As good as without end.
const LONG: Duration = Duration::from_secs(86_400);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes an hour: make torture"]
async fn many_faults_under_load_lose_and_repeat_nothing() {
    let (mut rng, mut figures) = (seeded(), Figures::default());
    let minutes = variable("TORTURE_MINUTES").unwrap_or(60);
    let until = Instant::now() + Duration::from_secs(60 * minutes);
    while Instant::now() < until {
        let rounds: Vec<usize> = (0..ROUNDS_OF_A_SCENE)
            .map(|_| rng.random_range(1..4))
            .collect();
        play(&mut rng, &rounds, &mut figures, until).await;
        figures.print();
    }
}
