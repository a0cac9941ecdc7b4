//! The columns that a mapping names, in a file.

use std::collections::{BTreeSet, HashMap};

use super::{
    conditions::{FlagName, MappedFlag},
    file_mapping::{ContactMapping, FileMapping},
    mapping::ImportMapping,
    names,
    rules::MappedCompany,
    values::MappedColumn,
};
use crate::client::{
    import::columns::{CsvColumns, CsvFields},
    rows,
    terminal::{excerpt, list},
};

/// The columns of a mapping in a file.
pub(super) struct BoundFile {
    pub(super) mapping: FileMapping,
    /// In lower case.
    pub(super) file_name: String,
    /// Of lists in a cell.
    pub(super) separator: char,
    pub(super) escape: Option<char>,
    /// The index of each spelling that the file has.
    indexes: HashMap<String, usize>,
}

impl BoundFile {
    /// The kind of file that fits the columns, and its place in the mapping. Of several the one that
    /// needs most columns.
    pub(super) fn fit(
        mapping: &ImportMapping,
        file_name: &str,
        columns: &CsvColumns,
    ) -> Result<(usize, Self), String> {
        let bound = |file: &FileMapping| Self {
            mapping: file.clone(),
            file_name: file_name.to_lowercase(),
            separator: mapping.separator,
            escape: mapping.escape,
            indexes: indexes(file, columns),
        };
        let bound = mapping.file.iter().map(bound).enumerate();
        let (fitting, others): (Vec<_>, Vec<_>) =
            bound.partition(|(_, it)| it.missing().is_empty());
        let best = fitting.into_iter().rev();
        let best = best.max_by_key(|(_, it)| it.mapping.required().len());
        best.ok_or_else(|| {
            let problems: String = others.iter().map(|(_, it)| it.problem()).collect();
            let found: Vec<_> = columns.names().iter().map(|it| excerpt(it)).collect();
            let found = list(found.iter().map(String::as_str));
            let title = &mapping.title;
            format!("its columns are not those of {title}:{problems}\n  found: {found}")
        })
    }

    /// What is missing.
    fn missing(&self) -> Vec<&MappedColumn> {
        let required = self.mapping.required().into_iter();
        required.filter(|it| !self.has(it)).collect()
    }

    fn problem(&self) -> String {
        let missing: Vec<_> = self
            .missing()
            .into_iter()
            .map(MappedColumn::shown)
            .collect();
        let missing = list(missing.iter().map(String::as_str));
        format!("\n  {}: it lacks {missing}", self.mapping.title)
    }

    /// The columns that are not imported.
    pub(super) fn ignored<'a>(&self, columns: &'a CsvColumns) -> Vec<&'a str> {
        let used: BTreeSet<_> = self.indexes.values().copied().collect();
        let names = columns.names().iter().enumerate();
        let names = names.filter(|(index, name)| !name.is_empty() && !used.contains(index));
        names.map(|(_, name)| name.as_str()).collect()
    }

    pub(super) fn has(&self, column: &MappedColumn) -> bool {
        column.0.iter().any(|it| self.indexes.contains_key(it))
    }

    /// The fields of contacts that the file has.
    pub(super) fn update_mask(&self, contact: &ContactMapping) -> Vec<String> {
        let has_company = |it: &MappedCompany| {
            [&it.id, &it.name]
                .into_iter()
                .flatten()
                .any(|it| self.has(it))
        };
        let optional = [
            (
                "email",
                contact.email.as_ref().is_some_and(|it| self.has(it)),
            ),
            (
                "company_id",
                contact.company.as_ref().is_some_and(has_company),
            ),
        ];
        let optional = optional
            .into_iter()
            .filter_map(|(name, has)| has.then_some(name));
        let always = ["kind", "name", "exclude_from_segments", "privacy_blocked"];
        let named = always.into_iter().chain(optional).map(str::to_owned);
        let attributes = contact.attributes.iter();
        let attributes = attributes.filter(|(_, column)| self.has(column));
        let attributes = attributes.map(|(key, _)| format!("{}{key}", rows::ATTRIBUTE));
        let mut mask: Vec<_> = named.chain(attributes).collect();
        mask.sort();
        mask
    }

    /// The columns of the file that fields of contacts and memberships are read from, for messages.
    pub(super) fn columns_of_fields(&self, columns: &CsvColumns) -> HashMap<&'static str, String> {
        let mut fields: Vec<(&'static str, Vec<&MappedColumn>)> = Vec::new();
        let id: Vec<_> = self.mapping.id.iter().map(|it| &it.column).collect();
        fields.extend([("id", id.clone()), ("UNKNOWN_CONTACT", id)]);
        let codes = self.mapping.groups.iter().filter_map(|it| it.code());
        fields.push(("code", codes.collect()));
        if let Some(contact) = &self.mapping.contact {
            let company = contact.company.iter();
            let company = company.flat_map(|it| it.id.iter().chain(&it.name));
            let name = contact.name.join.iter().chain(&contact.name.otherwise);
            fields.extend([
                ("kind", contact.kind.column().into_iter().collect()),
                ("name", name.collect()),
                ("email", contact.email.iter().collect()),
                ("company_id", company.collect()),
            ]);
        }
        let named = fields.into_iter().map(|(field, mapped)| {
            let indexes = mapped.iter().filter_map(|it| self.index(it));
            let names = indexes.map(|it| format!("`{}`", excerpt(&columns.names()[it])));
            (field, names.collect::<Vec<_>>().join(", "))
        });
        named.filter(|(_, names)| !names.is_empty()).collect()
    }

    /// The flags for which the mapping has columns, and the file has none of them.
    pub(super) fn missing_flags(&self) -> Vec<&'static str> {
        let lacks = |it: &MappedFlag| it.set_if.column().is_some_and(|it| !self.has(it));
        let is_missing = |flag: &FlagName| {
            let contact = self.mapping.contact.iter();
            let rules = contact.flat_map(|it| it.flags.iter().filter(|it| it.flag == *flag));
            let rules: Vec<_> = rules.collect();
            !rules.is_empty() && rules.into_iter().all(lacks)
        };
        let missing = FlagName::ALL.into_iter().filter(is_missing);
        missing.map(FlagName::name).collect()
    }

    /// The columns that occur more than once, of which the first is imported.
    pub(super) fn repeated<'a>(&self, columns: &'a CsvColumns) -> Vec<&'a str> {
        let names = columns.names();
        let used: BTreeSet<_> = self.indexes.values().copied().collect();
        let repeated = used.into_iter().filter(|index| {
            let name = names::folded(&names[*index]);
            names[index + 1..]
                .iter()
                .any(|it| names::folded(it) == name)
        });
        repeated.map(|it| names[it].as_str()).collect()
    }

    fn index(&self, column: &MappedColumn) -> Option<usize> {
        column.0.iter().find_map(|it| self.indexes.get(it)).copied()
    }

    /// The value of a column, trimmed; empty if the file lacks the column.
    pub(super) fn value<'a>(&self, column: &MappedColumn, fields: &CsvFields<'a>) -> &'a str {
        self.index(column).map_or("", |it| fields.at(it).trim())
    }
}

/// The place of each spelling that a file has.
fn indexes(file: &FileMapping, columns: &CsvColumns) -> HashMap<String, usize> {
    let names: Vec<_> = columns.names().iter().map(|it| names::folded(it)).collect();
    let place = |column: &str| names.iter().position(|it| *it == names::folded(column));
    let spellings = file.columns().into_iter().flat_map(|it| &it.0);
    spellings
        .filter_map(|it| Some((it.clone(), place(it)?)))
        .collect()
}
