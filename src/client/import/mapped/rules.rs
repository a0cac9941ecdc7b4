//! The parts of a mapping that make the fields of a contact.

use serde::Deserialize;

use crate::{
    client::{rows, terminal::excerpt},
    pb::ContactKind,
};

/// A column, by the spellings of its name; the first that the file has counts.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Spellings")]
pub(super) struct MappedColumn(pub(super) Vec<String>);

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected the name of a column, or a list of its spellings"
)]
enum Spellings {
    One(String),
    Many(Vec<String>),
}

impl From<Spellings> for MappedColumn {
    fn from(spellings: Spellings) -> Self {
        Self(match spellings {
            Spellings::One(name) => vec![name],
            Spellings::Many(names) => names,
        })
    }
}

impl MappedColumn {
    /// For messages.
    pub(super) fn shown(&self) -> String {
        let names: Vec<_> = self
            .0
            .iter()
            .map(|it| format!("`{}`", excerpt(it)))
            .collect();
        names.join(" or ")
    }
}

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
    expecting = "expected a column, or a table with `column` or `digest`, and `prefix`"
)]
enum IdTable {
    Plain(MappedColumn),
    Table {
        column: Option<MappedColumn>,
        digest: Option<MappedColumn>,
        #[serde(default)]
        prefix: String,
    },
}

impl TryFrom<IdTable> for MappedId {
    type Error = &'static str;

    fn try_from(table: IdTable) -> Result<Self, &'static str> {
        let (column, prefix, is_digest) = match table {
            IdTable::Plain(column) => (column, String::new(), false),
            IdTable::Table {
                column,
                digest,
                prefix,
            } => match (column, digest) {
                (Some(column), None) => (column, prefix, false),
                (None, Some(column)) => (column, prefix, true),
                (None, None) | (Some(_), Some(_)) => return Err("`id` has `column` or `digest`"),
            },
        };
        Ok(Self {
            column,
            prefix,
            is_digest,
        })
    }
}

/// What says whether a contact is a company or a person.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "KindTable")]
pub(super) enum MappedKind {
    Always(ContactKind),
    Values {
        column: MappedColumn,
        company: Vec<String>,
        person: Vec<String>,
    },
    CompanyIfEmpty(MappedColumn),
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected `COMPANY`, `PERSON`, or a table with `column`, `company` and `person`, or \
                 with `company_if_empty`"
)]
enum KindTable {
    Constant(String),
    Values {
        column: MappedColumn,
        company: Vec<String>,
        person: Vec<String>,
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
            KindTable::Values {
                column,
                company,
                person,
            } => Self::Values {
                column,
                company,
                person,
            },
            KindTable::IfEmpty { company_if_empty } => Self::CompanyIfEmpty(company_if_empty),
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
#[serde(from = "NameTable")]
pub(super) struct MappedName {
    /// Their values are joined.
    pub(super) join: Vec<MappedColumn>,
    /// If all of them are empty.
    pub(super) otherwise: Option<MappedColumn>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a column, or a table with `join` and `otherwise`"
)]
enum NameTable {
    Plain(MappedColumn),
    Table {
        join: Vec<MappedColumn>,
        otherwise: Option<MappedColumn>,
    },
}

impl From<NameTable> for MappedName {
    fn from(table: NameTable) -> Self {
        match table {
            NameTable::Plain(column) => Self {
                join: vec![column],
                otherwise: None,
            },
            NameTable::Table { join, otherwise } => Self { join, otherwise },
        }
    }
}

/// What says which company a person belongs to. With `name`, companies are made.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MappedCompany {
    pub(super) id: Option<MappedColumn>,
    pub(super) name: Option<MappedColumn>,
    /// Before ids, also those made of names.
    #[serde(default)]
    pub(super) prefix: String,
}
