//! What the service requires of a database. All of it is checked here, before the first statement
//! that needs it.

use tokio_postgres::{Client, Error, Row, SimpleQueryMessage};

use super::{migrate, statements::TABLES};

/// The oldest supported version, as `server_version_num`.
const MIN_VERSION: i32 = 14_00_00;

/// How often the backends of two connections are compared. A pooler that hands out backends by
/// transaction may by chance hand out the same ones again.
const POOLER_PROBES: usize = 3;

/// A requirement that a database does not meet: what it is, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnmetRequirement {
    /// The server is too old.
    #[error("PostgreSQL {0} is too old; use 14 or newer")]
    Version(String),
    /// The encoding cannot hold all texts.
    #[error(
        "its encoding is {0}; use a database in UTF8: CREATE DATABASE name ENCODING 'UTF8' TEMPLATE \
         template0"
    )]
    Encoding(String),
    /// A pooler runs transactions of one connection on several backends.
    #[error(
        "a connection pooler shares its connections by transaction or statement; connect to \
         PostgreSQL directly, or set pool_mode = session for this database"
    )]
    Pooler,
    /// The search path is empty.
    #[error("no schema of its search_path ({0}) exists; create one, or set search_path")]
    Schema(String),
    /// The tables come from a newer version of this program.
    #[error(
        "its tables are from a newer version of this program (migration {0}); run that version"
    )]
    Newer(String),
    /// There are no tables, and this program is not to create them.
    #[error("the tables are missing; run `mailing-groups migrate`")]
    NoTables,
    /// The tables come from an older version, and this program is not to migrate them.
    #[error(
        "its tables are from an older version of this program (migration {0} is missing); run \
         `mailing-groups migrate`"
    )]
    Older(String),
    /// The role may not use tables.
    #[error(
        "the role {role} may not SELECT, INSERT, UPDATE and DELETE in {tables}; GRANT it these \
         privileges"
    )]
    Privileges {
        /// The role.
        role: String,
        /// The tables.
        tables: String,
    },
    /// The role may not create tables.
    #[error(
        "the role {role} may not create tables in the schema {schema}; run `mailing-groups migrate` \
         with a role that may, or GRANT CREATE ON SCHEMA {schema} TO {role}"
    )]
    CreateTables {
        /// The role.
        role: String,
        /// The schema.
        schema: String,
    },
    /// An extension is not installed on the server.
    #[error(
        "the extension {0} is not installed on the server; install PostgreSQL's contrib modules"
    )]
    MissingExtension(String),
    /// The role may not create an extension.
    #[error(
        "the role {role} may not create the extension {extension}; let a superuser run CREATE \
         EXTENSION {extension} in this database"
    )]
    ReservedExtension {
        /// The role.
        role: String,
        /// The extension.
        extension: String,
    },
}

/// What was found out about a database.
#[derive(Debug, Default)]
pub struct Inspection {
    /// The migrations that have not run yet.
    pub pending: Vec<String>,
    /// Whether writes are refused: by a setting, or because the server is a standby.
    pub is_read_only: bool,
    /// The first migration of a newer version that has run.
    pub newer: Option<String>,
    /// Whether the newer version says that this one can serve its tables.
    is_served: bool,
    has_tables: bool,
    always: Vec<UnmetRequirement>,
    to_migrate: Vec<UnmetRequirement>,
}

impl Inspection {
    /// What the database lacks to be served, after `migrate` if that is to be run.
    pub fn unmet(&self, migrates: bool) -> Vec<UnmetRequirement> {
        let mut unmet = self.always.clone();
        if let Some(newer) = &self.newer
            && !(self.is_served && self.pending.is_empty())
        {
            unmet.push(UnmetRequirement::Newer(newer.clone()));
        }
        match self.pending.first() {
            None => {}
            Some(_) if migrates => unmet.extend_from_slice(&self.to_migrate),
            Some(_) if !self.has_tables => unmet.push(UnmetRequirement::NoTables),
            Some(first) => unmet.push(UnmetRequirement::Older(first.clone())),
        }
        unmet
    }
}

