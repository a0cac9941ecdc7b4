//! Many events of one kind take few log lines.

use std::time::Instant;

use futures_util::future::join_all;
use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::support::{
    Network, Program, Proxy, Tenant, company, database, person, scratch, serve, within,
};

const EVENTS: usize = 1_000;

/// How many lines of a log contain this text.
fn lines(program: &Program, text: &str) -> usize {
    let log = program.log();
    log.lines().filter(|line| line.contains(text)).count()
}

#[tokio::test]
async fn many_failures_and_refusals_take_a_line_a_second() {
    let (folder, proxy) = (scratch(), Proxy::before(&database().await).await);
    let arguments = ["--max-connections", "1", "--database-url", proxy.url()];
    let mut program = Program::spawn(folder.path(), &arguments);
    let address = program.address().await;
    let mut tenant = Tenant::over(serve::channel(address), "t");
    tenant.create(company("A")).await;

    let began = Instant::now();
    for _ in 0..EVENTS {
        // Accepted and closed at once: the only place is taken.
        let mut refused = TcpStream::connect(address).await.unwrap();
        let _ = within(refused.read_to_end(&mut Vec::new())).await;
    }
    proxy.set(Network::Refusing);
    let calls = (0..EVENTS).map(|n| {
        let mut tenant = tenant.clone();
        async move { within(tenant.try_create(person(&format!("P{n}"), ""))).await }
    });
    for outcome in join_all(calls).await {
        outcome.unwrap_err();
    }
    // Each failure has a few causes, such as a broken and a refused connection.
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap() + 1;
    let refused = lines(&program, "a connection was refused");
    assert!((1..=seconds).contains(&refused), "{refused} in {seconds} s");
    let away = lines(&program, "database not available");
    assert!((1..=10 * seconds).contains(&away), "{away} in {seconds} s");
}
