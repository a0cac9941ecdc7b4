//! The flags of authentication, and `auth`.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::{Args, Subcommand, ValueEnum};

use crate::{
    auth::{self, Authenticator, new_api_key},
    model::{GrantedTenants, Principal},
    server::Reflection,
};

/// Flags of authentication.
#[derive(Debug, Clone, Args)]
pub struct AuthOptions {
    /// File that says who may do what, by tokens (JWT), API keys and client certificates; without
    /// it anyone may do everything. It is read again when its content changes, and on SIGHUP
    #[arg(long, value_name = "FILE", env = "MAILING_GROUPS_AUTH_CONFIG")]
    pub auth_config: Option<PathBuf>,
    /// Who may ask for the descriptors of the services: on for anyone, off for no one [default:
    /// authenticated with --auth-config, on without]
    #[arg(
        long,
        value_name = "MODE",
        env = "MAILING_GROUPS_REFLECTION",
        value_enum
    )]
    pub reflection: Option<ReflectionMode>,
}

/// Who may ask for the descriptors.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ReflectionMode {
    /// Anyone.
    On,
    /// Callers that are authenticated.
    Authenticated,
    /// No one.
    Off,
}

impl AuthOptions {
    /// Who finds out who calls, by certificates too if TLS asks for them.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or has a mistake.
    pub fn authenticator(&self, asks_for_certificates: bool) -> Result<Authenticator, auth::Error> {
        match &self.auth_config {
            Some(file) => Authenticator::open(file, asks_for_certificates),
            None => Ok(Authenticator::off()),
        }
    }

    /// Who may ask for the descriptors.
    pub fn reflection(&self) -> Reflection {
        match (self.reflection, &self.auth_config) {
            (Some(ReflectionMode::On), _) | (None, None) => Reflection::On,
            (Some(ReflectionMode::Authenticated), _) | (None, Some(_)) => Reflection::Authenticated,
            (Some(ReflectionMode::Off), _) => Reflection::Off,
        }
    }
}

/// The subcommands of `auth`.
#[derive(Debug, Clone, Subcommand)]
pub enum AuthCommand {
    /// Make an API key
    ///
    /// Prints the key, which is stored nowhere, and the entry for the file of --auth-config, which
    /// holds its SHA-256 only.
    NewKey(NewKeyOptions),
}

const AFTER_HELP: &str = "\
Examples:
  mailing-groups auth new-key --name crm-sync --tenant acme --access assigner
  mailing-groups auth new-key --name backup --tenant '*' --access reader";

/// Flags of `auth new-key`.
#[derive(Debug, Clone, Args)]
#[command(after_help = AFTER_HELP)]
pub struct NewKeyOptions {
    /// Who calls with the key, as logs and the history name it
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub name: String,
    /// Tenant that the key may use, or `*` for all; can be repeated
    #[arg(long = "tenant", value_name = "TENANT", required = true, value_parser = tenant)]
    pub tenants: Vec<String>,
    /// What it may do there; each access includes those before it
    #[arg(long, value_name = "ACCESS", value_parser = ["reader", "assigner", "definer", "admin"])]
    pub access: String,
}

impl NewKeyOptions {
    /// Prints the key and its entry.
    ///
    /// # Errors
    ///
    /// If the system has no random numbers, or nothing can be printed.
    pub fn run(&self) -> io::Result<()> {
        let made = new_api_key(&self.name, &self.tenants, &self.access);
        let (key, entry) =
            made.map_err(|_| io::Error::other("the system has no random numbers"))?;
        writeln!(io::stdout(), "{key}\n\n{entry}")
    }
}

fn name(text: &str) -> Result<String, String> {
    let checked = Principal::check_name(text);
    checked.map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

fn tenant(text: &str) -> Result<String, String> {
    let checked = GrantedTenants::parse([text]);
    checked.map_err(|error| format!("{error}; `*` stands for all tenants"))?;
    Ok(text.to_owned())
}
