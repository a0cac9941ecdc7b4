//! A server with authentication.

use std::{fs, path::PathBuf};

use mailing_groups::{
    auth::Authenticator,
    server::{Limits, Reflection, Settings},
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::sync::watch;

use super::tokens::{AUDIENCE, ISSUER, Signer, key_set, signed};
use crate::{
    support::{Server, runtime, scratch, within},
    wire::raw::Client,
};

/// An entry for an API key.
pub(super) fn api_key(key: &str, name: &str, tenants: &[&str], access: &str) -> String {
    let digest: String = Sha256::digest(key)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!(
        "[[api_key]]\nname = \"{name}\"\nsha256 = \"{digest}\"\ntenants = {tenants:?}\n\
         access = \"{access}\"\n"
    )
}

/// An entry for tokens whose keys are in `jwks.json`.
pub(super) fn issuer() -> String {
    format!(
        "[[jwt]]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\nkeys_file = \"jwks.json\"\n\
         tenants_claim = \"tenants\"\naccess_claim = \"access\"\n"
    )
}

/// A server, its files, and a key whose tokens it takes.
pub(super) struct Scene {
    folder: TempDir,
    pub(super) server: Server,
    pub(super) signer: Signer,
    reload: watch::Sender<()>,
}

impl Scene {
    /// With this file of rules; the key of tokens has the id `ed`.
    pub(super) async fn start(rules: &str) -> Self {
        Self::with(scratch(), rules).await
    }

    /// With the files of this folder, too.
    pub(super) async fn with(folder: TempDir, rules: &str) -> Self {
        let signer = Signer::ed25519();
        let keys = key_set(&[signer.public("ed")]);
        fs::write(folder.path().join("jwks.json"), keys).unwrap();
        fs::write(folder.path().join("auth.toml"), rules).unwrap();
        let (reload, requests) = watch::channel(());
        // What follows the files belongs to the runtime that outlives the test.
        let authenticator = {
            let _context = runtime().enter();
            Authenticator::open(&folder.path().join("auth.toml"), false).unwrap()
        };
        runtime().spawn(authenticator.clone().follow(requests));
        let settings = Settings {
            limits: Limits::default(),
            authenticator,
            reflection: Reflection::Authenticated,
        };
        Self {
            folder,
            server: Server::with(settings).await,
            signer,
            reload,
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces a file, and asks the server to read its files again.
    pub(super) fn replace(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
        self.reload.send(()).unwrap();
    }

    /// A token with these claims.
    pub(super) fn token(&self, claims: &Value) -> String {
        signed(&self.signer, "ed", claims)
    }

    pub(super) async fn client(&self) -> Client {
        within(Client::connect(self.server.address)).await.unwrap()
    }

    /// How WhoAmI with this authorization ends: the principal, or the reason.
    pub(super) async fn who(&self, authorization: &str) -> Result<String, String> {
        use mailing_groups::pb::{WhoAmIRequest, identity_client::IdentityClient};
        let mut request = tonic::Request::new(WhoAmIRequest {});
        let value = authorization.parse().unwrap();
        request.metadata_mut().insert("authorization", value);
        let mut client = IdentityClient::new(self.server.channel().await);
        match client.who_am_i(request).await {
            Ok(answer) => Ok(answer.into_inner().principal),
            Err(status) => Err(crate::support::info(&status).reason),
        }
    }
}
