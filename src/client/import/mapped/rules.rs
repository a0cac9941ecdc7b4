//! The parts of a mapping that make the fields of a contact.

use serde::Deserialize;

use super::{
    names,
    values::{MappedColumn, MappedValues},
};
use crate::{
    client::{rows, terminal::excerpt},
    pb::ContactKind,
};

/// What ids are made of.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "IdTable")]
pub(super) struct MappedId {
    pub(super) column: MappedColumn,
    pub(super) prefix: String,
    /// Whether the id is a digest of the value, which does not give it away.
    pub(super) is_digest: bool,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected a column, or a table with `column` or `digest`, and perhaps `prefix`"
)]
enum IdTable {
    Plain(MappedColumn),
    Column {
        column: MappedColumn,
        #[serde(default)]
        prefix: String,
    },
    Digest {
        digest: MappedColumn,
        #[serde(default)]
        prefix: String,
    },
}

impl TryFrom<IdTable> for MappedId {
    type Error = String;

    fn try_from(table: IdTable) -> Result<Self, String> {
        let (column, prefix, is_digest) = match table {
            IdTable::Plain(column) => (column, String::new(), false),
            IdTable::Column { column, prefix } => (column, prefix, false),
            IdTable::Digest { digest, prefix } => (digest, prefix, true),
        };
        check_prefix(&prefix)?;
        Ok(Self {
            column,
            prefix,
            is_digest,
        })
    }
}

/// Refuses a prefix with which no id is one.
fn check_prefix(prefix: &str) -> Result<(), String> {
    let checked = names::check_id(&format!("{prefix}1"));
    checked.map_err(|reason| format!("an id with the `prefix` {reason}"))
}

/// What says whether a contact is a company or a person.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "KindTable")]
pub(super) enum MappedKind {
    Always(ContactKind),
    Values {
        column: MappedColumn,
        company: MappedValues,
        person: MappedValues,
    },
    CompanyIfEmpty(MappedColumn),
}

#[derive(Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected `COMPANY`, `PERSON`, or a table with `column` and values for each of `company` \
                 and `person`, or with `company_if_empty`"
)]
enum KindTable {
    Constant(String),
    Values {
        column: MappedColumn,
        company: MappedValues,
        person: MappedValues,
    },
    IfEmpty {
        company_if_empty: MappedColumn,
    },
}

impl TryFrom<KindTable> for MappedKind {
    type Error = String;

    fn try_from(table: KindTable) -> Result<Self, String> {
        Ok(match table {
            KindTable::Constant(name) => Self::Always(rows::parse_kind(&name)?),
            KindTable::IfEmpty { company_if_empty } => Self::CompanyIfEmpty(company_if_empty),
            KindTable::Values {
                column,
                company,
                person,
            } => match company.shared(&person) {
                Some(value) => {
                    let value = excerpt(value);
                    return Err(format!("`{value}` stands for `company` and for `person`"));
                }
                None => Self::Values {
                    column,
                    company,
                    person,
                },
            },
        })
    }
}

impl MappedKind {
    pub(super) fn column(&self) -> Option<&MappedColumn> {
        match self {
            Self::Always(_) => None,
            Self::Values { column, .. } | Self::CompanyIfEmpty(column) => Some(column),
        }
    }
}

/// What names are made of.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "NameTable")]
pub(super) struct MappedName {
    /// Their values are joined.
    pub(super) join: Vec<MappedColumn>,
    /// If all of them are empty.
    pub(super) otherwise: Option<MappedColumn>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected a column, or a table with `join` and perhaps `otherwise`"
)]
enum NameTable {
    Plain(MappedColumn),
    Table {
        join: Vec<MappedColumn>,
        otherwise: Option<MappedColumn>,
    },
}

impl TryFrom<NameTable> for MappedName {
    type Error = &'static str;

    fn try_from(table: NameTable) -> Result<Self, &'static str> {
        let (join, otherwise) = match table {
            NameTable::Plain(column) => (vec![column], None),
            NameTable::Table { join, otherwise } => (join, otherwise),
        };
        match join.is_empty() {
            true => Err("`join` has at least one column"),
            false => Ok(Self { join, otherwise }),
        }
    }
}

/// What says which company a person belongs to. With `name`, companies are made.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "CompanyTable")]
pub(super) struct MappedCompany {
    pub(super) id: Option<MappedColumn>,
    pub(super) name: Option<MappedColumn>,
    /// Before ids, also those made of names.
    pub(super) prefix: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompanyTable {
    id: Option<MappedColumn>,
    name: Option<MappedColumn>,
    #[serde(default)]
    prefix: String,
}

impl TryFrom<CompanyTable> for MappedCompany {
    type Error = String;

    fn try_from(table: CompanyTable) -> Result<Self, String> {
        let CompanyTable { id, name, prefix } = table;
        if id.is_none() && name.is_none() {
            return Err("`company` has `id`, `name` or both".to_owned());
        }
        check_prefix(&prefix)?;
        Ok(Self { id, name, prefix })
    }
}
