//! Reads all files once before anything is sent: the groups and companies that they name, and which
//! contacts have flags.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    path::PathBuf,
    sync::Arc,
};

use super::{
    bound::BoundFile,
    row::{GroupKey, RowGroup},
};
use crate::{
    client::{
        error::Error,
        import::{
            columns::{CsvFields, CsvRow},
            csv_file::CsvFile,
        },
    },
    pb::{Contact, ContactKind},
};

/// A file of the import.
#[derive(Clone)]
pub(super) struct MappedFile {
    pub(super) path: PathBuf,
    pub(super) file: Arc<CsvFile>,
    pub(super) bound: Arc<BoundFile>,
    /// The place of its kind in the mapping.
    pub(super) order: usize,
    /// Distinguishes files whose rejected rows would go to the same file.
    pub(super) rejected_number: usize,
}

impl MappedFile {
    pub(super) fn has_contacts(&self) -> bool {
        self.bound.mapping.contact.is_some()
    }

    /// The fields of contacts that it has.
    pub(super) fn update_mask(&self) -> Vec<String> {
        let contact = self.bound.mapping.contact.as_ref();
        contact.map_or_else(Vec::new, |it| self.bound.update_mask(it))
    }

    pub(super) fn has_memberships(&self) -> bool {
        self.bound.mapping.id.is_some() && !self.bound.mapping.groups.is_empty()
    }
}

/// A group that the files name.
pub(super) struct SurveyedGroup {
    pub(super) description: Option<String>,
    /// Rows with an id that name it.
    pub(super) memberships: i64,
    /// The first row that names it.
    pub(super) row: CsvRow,
    /// Where that is, for messages.
    pub(super) place: String,
}

/// A company that is made of the columns of persons.
pub(super) struct SurveyedCompany {
    pub(super) name: String,
    /// The first row that names it.
    pub(super) row: CsvRow,
}

/// File and line of a row.
type FileLine = (usize, u64);

/// The rows of a file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FileCounts {
    pub(super) rows: i64,
    /// By `only` and `except`.
    pub(super) left_out: i64,
}

/// What the files have.
#[derive(Default)]
pub(super) struct Survey {
    hasher: RandomState,
    pub(super) groups: BTreeMap<GroupKey, SurveyedGroup>,
    /// By their ids.
    pub(super) companies: BTreeMap<String, SurveyedCompany>,
    /// Whether contacts are excluded and blocked by any row, by hashes of their ids.
    flags: HashMap<u64, [bool; 2]>,
    /// Hashes of the ids of companies that have rows of their own.
    company_rows: HashSet<u64>,
    /// The first row of each contact and further ones, by hashes of their ids; for a dry run.
    contacts: Option<HashMap<u64, (FileLine, Vec<FileLine>)>>,
    /// The ids of contacts of files that lack fields which other files have; for a dry run.
    pub(super) incomplete: Vec<String>,
    /// In the order of the files.
    pub(super) files: Vec<FileCounts>,
}

impl Survey {
    pub(super) fn of(files: &[MappedFile], dry_run: bool) -> Result<Self, Error> {
        let mut survey = Self {
            contacts: dry_run.then(HashMap::new),
            ..Self::default()
        };
        let all = update_mask(files);
        for file in files {
            let is_incomplete = dry_run && file.has_contacts() && file.update_mask() != all;
            let counts = survey.file(file, is_incomplete)?;
            survey.files.push(counts);
        }
        let (hasher, rows) = (&survey.hasher, &survey.company_rows);
        let companies = &mut survey.companies;
        companies.retain(|id, _| !rows.contains(&hasher.hash_one(id)));
        Ok(survey)
    }

