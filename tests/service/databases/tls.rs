//! TLS to PostgreSQL, with certificates of many kinds.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use mailing_groups::{
    postgres::{Cluster, Durability},
    store::Target,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::support::{
    eventually,
    postgres::{connect, start_cluster},
    scratch,
    serve::bind,
};

/// Certificates: of version 1; signed by themselves, with a key on P-521; and of an authority, for
/// the host `localhost`.
const CERTIFICATES: &str = "set -e
openssl req -new -nodes -newkey rsa:2048 -keyout v1.key -subj /CN=localhost -out v1.csr
openssl x509 -req -in v1.csr -signkey v1.key -out v1.crt
openssl req -x509 -nodes -newkey rsa:2048 -keyout ca.key -subj /CN=authority -out ca.crt
openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-521 -keyout p521.key \
    -subj /CN=localhost -addext subjectAltName=DNS:localhost -out p521.crt
echo subjectAltName=DNS:localhost > names
for who in localhost mailing_groups; do
    openssl req -new -nodes -newkey rsa:2048 -keyout $who.key -subj /CN=$who -out $who.csr
    openssl x509 -req -in $who.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile names -out $who.crt
done
chmod 600 *.key";

/// Hosts and modes with which a certificate for `localhost` is accepted or not.
const NAMES: [(&str, &str, bool); 5] = [
    ("localhost", "require", true),
    ("localhost", "verify-ca", true),
    ("localhost", "verify-full", true),
    ("127.0.0.1", "verify-ca", true),
    ("127.0.0.1", "verify-full", false),
];

/// A cluster and certificates for it.
struct Scene {
    folder: TempDir,
    postgres: PathBuf,
}

