//! Nothing of a tenant is seen by callers of another, or changes what they get.
//!
//! Two tenants of one server use the same ids, codes, request ids and import ids in random requests to
//! every RPC, made from the descriptors, and sometimes the tokens and etags that the other got. One of
//! them has a twin that sends the same requests to a server of its own, and gets the same answers.
//!
//! `FUZZ_SEED` repeats the requests, and `FUZZ_ROUNDS` makes more.

mod answer;
mod side;

use std::{env, fs};

use nix::sys::signal::Signal;
use prost_types::MethodDescriptorProto;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tonic::Code;

use self::side::{Seen, Side};
use super::scene::{Scene, api_key};
use crate::{
    contract::methods,
    observed::http_address,
    support::{Program, database, get, scratch, within},
};

/// Not called at random: what they do to a tenant leaves little to see.
const LEFT_OUT: [&str; 2] = ["UpdateTenant", "DeleteTenant"];

/// In the texts of each tenant, and of no other.
const MARKERS: [&str; 2] = ["zacme", "zglobex"];

fn rules() -> String {
    api_key("mgk_a", "a", &["acme"], "admin") + &api_key("mgk_g", "g", &["globex"], "admin")
}

/// The program, with everything that it can tell.
async fn program(folder: &std::path::Path) -> Program {
    let rules_file = folder.join("auth.toml");
    fs::write(&rules_file, rules()).unwrap();
    let (url, rules_file) = (database().await, rules_file.display().to_string());
    let arguments = [
        "--database-url",
        &url,
        "--auth-config",
        &rules_file,
        "--http-listen",
        "127.0.0.1:0",
        "--log",
        "debug",
        "--access-log",
        "--metrics-tenants",
        "10",
    ];
    Program::spawn(folder, &arguments)
}

/// Both tenants, and the twin.
struct Tenants {
    acme: Side,
    twin: Side,
    globex: Side,
    random: StdRng,
    succeeded: usize,
    refused_tokens: usize,
}

impl Tenants {
    async fn call(&mut self, path: &str, method: &MethodDescriptorProto) {
        let is_foreign = self.random.random_ratio(1, 4);
        let other = is_foreign.then(|| self.acme.tokens.clone());
        let globex = self.globex.call(path, method, other.as_ref()).await;
        self.check(&globex, path, MARKERS[0]);
        let other = is_foreign.then(|| self.globex.tokens.clone());
        let acme = self.acme.call(path, method, other.as_ref()).await;
        self.check(&acme, path, MARKERS[1]);
        let twin = self.twin.call(path, method, other.as_ref()).await;
        assert_eq!(acme.said, twin.said, "{path}");
    }

    fn check(&mut self, seen: &Seen, path: &str, other: &str) {
        assert!(
            !seen.raw.contains(other),
            "{path} shows {other}: {}",
            seen.raw
        );
        match seen.code {
            Code::Ok => self.succeeded += 1,
            Code::Internal | Code::Unknown | Code::Unavailable => panic!("{path}: {}", seen.said),
            _ => {}
        }
        if seen.is_foreign {
            assert_ne!(seen.code, Code::Ok, "{path}: {}", seen.said);
            self.refused_tokens += 1;
        }
    }
}

#[tokio::test]
async fn nothing_of_a_tenant_is_seen_by_another() {
    let variable = |name: &str| env::var(name).ok().map(|it| it.parse::<u64>().unwrap());
    let seed = variable("FUZZ_SEED").unwrap_or_else(|| rand::rng().random());
    println!("FUZZ_SEED={seed}");
    let folder = scratch();
    let mut program = program(folder.path()).await;
    let (address, alone) = (program.address().await, Scene::start(&rules()).await);
    let mut tenants = Tenants {
        acme: Side::new(address, "mgk_a", MARKERS[0], seed).await,
        twin: Side::new(alone.server.address, "mgk_a", MARKERS[0], seed).await,
        globex: Side::new(address, "mgk_g", MARKERS[1], !seed).await,
        random: StdRng::seed_from_u64(seed),
        succeeded: 0,
        refused_tokens: 0,
    };
    let mut methods = methods();
    methods.retain(|(_, method)| !LEFT_OUT.contains(&method.name()));
    for _ in 0..variable("FUZZ_ROUNDS").unwrap_or(20) {
        for (path, method) in &methods {
            tenants.call(path, method).await;
        }
    }
    assert!(
        tenants.succeeded > 10 * methods.len(),
        "{} succeeded",
        tenants.succeeded
    );
    assert!(
        tenants.refused_tokens > 20,
        "{} refused",
        tenants.refused_tokens
    );

    let (_, metrics) = get(http_address(&program.log()).unwrap(), "/metrics").await;
    program.signal(Signal::SIGTERM);
    within(program.ended()).await;
    let log = program.log();
    assert!(log.contains("tenant=\"acme\""));
    assert!(metrics.contains("tenant=\"globex\""), "{metrics}");
    for marker in MARKERS {
        for text in [&log, &metrics] {
            let line = text.lines().find(|it| it.to_lowercase().contains(marker));
            assert_eq!(line, None);
        }
    }
}