/// Inspects a database over two connections.
pub(super) async fn inspect(client: &Client, other: &Client) -> Result<Inspection, Error> {
    let server = "SELECT current_setting('server_version_num'), current_setting('server_version')";
    let server = texts(client, server).await?;
    let failed = |unmet| Inspection {
        always: vec![unmet],
        ..Inspection::default()
    };
    if let Some(unmet) = too_old(&server) {
        return Ok(failed(unmet));
    }
    if shares_backends(client, other).await? {
        return Ok(failed(UnmetRequirement::Pooler));
    }
    let row = client
        .query_one(include_str!("sql/inspect.sql"), &[&&TABLES[..]])
        .await?;
    let applied = match row.get("has_tables") {
        true if !denied_tables(&row).contains(&migrate::TABLE.to_owned()) => {
            let applied = client.query("SELECT version FROM __diesel_schema_migrations", &[]);
            applied.await?.iter().map(|row| row.get(0)).collect()
        }
        _ => Vec::new(),
    };
    let oldest_served: Option<String> = match row.get("has_oldest_served") {
        true => {
            let oldest = client.query_one("SELECT oldest_served_migration FROM compatibility", &[]);
            Some(oldest.await?.get(0))
        }
        false => None,
    };
    Ok(inspection(&row, applied, oldest_served))
}

/// Checks `server_version_num` and `server_version`.
fn too_old(server: &[String]) -> Option<UnmetRequirement> {
    match server {
        [number, version] if number.parse().is_ok_and(|it: i32| it < MIN_VERSION) => {
            Some(UnmetRequirement::Version(version.clone()))
        }
        _ => None,
    }
}

fn denied_tables(row: &Row) -> Vec<String> {
    row.get("denied_tables")
}

fn inspection(row: &Row, applied: Vec<String>, oldest_served: Option<String>) -> Inspection {
    let role: String = row.get("role");
    let (mut always, mut to_migrate) = (Vec::new(), Vec::new());
    let encoding: String = row.get("encoding");
    if encoding != "UTF8" {
        always.push(UnmetRequirement::Encoding(encoding));
    }
    match row.get::<_, Option<String>>("schema") {
        None => always.push(UnmetRequirement::Schema(row.get("search_path"))),
        Some(schema) if !row.get::<_, bool>("creates_tables") => {
            let role = role.clone();
            to_migrate.push(UnmetRequirement::CreateTables { role, schema });
        }
        Some(_) => {}
    }
    let tables = denied_tables(row).join(", ");
    if !tables.is_empty() {
        let role = role.clone();
        always.push(UnmetRequirement::Privileges { role, tables });
    }
    let missing: Vec<String> = row.get("missing_extensions");
    to_migrate.extend(missing.into_iter().map(UnmetRequirement::MissingExtension));
    let reserved: Vec<String> = row.get("reserved_extensions");
    to_migrate.extend(reserved.into_iter().map(|extension| {
        let role = role.clone();
        UnmetRequirement::ReservedExtension { role, extension }
    }));
    let known = migrate::known();
    let newer = applied
        .iter()
        .find(|it| known.iter().all(|(version, _)| version != *it));
    let newer = newer.cloned();
    let last = known.last().map(|(version, _)| version);
    let is_served = oldest_served.is_some_and(|oldest| last.is_some_and(|last| *last >= oldest));
    let pending = known.into_iter();
    let pending = pending.filter(|(version, _)| !applied.contains(version));
    Inspection {
        pending: pending.map(|(_, name)| name).collect(),
        is_read_only: row.get("read_only"),
        newer,
        is_served,
        has_tables: !applied.is_empty(),
        always,
        to_migrate,
    }
}

/// Whether a pooler runs statements of one connection on several backends, or those of two
/// connections on one. Settings, prepared statements and locks of a session are then lost or those
/// of others. Uses simple queries, which such a pooler passes on.
async fn shares_backends(client: &Client, other: &Client) -> Result<bool, Error> {
    const BACKEND: &str = "SELECT pg_backend_pid()";
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for _ in 0..POOLER_PROBES {
        own.extend(texts(client, BACKEND).await?);
        others.extend(texts(other, BACKEND).await?);
        others.extend(texts(other, BACKEND).await?);
        own.extend(texts(client, BACKEND).await?);
    }
    own.dedup();
    others.dedup();
    Ok(own.len() > 1 || others.len() > 1 || own == others)
}

/// The only row of a simple query.
async fn texts(client: &Client, query: &str) -> Result<Vec<String>, Error> {
    let messages = client.simple_query(query).await?;
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let row = row
        .into_iter()
        .flat_map(|row| (0..row.len()).map(|at| row.get(at)));
    Ok(row.flatten().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_before_14_are_too_old() {
        let server = |number: &str, version: &str| [number.to_owned(), version.to_owned()];
        let old = too_old(&server("130021", "13.21 (Debian 13.21-1)"));
        let text = old.map(|unmet| unmet.to_string());
        let expected = "PostgreSQL 13.21 (Debian 13.21-1) is too old; use 14 or newer";
        assert_eq!(text.as_deref(), Some(expected));
        assert_eq!(too_old(&server("140000", "14.0")), None);
    }
}
