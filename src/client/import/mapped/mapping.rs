//! A mapping: what the columns of another tool's files mean. Built-in mappings and those of users
//! are TOML of the same form, which docs/coming-from.md describes.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;

use super::{
    conditions::{MappedCondition, MappedFlag, MappedGroups},
    rules::{MappedColumn, MappedCompany, MappedId, MappedKind, MappedName},
};
use crate::client::{
    error::Error,
    terminal::{excerpt, list},
};

/// The built-in mappings, by the names of their sources.
const BUILT_IN: [(&str, &str); 4] = [
    (
        "business-central",
        include_str!("mappings/business-central.toml"),
    ),
    ("hubspot", include_str!("mappings/hubspot.toml")),
    ("listmonk", include_str!("mappings/listmonk.toml")),
    ("mailchimp", include_str!("mappings/mailchimp.toml")),
];

/// What the files of a source mean.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportMapping {
    /// The source, for people.
    pub(super) title: String,
    /// Between the entries of a list in a cell.
    #[serde(default = "comma")]
    pub(super) separator: char,
    /// Before a separator that belongs to an entry.
    pub(super) escape: Option<char>,
    /// The codes of groups, by their names in the source.
    #[serde(default)]
    pub(super) codes: BTreeMap<String, String>,
    /// The kinds of files, in the order in which they are imported.
    pub(super) file: Vec<FileMapping>,
}

/// A kind of file. What it has is imported: contacts, if it has names; memberships, if it has ids
/// and groups; and groups.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "FileTable")]
pub(super) struct FileMapping {
    /// What the file holds, for people.
    pub(super) title: String,
    pub(super) optional_columns: bool,
    /// Columns without which a file is not of this kind, besides those of `id`, `kind` and `name`.
    requires: Vec<MappedColumn>,
    pub(super) id: Option<MappedId>,
    pub(super) contact: Option<ContactMapping>,
    pub(super) groups: Vec<MappedGroups>,
    pub(super) only: Vec<MappedCondition>,
    pub(super) except: Vec<MappedCondition>,
}

/// How contacts are made of rows.
#[derive(Debug, Clone)]
pub(super) struct ContactMapping {
    pub(super) kind: MappedKind,
    pub(super) name: MappedName,
    pub(super) email: Option<MappedColumn>,
    pub(super) company: Option<MappedCompany>,
    pub(super) flags: Vec<MappedFlag>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTable {
    title: String,
    #[serde(default)]
    optional_columns: bool,
    #[serde(default)]
    requires: Vec<MappedColumn>,
    id: Option<MappedId>,
    kind: Option<MappedKind>,
    name: Option<MappedName>,
    email: Option<MappedColumn>,
    company: Option<MappedCompany>,
    #[serde(default)]
    flags: Vec<MappedFlag>,
    #[serde(default)]
    groups: Vec<MappedGroups>,
    #[serde(default)]
    only: Vec<MappedCondition>,
    #[serde(default)]
    except: Vec<MappedCondition>,
}

impl TryFrom<FileTable> for FileMapping {
    type Error = &'static str;

    fn try_from(table: FileTable) -> Result<Self, &'static str> {
        let is_plain = table.email.is_none() && table.company.is_none() && table.flags.is_empty();
        let contact = match (table.kind, table.name) {
            (Some(kind), Some(name)) => Some(ContactMapping {
                kind,
                name,
                email: table.email,
                company: table.company,
                flags: table.flags,
            }),
            (None, None) if is_plain => None,
            _ => return Err("a [[file]] with contacts has `id`, `kind` and `name`"),
        };
        let has_codes = |it: &MappedGroups| matches!(it, MappedGroups::Codes { .. });
        match (&table.id, &contact) {
            (None, Some(_)) => return Err("a [[file]] with contacts has `id`, `kind` and `name`"),
            (Some(_), None) if table.groups.is_empty() => {
                return Err("a [[file]] with `id` also has `kind` and `name`, or `groups`");
            }
            (None, None) if table.groups.is_empty() || !table.groups.iter().all(has_codes) => {
                return Err("a [[file]] without `id` has `groups` with `code`, and nothing else");
            }
            (Some(_), _) | (None, None) => {}
        }
        Ok(Self {
            title: table.title,
            optional_columns: table.optional_columns,
            requires: table.requires,
            id: table.id,
            contact,
            groups: table.groups,
            only: table.only,
            except: table.except,
        })
    }
}

