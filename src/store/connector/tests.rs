//! How hosts of URLs are connected to.

use super::*;

fn hosts(url: &str) -> Vec<Option<PathBuf>> {
    let connector = Connector::new(url).expect("a URL");
    connector.hosts.iter().map(unix_socket).collect()
}

#[test]
fn directories_are_unix_sockets() {
    let path = |path: &str| Some(PathBuf::from(path));
    assert_eq!(
        hosts("postgres://%2Fa:5432,localhost:5433,%2Fb:5434/d"),
        [path("/a/.s.PGSQL.5432"), None, path("/b/.s.PGSQL.5434")]
    );
    assert_eq!(hosts("postgres://localhost/d"), [None]);
}

#[test]
fn an_address_without_a_name_is_its_own_name() {
    let connector = Connector::new("postgres:///d?hostaddr=127.0.0.1").expect("a URL");
    assert_eq!(
        connector.hosts[0].get_hosts(),
        [Host::Tcp("127.0.0.1".into())]
    );
}

#[test]
fn one_of_several_hosts_must_allow_writes_unless_the_url_says_otherwise() {
    let requires = |url| {
        let connector = Connector::new(url).expect("a URL");
        connector.config().get_target_session_attrs() == TargetSessionAttrs::ReadWrite
    };
    assert!(requires("postgres://a,b/d"));
    assert!(requires("postgres://a/d?target_session_attrs=read-write"));
    assert!(!requires("postgres://a,b/d?target_session_attrs=any"));
    assert!(!requires("postgres://a/d"));
}

#[test]
fn the_host_of_a_standby_must_not_allow_writes_unless_the_url_says_otherwise() {
    let requires = |url| {
        let connector = Connector::to_standby(url).expect("a URL");
        connector.config().get_target_session_attrs() == TargetSessionAttrs::ReadOnly
    };
    assert!(requires("postgres://a/d"));
    assert!(requires("postgres://a,b/d"));
    assert!(!requires("postgres://a,b/d?target_session_attrs=any"));
}