    /// Whether any row of a contact sets a flag. Which of several rows counts does not matter: an
    /// objection is never lost.
    pub(super) fn mark(&self, contact: &mut Contact) {
        let flags = self.flags.get(&self.hasher.hash_one(&contact.id));
        let [excluded, blocked] = flags.copied().unwrap_or_default();
        contact.exclude_from_segments = excluded.then_some(true).or(contact.exclude_from_segments);
        contact.privacy_blocked = blocked.then_some(true).or(contact.privacy_blocked);
    }

    /// How many contacts are excluded, and how many blocked.
    pub(super) fn flag_counts(&self) -> [usize; 2] {
        [0, 1].map(|it| self.flags.values().filter(|flags| flags[it]).count())
    }

    /// Whether the files have a contact in a row that is accepted.
    pub(super) fn has_contact(&self, id: &str, is_accepted: impl Fn(FileLine) -> bool) -> bool {
        let contacts = self.contacts.as_ref();
        let rows = contacts.and_then(|it| it.get(&self.hasher.hash_one(id)));
        rows.is_some_and(|(first, more)| {
            is_accepted(*first) || more.iter().any(|it| is_accepted(*it))
        })
    }

    fn file(&mut self, file: &MappedFile, is_incomplete: bool) -> Result<FileCounts, Error> {
        let columns = file.file.columns();
        let mut rows = file.file.rows()?;
        let mut counts = FileCounts::default();
        while let Some(row) = rows.next()? {
            counts.rows += 1;
            // Rows that cannot be read are rejected later.
            let Ok(fields) = columns.fields(&row) else {
                continue;
            };
            if file.bound.leaves_out(&fields) {
                counts.left_out += 1;
                continue;
            }
            let id = self.row(file, &fields, &row);
            self.incomplete.extend(id.filter(|_| is_incomplete));
        }
        Ok(counts)
    }

    /// Returns the id of the row's contact.
    fn row(&mut self, file: &MappedFile, fields: &CsvFields<'_>, row: &CsvRow) -> Option<String> {
        let bound = &file.bound;
        let id = bound.id(fields).ok()?;
        if let Some(mapping) = &bound.mapping.contact {
            let contact = bound.contact(mapping, fields).ok()?;
            if !contact.company_id.is_empty()
                && let Ok(Some(company)) = bound.company(mapping, fields)
                && let Some(name) = company.name
            {
                let made = || SurveyedCompany {
                    name,
                    row: row.clone(),
                };
                self.companies.entry(company.id).or_insert_with(made);
            }
            self.contact(&contact, row);
        }
        for group in bound.groups(fields) {
            self.group(group, id.is_some(), (file, row));
        }
        id
    }

    fn contact(&mut self, contact: &Contact, row: &CsvRow) {
        let hash = self.hasher.hash_one(&contact.id);
        if contact.kind() == ContactKind::Company {
            self.company_rows.insert(hash);
        }
        let flags = [contact.exclude_from_segments(), contact.privacy_blocked()];
        if flags.contains(&true) {
            let all = self.flags.entry(hash).or_default();
            *all = [all[0] || flags[0], all[1] || flags[1]];
        }
        if let Some(contacts) = &mut self.contacts {
            let place = (row.file, row.line);
            let known = contacts.entry(hash);
            known
                .and_modify(|(_, more)| more.push(place))
                .or_insert((place, Vec::new()));
        }
    }

    fn group(&mut self, group: RowGroup, is_membership: bool, (file, row): (&MappedFile, &CsvRow)) {
        let found = self.groups.entry(group.key);
        let found = found.or_insert_with(|| SurveyedGroup {
            description: None,
            memberships: 0,
            row: row.clone(),
            place: format!("{}, line {}", file.path.display(), row.line),
        });
        found.memberships += i64::from(is_membership);
        found.description = found.description.take().or(group.description);
    }
}

/// The fields that any of the files has.
pub(super) fn update_mask(files: &[MappedFile]) -> Vec<String> {
    let mut mask: Vec<_> = files.iter().flat_map(MappedFile::update_mask).collect();
    mask.sort();
    mask.dedup();
    mask
}
