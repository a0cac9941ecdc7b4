//! A kind of file in a mapping.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    conditions::{MappedCondition, MappedFlag, MappedGroups, check_conditions},
    names,
    rules::{MappedCompany, MappedId, MappedKind, MappedName},
    values::MappedColumn,
};
use crate::{client::terminal::excerpt, model::Attributes, pb::ContactKind};

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
    /// By their keys.
    pub(super) attributes: BTreeMap<String, MappedColumn>,
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
    attributes: BTreeMap<String, MappedColumn>,
    #[serde(default)]
    groups: Vec<MappedGroups>,
    #[serde(default)]
    only: Vec<MappedCondition>,
    #[serde(default)]
    except: Vec<MappedCondition>,
}

impl TryFrom<FileTable> for FileMapping {
    type Error = String;

    fn try_from(table: FileTable) -> Result<Self, String> {
        table.check_structure()?;
        table.check_rules()?;
        let contact = table.kind.zip(table.name);
        let contact = contact.map(|(kind, name)| ContactMapping {
            kind,
            name,
            email: table.email,
            company: table.company,
            flags: table.flags,
            attributes: table.attributes,
        });
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

impl FileTable {
    /// Refuses what is neither a file of contacts, nor of memberships, nor of groups.
    fn check_structure(&self) -> Result<(), &'static str> {
        let is_plain = self.email.is_none()
            && self.company.is_none()
            && self.flags.is_empty()
            && self.attributes.is_empty();
        let are_codes = self.groups.iter().all(|it| it.code().is_some());
        let contacts = Err("a [[file]] with contacts has `id`, `kind` and `name`");
        match (&self.id, &self.kind, &self.name) {
            (Some(_), Some(_), Some(_)) => Ok(()),
            (Some(_), None, None) if !is_plain => contacts,
            (Some(_), None, None) if self.groups.is_empty() => {
                Err("a [[file]] with `id` also has `kind` and `name`, or `groups`")
            }
            (Some(_), None, None) => Ok(()),
            (None, None, None) if !is_plain => contacts,
            (None, None, None) if self.groups.is_empty() || !are_codes => {
                Err("a [[file]] without `id` has `groups` with `code`, and nothing else")
            }
            (None, None, None) => Ok(()),
            (_, Some(_), _) | (_, _, Some(_)) => contacts,
        }
    }

    /// Refuses rules that contradict each other.
    fn check_rules(&self) -> Result<(), String> {
        check_title(&self.title)?;
        check_conditions(&self.only, &self.except)?;
        if self.attributes.len() > Attributes::MAX {
            return Err(format!("`attributes` has at most {} keys", Attributes::MAX));
        }
        for key in self.attributes.keys() {
            let checked = names::check_attribute_key(key);
            checked.map_err(|it| format!("the key `{}` of `attributes` {it}", excerpt(key)))?;
        }
        if let (Some(MappedKind::Always(ContactKind::Company)), Some(_)) =
            (&self.kind, &self.company)
        {
            return Err("`company` is of persons, and `kind` says that there are none".to_owned());
        }
        let pairs = self
            .flags
            .iter()
            .flat_map(|one| self.flags.iter().map(move |it| (one, it)));
        match pairs
            .filter_map(|(one, other)| one.contradiction(other))
            .next()
        {
            Some(value) => {
                let value = excerpt(value);
                Err(format!(
                    "`flags` set and `clear` the same flag with the value `{value}`"
                ))
            }
            None => Ok(()),
        }
    }
}

pub(super) fn check_title(title: &str) -> Result<(), &'static str> {
    match title.trim().is_empty() {
        true => Err("`title` is not empty: reports name it"),
        false => Ok(()),
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
            columns.extend(contact.attributes.values());
            if let Some(company) = &contact.company {
                columns.extend([&company.id, &company.name].into_iter().flatten());
            }
            columns.extend(contact.flags.iter().filter_map(|it| it.set_if.column()));
        }
        columns
    }

    /// The names of the columns that it needs, sorted.
    pub(super) fn required_names(&self) -> Vec<&[String]> {
        let mut names: Vec<_> = self.required().iter().map(|it| it.0.as_slice()).collect();
        names.sort();
        names
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
