//! Acknowledged writes survive kills.

use nix::sys::signal::{Signal, kill};

use super::service::{Ended, Service};
use crate::support::{eventually_blocking, scratch};

fn import(service: &Service) {
    let ended = service.run("default", "import folder examples");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

fn everyone(service: &Service) -> Ended {
    service.run(
        "default",
        "count * --include-excluded --include-privacy-blocked",
    )
}

#[test]
fn data_survives_kills_of_the_service_and_of_its_postgresql() {
    let folder = scratch();
    let data_dir = folder.path().join("data");
    let service = Service::on(&data_dir);
    import(&service);

    // PostgreSQL alone: the service starts it again. Until its children have noticed, they answer.
    let killed = service.postgres().unwrap();
    kill(killed, Signal::SIGKILL).unwrap();
    eventually_blocking(|| service.postgres().filter(|id| *id != killed));
    let counted = eventually_blocking(|| {
        let ended = everyone(&service);
        (ended.code == Some(0)).then_some(ended.stdout)
    });
    assert!(counted.starts_with("12 members "), "{counted}");

    // The service alone: the next one ends the PostgreSQL that it left behind.
    service.kill();
    let service = Service::on(&data_dir);
    assert_eq!(everyone(&service).stdout, counted);

    // Both at once.
    kill(service.postgres().unwrap(), Signal::SIGKILL).unwrap();
    service.kill();
    let mut service = Service::on(&data_dir);
    assert_eq!(everyone(&service).stdout, counted);

    // In order; nothing is left running.
    let postgres = service.postgres().unwrap();
    assert_eq!(service.stop(), Some(0));
    assert!(kill(postgres, None).is_err());
}
