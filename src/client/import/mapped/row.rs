//! What a row says: its contact, company and groups.

use std::collections::BTreeMap;

use super::{
    bound::BoundFile,
    conditions::{FlagName, MappedCondition, MappedGroups},
    file_mapping::ContactMapping,
    lists, names,
    rules::MappedKind,
    values::{GroupName, MappedColumn},
};
use crate::{
    client::{
        import::columns::CsvFields,
        terminal::{excerpt, list},
    },
    pb::{Contact, ContactKind},
};

/// How the source names a group. Names are as descriptions are, by which groups are found again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum GroupKey {
    /// The source has a code of its own.
    Code(String),
    /// The code is made of the name.
    Name(String),
}

impl GroupKey {
    /// What the source has.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Name(name) | Self::Code(name) => name,
        }
    }
}

/// A group of a row.
pub(super) struct RowGroup {
    pub(super) key: GroupKey,
    pub(super) description: Option<String>,
}

/// A company that a row names.
pub(super) struct RowCompany {
    pub(super) id: String,
    /// If the company is made of it.
    pub(super) name: Option<String>,
}

impl BoundFile {
    /// Whether `only` and `except` leave a row out.
    pub(super) fn leaves_out(&self, fields: &CsvFields<'_>) -> bool {
        let holds = |it: &MappedCondition| self.holds(it, fields);
        !self.mapping.only.iter().all(holds) || self.mapping.except.iter().any(holds)
    }

    /// The id that a row gives its contact. None if the file has no ids.
    pub(super) fn id(&self, fields: &CsvFields<'_>) -> Result<Option<String>, String> {
        let Some(id) = &self.mapping.id else {
            return Ok(None);
        };
        let value = self.value(&id.column, fields);
        if value.is_empty() {
            return Err("id: must not be empty".to_owned());
        }
        let made = match id.is_digest {
            true => names::digest_id(&id.prefix, value),
            false => format!("{}{value}", id.prefix),
        };
        names::check_id(&made).map_err(|it| format!("id: {it}"))?;
        Ok(Some(made))
    }

    /// The contact of a row. Its flags are those of this row.
    pub(super) fn contact(
        &self,
        contact: &ContactMapping,
        fields: &CsvFields<'_>,
    ) -> Result<Contact, String> {
        let kind = self.kind(&contact.kind, fields)?;
        let company = match kind {
            ContactKind::Person => self.company(contact, fields)?,
            ContactKind::Company | ContactKind::Unspecified => None,
        };
        Ok(Contact {
            id: self.id(fields)?.unwrap_or_default(),
            kind: kind.into(),
            name: self.name(contact, fields),
            company_id: company.map(|it| it.id).unwrap_or_default(),
            email: contact
                .email
                .as_ref()
                .map_or("", |it| self.value(it, fields))
                .to_owned(),
            exclude_from_segments: self.flag(contact, FlagName::ExcludeFromSegments, fields),
            privacy_blocked: self.flag(contact, FlagName::PrivacyBlocked, fields),
            attributes: self.attributes(contact, fields),
            ..Contact::default()
        })
    }

    /// The attributes of a contact; an empty cell has none.
    fn attributes(
        &self,
        contact: &ContactMapping,
        fields: &CsvFields<'_>,
    ) -> BTreeMap<String, String> {
        let all = contact.attributes.iter();
        let all = all.map(|(key, column)| (key.clone(), self.value(column, fields).to_owned()));
        all.filter(|(_, value)| !value.is_empty()).collect()
    }

    /// The company of a person.
    pub(super) fn company(
        &self,
        contact: &ContactMapping,
        fields: &CsvFields<'_>,
    ) -> Result<Option<RowCompany>, String> {
        let Some(company) = &contact.company else {
            return Ok(None);
        };
        let value = |it: &Option<MappedColumn>| it.as_ref().map_or("", |it| self.value(it, fields));
        let mut ids = lists::split(value(&company.id), self.separator, self.escape);
        let all = match ids.len() {
            0 | 1 => vec![value(&company.name).to_owned()],
            _ => lists::split(value(&company.name), self.separator, self.escape),
        };
        let name = all.into_iter().next().filter(|it| !it.is_empty());
        let name = name.map(|it| names::spaced(&it));
        ids.truncate(1);
        let id = match (ids.pop(), &name) {
            (Some(id), _) => format!("{}{id}", company.prefix),
            (None, Some(name)) => names::id(&company.prefix, name),
            (None, None) => return Ok(None),
        };
        names::check_id(&id).map_err(|it| format!("company_id: {it}"))?;
        let checked = name.as_deref().map_or(Ok(()), names::check_name);
        checked.map_err(|it| format!("company_id: the name of the company {it}"))?;
        Ok(Some(RowCompany { id, name }))
    }

