//! How hosts of URLs are connected to.

use super::*;

fn sockets(url: &str) -> Option<Vec<PathBuf>> {
    Connector::new(url).expect("a URL").unix_sockets()
}

#[test]
fn only_directories_are_unix_sockets() {
    let paths = ["/a/.s.PGSQL.5432", "/b/.s.PGSQL.5433"].map(PathBuf::from);
    let url = "postgres://%2Fa:5432,%2Fb:5433/d";
    assert_eq!(sockets(url), Some(paths.to_vec()));
    assert_eq!(sockets("postgres://localhost/d"), None);
    assert_eq!(sockets("postgres://%2Fa:5432,localhost:5432/d"), None);
}

#[test]
fn an_address_without_a_name_is_its_own_name() {
    let connector = Connector::new("postgres:///d?hostaddr=127.0.0.1").expect("a URL");
    assert_eq!(
        connector.config().get_hosts(),
        [Host::Tcp("127.0.0.1".into())]
    );
}