impl FileMapping {
    /// All columns that it names.
    pub(super) fn columns(&self) -> Vec<&MappedColumn> {
        let conditions = self.only.iter().chain(&self.except);
        let mut columns: Vec<_> = conditions.filter_map(MappedCondition::column).collect();
        columns.extend(&self.requires);
        columns.extend(self.id.as_ref().map(|it| &it.column));
        columns.extend(self.groups.iter().flat_map(MappedGroups::columns));
        if let Some(contact) = &self.contact {
            columns.extend(contact.kind.column());
            columns.extend(&contact.name.join);
            columns.extend(&contact.name.otherwise);
            columns.extend(&contact.email);
            if let Some(company) = &contact.company {
                columns.extend([&company.id, &company.name].into_iter().flatten());
            }
            columns.extend(contact.flags.iter().filter_map(|it| it.set_if.column()));
        }
        columns
    }

    /// The columns without which a file is not of this kind.
    pub(super) fn required(&self) -> Vec<&MappedColumn> {
        if !self.optional_columns {
            return self.columns();
        }
        let mut columns: Vec<_> = self.requires.iter().collect();
        columns.extend(self.id.as_ref().map(|it| &it.column));
        if let Some(contact) = &self.contact {
            columns.extend(contact.kind.column());
            let is_name_needed = contact.name.otherwise.is_none();
            columns.extend(contact.name.join.iter().filter(|_| is_name_needed));
        }
        columns.extend(self.groups.iter().filter_map(MappedGroups::code));
        columns
    }
}

impl ImportMapping {
    /// The mapping of a built-in source, or that of a file.
    pub(super) fn of(source: &str) -> Result<Self, Error> {
        if let Some((_, text)) = BUILT_IN.iter().find(|(name, _)| *name == source) {
            return Self::parse(source, text);
        }
        let is_path = source.contains(['/', '.']) || Path::new(source).exists();
        if !is_path {
            return Err(Error::Usage(format!(
                "`{}` is no source; pass {} or a mapping such as FILE.toml",
                excerpt(source),
                sources()
            )));
        }
        let text = fs::read_to_string(source).map_err(|it| Error::file("read", source, it))?;
        Self::parse(source, &text)
    }

    /// The text of a built-in mapping.
    pub(super) fn text_of(source: &str) -> Result<&'static str, Error> {
        let found = BUILT_IN.iter().find(|(name, _)| *name == source);
        let unknown = || {
            let source = excerpt(source);
            Error::Usage(format!("`{source}` is no source; pass {}", sources()))
        };
        found.map(|(_, text)| *text).ok_or_else(unknown)
    }

    fn parse(name: &str, text: &str) -> Result<Self, Error> {
        let mapping: Self = toml::from_str(text)
            .map_err(|error| Error::Input(format!("{name}: {}", error.to_string().trim_end())))?;
        match mapping.file.is_empty() {
            true => Err(Error::Input(format!("{name}: it needs a [[file]]"))),
            false => Ok(mapping),
        }
    }
}

fn sources() -> String {
    list(BUILT_IN.map(|(name, _)| name))
}

fn comma() -> char {
    ','
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_mappings_are_valid() {
        for (name, text) in BUILT_IN {
            ImportMapping::parse(name, text).expect("a valid mapping");
            assert!(text.starts_with("# "), "{name} says what it reads");
        }
    }

    #[test]
    fn a_mistake_is_named_with_its_line_and_what_would_be_right() {
        let file = "title = \"x\"\n[[file]]\ntitle = \"y\"\n";
        for (text, line, words) in [
            (
                "id = \"A\"\nkind = \"PERSON\"\nname = \"B\"\nemial = \"C\"",
                7,
                "unknown field `emial`, expected one of",
            ),
            ("id = \"A\"\nkind = \"ROBOT\"\nname = \"B\"", 5, "COMPANY"),
            (
                "id = \"A\"\nkind = \"PERSON\"",
                2,
                "has `id`, `kind` and `name`",
            ),
            ("id = \"A\"", 2, "or `groups`"),
            (
                "[[file.groups]]\ncolumn = \"A\"",
                2,
                "has `groups` with `code`",
            ),
            (
                "id = \"A\"\n[[file.groups]]\ncolumn = \"A\"\nvalues = [\"x\"]",
                5,
                "`values` go with `column` and `name`",
            ),
            (
                "id = \"A\"\n[[file.flags]]\nset = \"spam\"\nfilled = true",
                6,
                "unknown variant `spam`",
            ),
            ("id = {}", 4, "`column` or `digest`"),
        ] {
            let text = format!("{file}{text}\n");
            let refused = ImportMapping::parse("m.toml", &text).expect_err("refused");
            let message = refused.to_string();
            let place = format!("line {line},");
            assert!(message.starts_with("m.toml: "), "{message}");
            assert!(
                message.contains(words) && message.contains(&place),
                "{line}: {message}"
            );
        }
        let missing = ImportMapping::of("mailchump")
            .expect_err("refused")
            .to_string();
        assert!(
            missing.contains("business-central, hubspot, listmonk, mailchimp"),
            "{missing}"
        );
    }
}
