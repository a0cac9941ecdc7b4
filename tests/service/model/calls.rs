//! The calls, and what each does to the state in memory.

use std::collections::BTreeMap;

use mailing_groups::pb::{self, ContactKind, SelectionOptions};
use rand::{RngExt, rngs::StdRng};

use super::{
    segments::{Kind, Source},
    state::{Contact, Facts, Reasons, State},
};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct NewContact {
    /// Ids of companies begin with C.
    pub(super) id: String,
    name: String,
    pub(super) company_id: String,
    excluded: bool,
    blocked: bool,
    /// Whether an update replaces the attributes, or sets that of one key.
    attributes: BTreeMap<String, String>,
    pub(super) one_key: Option<&'static str>,
}

/// A few keys, each of which has a few values.
pub(super) const KEYS: [&str; 3] = ["class", "language", "territory"];

/// A value of an attribute.
pub(super) fn value(rng: &mut StdRng) -> String {
    ["A", "AB", "B"][rng.random_range(0..3)].to_owned()
}

impl NewContact {
    pub(super) fn random(rng: &mut StdRng) -> Self {
        let id = contact(rng);
        let has_company = rng.random_bool(if id.starts_with('C') { 0.05 } else { 0.6 });
        Self {
            company_id: if has_company {
                contact_like(rng, 'C')
            } else {
                String::new()
            },
            name: format!("Name {}", rng.random_range(0..9)),
            excluded: rng.random_bool(0.2),
            blocked: rng.random_bool(0.2),
            attributes: KEYS
                .into_iter()
                .take(rng.random_range(0..=KEYS.len()))
                .map(|key| (key.to_owned(), value(rng)))
                .collect(),
            one_key: rng.random_bool(0.4).then(|| KEYS[rng.random_range(0..3)]),
            id,
        }
    }

    pub(super) fn kind(&self) -> ContactKind {
        match self.id.starts_with('C') {
            true => ContactKind::Company,
            false => ContactKind::Person,
        }
    }

    /// The attributes of a contact after an update.
    pub(super) fn attributes_after(
        &self,
        mut before: BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let Some(key) = self.one_key else {
            return self.attributes.clone();
        };
        before.remove(key);
        before.extend(
            self.attributes
                .get_key_value(key)
                .map(|(k, v)| (k.clone(), v.clone())),
        );
        before
    }

    /// As it is stored, with the number of its company.
    pub(super) fn stored(&self, company: Option<u32>) -> Contact {
        Contact {
            id: self.id.clone(),
            kind: self.kind(),
            name: self.name.clone(),
            company,
            excluded: self.excluded,
            blocked: self.blocked,
            attributes: self.attributes.clone(),
        }
    }

    pub(super) fn message(&self) -> pb::Contact {
        pb::Contact {
            id: self.id.clone(),
            kind: self.kind().into(),
            name: self.name.clone(),
            company_id: self.company_id.clone(),
            exclude_from_segments: Some(self.excluded),
            privacy_blocked: Some(self.blocked),
            attributes: self.attributes.clone(),
            ..Default::default()
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Call {
    CreateGroup {
        code: String,
        reuse: bool,
    },
    UpdateGroup {
        code: String,
        text: String,
    },
    RenameGroup {
        code: String,
        new: String,
        reuse: bool,
    },
    DeleteGroup {
        code: String,
        force: bool,
    },
    Assign {
        id: String,
        code: String,
        on: bool,
    },
    AssignAll {
        pairs: Vec<(String, String)>,
        on: bool,
    },
    Replace {
        id: String,
        codes: Vec<String>,
    },
    CreateContact {
        new: NewContact,
        reuse: bool,
    },
    CreateContacts(Vec<NewContact>),
    UpdateContact {
        new: NewContact,
        allow_missing: bool,
    },
    DeleteContact {
        id: String,
        force: bool,
    },
    Merge {
        kept: String,
        merged: String,
    },
    CreateSegment(String),
    UpdateSegment {
        id: String,
        text: String,
    },
    DeleteSegment(String),
    Act {
        id: String,
        kind: Kind,
        source: Source,
        options: SelectionOptions,
    },
    GoBack(String),
    Apply {
        id: String,
        code: String,
        replace: bool,
    },
    Save {
        id: String,
        code: String,
    },
    DeleteCriteria(String),
    Replay {
        code: String,
        id: String,
    },
}

fn contact_like(rng: &mut StdRng, letter: char) -> String {
    format!(
        "{letter}{}",
        rng.random_range(0..if letter == 'C' { 4 } else { 12 })
    )
}

pub(super) fn contact(rng: &mut StdRng) -> String {
    let letter = if rng.random_bool(0.3) { 'C' } else { 'P' };
    contact_like(rng, letter)
}

pub(super) fn code(rng: &mut StdRng) -> String {
    format!("G{}", rng.random_range(0..6))
}

pub(super) fn segment(rng: &mut StdRng) -> String {
    format!("S{}", rng.random_range(0..3))
}

pub(super) fn criteria(rng: &mut StdRng) -> String {
    format!("K{}", rng.random_range(0..2))
}

pub(super) fn text(rng: &mut StdRng) -> String {
    format!("text {}", rng.random_range(0..3))
}

impl Call {
    /// Does it to the state, which is undefined if it is refused. `planned` is the state in which
    /// a call found what to do, if it did so before it began to write.
    pub(super) fn apply(&self, state: &mut State, planned: &State) -> Result<Facts, Reasons> {
        match self {
            Self::CreateGroup { code, reuse } => state.create_group(code, *reuse),
            Self::UpdateGroup { code, text } => state.update_group(code, text),
            Self::RenameGroup { code, new, reuse } => state.rename(code, new, *reuse),
            Self::DeleteGroup { code, force } => state.delete_group(code, *force),
            Self::Assign { id, code, on } => state.assign(id, code, *on),
            Self::AssignAll { pairs, on } => Ok(state.assign_all(pairs, *on)),
            Self::Replace { id, codes } => state.replace(id, codes),
            Self::CreateContact { new, reuse } => state.create_contact(new, *reuse),
            Self::CreateContacts(all) => Ok(state.create_contacts(all)),
            Self::UpdateContact { new, allow_missing } => state.update_contact(new, *allow_missing),
            Self::DeleteContact { id, force } => state.delete_contact(id, *force),
            Self::Merge { kept, merged } => state.merge(kept, merged),
            Self::CreateSegment(id) => state.create_segment(id),
            Self::UpdateSegment { id, text } => state.update_segment(id, text),
            Self::DeleteSegment(id) => state.delete_segment(id),
            Self::Act {
                id,
                kind,
                source,
                options,
            } => state.act(id, *kind, source, *options),
            Self::GoBack(id) => state.go_back(id),
            Self::Apply { id, code, replace } => state.apply_group(planned, id, code, *replace),
            Self::Save { id, code } => state.save(id, code),
            Self::DeleteCriteria(code) => state.delete_criteria(code),
            Self::Replay { code, id } => state.replay(code, id),
        }
    }
}