    /// The groups of a row, each once.
    pub(super) fn groups(&self, fields: &CsvFields<'_>) -> Vec<RowGroup> {
        let mut groups: Vec<RowGroup> = Vec::new();
        for mapped in &self.mapping.groups {
            for group in self.groups_of(mapped, fields) {
                if groups.iter().all(|it| it.key != group.key) {
                    groups.push(group);
                }
            }
        }
        groups
    }

    fn groups_of(&self, mapped: &MappedGroups, fields: &CsvFields<'_>) -> Vec<RowGroup> {
        let named = |name: String| RowGroup {
            key: GroupKey::Name(name),
            description: None,
        };
        match mapped {
            MappedGroups::Names { column, separator } => {
                let (cell, separator) = (
                    self.value(column, fields),
                    separator.unwrap_or(self.separator),
                );
                let entries = lists::split(cell, separator, self.escape);
                let names = entries.iter().map(|it| names::description(it));
                names.map(named).collect()
            }
            MappedGroups::Marked {
                column,
                name,
                values,
            } => match values.has(self.value(column, fields)) {
                true => vec![named(name.0.clone())],
                false => Vec::new(),
            },
            MappedGroups::Constant(GroupName(name)) => vec![named(name.clone())],
            MappedGroups::Codes { code, description } => {
                let code = names::description(self.value(code, fields));
                let description = description.as_ref();
                let description = description.map(|it| names::description(self.value(it, fields)));
                match code.is_empty() {
                    true => Vec::new(),
                    false => vec![RowGroup {
                        key: GroupKey::Code(code),
                        description: description.filter(|it| !it.is_empty()),
                    }],
                }
            }
        }
    }

    fn kind(&self, kind: &MappedKind, fields: &CsvFields<'_>) -> Result<ContactKind, String> {
        match kind {
            MappedKind::Always(kind) => Ok(*kind),
            MappedKind::CompanyIfEmpty(column) => Ok(match self.value(column, fields) {
                "" => ContactKind::Company,
                _ => ContactKind::Person,
            }),
            MappedKind::Values {
                column,
                company,
                person,
            } => match self.value(column, fields) {
                value if company.has(value) => Ok(ContactKind::Company),
                value if person.has(value) => Ok(ContactKind::Person),
                value => Err(format!(
                    "kind: `{}` is none of {}",
                    excerpt(value),
                    list(company.0.iter().chain(&person.0).map(String::as_str))
                )),
            },
        }
    }

    fn name(&self, contact: &ContactMapping, fields: &CsvFields<'_>) -> String {
        let parts = contact.name.join.iter().map(|it| self.value(it, fields));
        let parts: Vec<_> = parts.filter(|it| !it.is_empty()).collect();
        names::spaced(&match (&contact.name.otherwise, parts.is_empty()) {
            (Some(otherwise), true) => self.value(otherwise, fields).to_owned(),
            (Some(_), false) | (None, _) => parts.join(" "),
        })
    }

    /// A flag is set if any rule sets it, and cleared only by a rule that says so.
    fn flag(
        &self,
        contact: &ContactMapping,
        name: FlagName,
        fields: &CsvFields<'_>,
    ) -> Option<bool> {
        let rules = || contact.flags.iter().filter(|it| it.flag == name);
        if rules().any(|it| self.holds(&it.set_if, fields)) {
            return Some(true);
        }
        let clears = rules().any(|it| match &it.set_if {
            MappedCondition::Values(column, _) | MappedCondition::Filled(column, _) => {
                let clear = it.clear.as_ref();
                clear.is_some_and(|it| it.has(self.value(column, fields)))
            }
            MappedCondition::Always | MappedCondition::FileName(_) => false,
        });
        clears.then_some(false)
    }

    fn holds(&self, condition: &MappedCondition, fields: &CsvFields<'_>) -> bool {
        match condition {
            MappedCondition::Always => true,
            MappedCondition::Values(column, values) => values.has(self.value(column, fields)),
            MappedCondition::Filled(column, filled) => {
                self.has(column) && self.value(column, fields).is_empty() != *filled
            }
            MappedCondition::FileName(starts) => {
                let mut starts = starts.0.iter().map(|it| it.to_lowercase());
                starts.any(|it| self.file_name.starts_with(&it))
            }
        }
    }
}
