//! The codes of the groups: those that exist, those that the mapping names, and new ones that are
//! made of names.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{
    names,
    row::GroupKey,
    survey::SurveyedGroup,
    values::{GroupName, MappedCode},
};
use crate::{
    client::{error::Error, terminal::excerpt},
    model::Code,
    pb::MailingGroup,
};

/// The group of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlannedGroup {
    pub(super) code: String,
    pub(super) description: String,
    /// The description that it has, if the tenant has it.
    pub(super) existing: Option<String>,
    /// The code that it would have, if another group had not.
    pub(super) taken: Option<String>,
}

/// Finds codes for the groups that the files name. `chosen` has codes by names.
pub(super) fn assign(
    groups: &BTreeMap<GroupKey, SurveyedGroup>,
    chosen: &BTreeMap<GroupName, MappedCode>,
    existing: &[MailingGroup],
) -> Result<BTreeMap<GroupKey, PlannedGroup>, Error> {
    let mut codes = GroupCodes::new(existing);
    let mut others = Vec::new();
    for (key, group) in groups {
        match codes.fixed(key, group, chosen) {
            Some(planned) => codes.add(key, planned),
            None => others.push((key, group)),
        }
    }
    let mut ambiguous = Vec::new();
    // Those with codes of the source come first, as their keys do.
    for (key, group) in others {
        match codes.found(key, group) {
            Ok(planned) => codes.add(key, planned),
            Err(candidates) => ambiguous.push((key, group, candidates)),
        }
    }
    match ambiguous.is_empty() {
        true => Ok(codes.planned),
        false => Err(codes.refused(&ambiguous)),
    }
}

struct GroupCodes<'a> {
    /// The descriptions of the groups of the tenant, by code.
    existing: HashMap<&'a str, &'a str>,
    /// The codes of groups by description; of several the first.
    by_description: HashMap<String, String>,
    /// Codes of this import.
    used: HashSet<String>,
    planned: BTreeMap<GroupKey, PlannedGroup>,
}

impl<'a> GroupCodes<'a> {
    fn new(existing: &'a [MailingGroup]) -> Self {
        let pairs = existing
            .iter()
            .map(|it| (it.code.as_str(), it.description.as_str()));
        let named = pairs.clone().filter(|it| !it.1.is_empty());
        let owned = |(code, text): (&str, &str)| (text.to_owned(), code.to_owned());
        Self {
            existing: pairs.collect(),
            by_description: named.rev().map(owned).collect(),
            used: HashSet::new(),
            planned: BTreeMap::new(),
        }
    }

    /// The group, if its code is given: the mapping names it, or the source has a valid one.
    fn fixed(
        &self,
        key: &GroupKey,
        group: &SurveyedGroup,
        chosen: &BTreeMap<GroupName, MappedCode>,
    ) -> Option<PlannedGroup> {
        let name = key.name();
        if let Some(MappedCode(code)) = chosen.get(name) {
            let code = code.as_str();
            let existing = self.existing.get(code).copied();
            let description = existing.or(group.description.as_deref()).unwrap_or(name);
            return Some(self.plan(code.to_owned(), description, None));
        }
        let code: Code = match key {
            GroupKey::Code(code) => code.parse().ok()?,
            GroupKey::Name(_) => return None,
        };
        let existing = self.existing.get(code.as_str()).copied();
        let description = group.description.as_deref().or(existing).unwrap_or(name);
        Some(self.plan(code.into(), description, None))
    }

    /// The group that has the name as its description, or a new one. Otherwise the codes of the
    /// groups that it may be.
    fn found(&self, key: &GroupKey, group: &SurveyedGroup) -> Result<PlannedGroup, Vec<String>> {
        let name = key.name();
        let wanted = names::code(name);
        let description = group.description.as_deref().unwrap_or(name);
        let has_description = |it: &&String| self.existing.get(it.as_str()) == Some(&description);
        let code = match key {
            GroupKey::Name(name) => self.by_description.get(name).cloned(),
            GroupKey::Code(_) => {
                // Several codes of the source may lose characters and become equal.
                let candidates: Vec<_> = numbered(&wanted)
                    .take_while(|it| !self.is_free(it))
                    .filter(|it| !self.used.contains(it))
                    .collect();
                let code = candidates.iter().find(has_description).cloned();
                if code.is_none() && group.description.is_none() && !candidates.is_empty() {
                    return Err(candidates);
                }
                code
            }
        };
        let code = code.or_else(|| numbered(&wanted).find(|it| self.is_free(it)));
        let code = code.expect("there are more numbers than groups");
        let is_taken = code != wanted && !self.existing.contains_key(code.as_str());
        Ok(self.plan(code, description, is_taken.then_some(wanted)))
    }

    fn is_free(&self, code: &str) -> bool {
        !self.used.contains(code) && !self.existing.contains_key(code)
    }

    fn plan(&self, code: String, description: &str, taken: Option<String>) -> PlannedGroup {
        let existing = self.existing.get(code.as_str());
        PlannedGroup {
            existing: existing.map(|it| (*it).to_owned()),
            code,
            description: description.to_owned(),
            taken,
        }
    }

    fn add(&mut self, key: &GroupKey, planned: PlannedGroup) {
        self.used.insert(planned.code.clone());
        // A name leads to a group of this import as it does to that of an earlier one.
        let earlier = self.by_description.entry(planned.description.clone());
        earlier.or_insert_with(|| planned.code.clone());
        self.planned.insert(key.clone(), planned);
    }

    /// Says of which codes of the source it is not known which group they are.
    fn refused(&self, ambiguous: &[(&GroupKey, &SurveyedGroup, Vec<String>)]) -> Error {
        let mut text =
            "codes with other characters than letters and digits may be those of groups \
                        that exist, as their descriptions are missing:"
                .to_owned();
        for (key, group, candidates) in ambiguous {
            let described = |code: &String| {
                let description = self.existing.get(code.as_str()).copied();
                format!("{code} ({})", excerpt(description.unwrap_or_default()))
            };
            let candidates: Vec<_> = candidates.iter().map(described).collect();
            let (place, name) = (&group.place, excerpt(key.name()));
            text += &format!("\n  {place}: {name} may be {}", candidates.join(" or "));
        }
        let name = ambiguous.first().map_or("", |it| it.0.name());
        let code = ambiguous.first().map_or("", |it| it.2[0].as_str());
        text += &format!(
            "\npass the file that describes the groups too, or choose: --code '{name}={code}'"
        );
        Error::Input(text)
    }
}

/// A code, and the same with numbers.
fn numbered(code: &str) -> impl Iterator<Item = String> {
    let numbered = (2..).map(move |number| names::numbered(code, number));
    std::iter::once(code.to_owned()).chain(numbered)
}

#[cfg(test)]
mod tests;