impl Scene {
    async fn new() -> Self {
        let folder = scratch();
        let cluster = start_cluster(&folder.path().join("data"), Durability::None).await;
        let postgres = program(&cluster);
        let client = connect(cluster.url()).await.unwrap();
        let set = "ALTER ROLE mailing_groups PASSWORD 'pass:word'";
        client.batch_execute(set).await.unwrap();
        cluster.stop().await.unwrap();
        let rules = folder.path().join("data/postgres/pg_hba.conf");
        fs::write(
            rules,
            "hostssl postgres all 127.0.0.1/32 scram-sha-256\nhostssl all all 127.0.0.1/32 trust\nhostssl all all ::1/128 cert\n",
        )
        .unwrap();
        let mut openssl = Command::new("sh");
        openssl
            .args(["-c", CERTIFICATES])
            .current_dir(folder.path());
        let made = openssl.output().unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let scene = Self { folder, postgres };
        let owner = fs::metadata(scene.data()).unwrap();
        for key in ["v1.key", "p521.key", "localhost.key"] {
            let key = scene.folder.path().join(key);
            std::os::unix::fs::chown(key, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        scene
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data/postgres")
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// PostgreSQL with a certificate of this name.
    async fn serve(&self, certificate: &str) -> TlsServer {
        let (listener, address) = bind();
        drop(listener);
        let owner = fs::metadata(self.data()).unwrap();
        let mut command = Command::new(&self.postgres);
        command.arg("-D").arg(self.data());
        for setting in [
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", self.file(&format!("{certificate}.crt"))),
            format!("ssl_key_file={}", self.file(&format!("{certificate}.key"))),
            format!("ssl_ca_file={}", self.file("ca.crt")),
            "listen_addresses=127.0.0.1,::1".to_owned(),
            format!("port={}", address.port()),
            "unix_socket_directories=".to_owned(),
        ] {
            command.args(["-c", &setting]);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if nix::unistd::geteuid().is_root() {
            command.uid(owner.uid()).gid(owner.gid());
        }
        let process = command.current_dir("/").spawn().unwrap();
        eventually(async || TcpStream::connect(address).await.ok()).await;
        TlsServer {
            process,
            port: address.port(),
        }
    }

    /// The password is bound to the server's certificate.
    async fn check_password_file(&self, server: &TlsServer) {
        let file = self.file("passwords");
        fs::write(&file, r"*:*:postgres:mailing_groups:pass\:word").unwrap();
        let options = "sslmode=require&dbname=postgres&channel_binding=require";
        server.connect("localhost", options).await.unwrap_err();
        let options = format!("{options}&passfile={file}");
        fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
        let refused = server.connect("localhost", &options).await.unwrap_err();
        assert!(refused.contains("of passfile"), "{refused}");
        fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        let connected = server.connect("localhost", &options).await;
        assert_eq!(connected, Ok(()));
    }
}

/// The program that runs the cluster.
fn program(cluster: &Cluster) -> PathBuf {
    let pid = cluster.process_id().unwrap();
    fs::read_link(Path::new("/proc").join(pid.to_string()).join("exe")).unwrap()
}

/// A running PostgreSQL; stopped when dropped.
struct TlsServer {
    process: Child,
    port: u16,
}

impl TlsServer {
    /// Connects; the error if that fails.
    async fn connect(&self, host: &str, options: &str) -> Result<(), String> {
        let port = self.port;
        let url = format!("postgres://mailing_groups@{host}:{port}/mailing_groups?{options}");
        let target = Target::new(&url).map_err(|error| error.to_string())?;
        eventually(async || match target.inspect().await {
            Ok(_) => Some(Ok(())),
            Err(error) if error.is_permanent() => Some(Err(error.to_string())),
            // It starts.
            Err(error) if error.to_string().contains("the database system is") => None,
            Err(error) => Some(Err(error.to_string())),
        })
        .await
    }

    async fn check(&self, options: &str, cases: &[(&str, &str, bool)]) {
        for (host, mode, expected) in cases {
            let options = format!("sslmode={mode}&{options}");
            let connected = self.connect(host, &options).await;
            assert_eq!(connected.is_ok(), *expected, "{options}: {connected:?}");
        }
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let pid = Pid::from_raw(self.process.id().try_into().unwrap());
        let _ = kill(pid, Signal::SIGINT);
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn tls_is_what_libpq_understands_by_its_options() {
    let scene = Scene::new().await;
    let authority = format!("sslrootcert={}", scene.file("ca.crt"));

    let server = scene.serve("v1").await;
    for mode in ["allow", "prefer", "require"] {
        let connected = server
            .connect("localhost", &format!("sslmode={mode}"))
            .await;
        assert_eq!(connected, Ok(()), "{mode}");
    }
    let refused = server
        .connect("localhost", "sslmode=disable")
        .await
        .unwrap_err();
    assert!(refused.contains("no encryption"), "{refused}");
    for mode in ["require", "verify-ca", "verify-full"] {
        let options = format!("sslmode={mode}&{authority}");
        server.connect("localhost", &options).await.unwrap_err();
    }
    scene.check_password_file(&server).await;
    // Its name is a common name.
    let own = format!("sslrootcert={}", scene.file("v1.crt"));
    server.check(&own, &NAMES).await;
    drop(server);

    let server = scene.serve("p521").await;
    let connected = server.connect("localhost", "sslmode=require").await;
    assert_eq!(connected, Ok(()));
    let own = format!("sslrootcert={}", scene.file("p521.crt"));
    server.check(&own, &NAMES).await;
    let other = format!("sslmode=verify-ca&{authority}");
    server.connect("localhost", &other).await.unwrap_err();
    drop(server);

    let server = scene.serve("localhost").await;
    server.check(&authority, &NAMES).await;
    let (certificate, key) = (
        scene.file("mailing_groups.crt"),
        scene.file("mailing_groups.key"),
    );
    let own = format!("sslmode=require&sslcert={certificate}&sslkey={key}");
    let connected = server.connect("[::1]", &own).await;
    assert_eq!(connected, Ok(()));
    server
        .connect("[::1]", "sslmode=require")
        .await
        .unwrap_err();
    let missing = format!("sslmode=verify-ca&sslrootcert={}", scene.file("none.crt"));
    let refused = server.connect("localhost", &missing).await.unwrap_err();
    assert!(refused.contains("of sslrootcert"), "{refused}");
}
