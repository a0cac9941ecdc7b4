//! The codes of the groups: those that exist, those that the mapping names, and new ones that are
//! made of names.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{names, row::GroupKey, survey::SurveyedGroup};
use crate::{
    client::error::Error,
    model::{Code, InvalidValue},
    pb::MailingGroup,
};

/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 100;

/// The group of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlannedGroup {
    pub(super) code: String,
    pub(super) description: String,
    pub(super) exists: bool,
    /// The code that it would have, if another group had not.
    pub(super) taken: Option<String>,
}

/// Finds codes for the groups that the files name. `chosen` has codes by names.
pub(super) fn assign(
    groups: &BTreeMap<GroupKey, SurveyedGroup>,
    chosen: &BTreeMap<String, String>,
    existing: &[MailingGroup],
) -> Result<BTreeMap<GroupKey, PlannedGroup>, Error> {
    let mut codes = GroupCodes::new(existing);
    let mut later = Vec::new();
    for (key, group) in groups {
        match codes.known(key, group, chosen)? {
            Some(planned) => {
                codes.planned.insert(key.clone(), planned);
            }
            None => later.push((key, group)),
        }
    }
    for (key, group) in later {
        let planned = codes.made(key, group);
        codes.planned.insert(key.clone(), planned);
    }
    Ok(codes.planned)
}

struct GroupCodes<'a> {
    /// The descriptions of the groups of the tenant, by code.
    existing: HashMap<&'a str, &'a str>,
    /// Their codes by description; of several the first.
    by_description: HashMap<&'a str, &'a str>,
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
        Self {
            existing: pairs.collect(),
            by_description: named.rev().map(|(code, text)| (text, code)).collect(),
            used: HashSet::new(),
            planned: BTreeMap::new(),
        }
    }

    /// The group, if its code need not be made: the mapping names it, a group of the tenant has the
    /// name as its description, or the source has a valid code.
    fn known(
        &mut self,
        key: &GroupKey,
        group: &SurveyedGroup,
        chosen: &BTreeMap<String, String>,
    ) -> Result<Option<PlannedGroup>, Error> {
        let name = key.name();
        if let Some(code) = chosen.get(name) {
            let code = checked(name, code)?;
            let description = group.description.clone();
            let description = self
                .existing
                .get(code.as_str())
                .map(|it| (*it).to_owned())
                .or(description);
            return Ok(Some(self.plan(
                code,
                description.unwrap_or_else(|| name.to_owned()),
                None,
            )));
        }
        Ok(match key {
            GroupKey::Name(name) => {
                let description = described(name);
                let code = self.by_description.get(description.as_str());
                let code = code.map(|it| (*it).to_owned());
                code.map(|code| self.plan(code, description, None))
            }
            GroupKey::Code(code) => {
                let valid = code.parse::<Code>().ok().map(String::from);
                valid.map(|code| self.of_source(code, key, group, None))
            }
        })
    }

    /// The group with a new code, or that of an earlier import from a source with codes.
    fn made(&mut self, key: &GroupKey, group: &SurveyedGroup) -> PlannedGroup {
        let name = key.name();
        let wanted = names::code(name);
        let has_code = matches!(key, GroupKey::Code(_));
        let is_free = |code: &String| {
            !self.used.contains(code) && (has_code || !self.existing.contains_key(code.as_str()))
        };
        let numbered = (2..).map(|number| names::numbered(&wanted, number));
        let mut codes = std::iter::once(wanted.clone()).chain(numbered);
        let code = codes
            .find(is_free)
            .expect("there are more numbers than groups");
        let taken = (code != wanted).then_some(wanted);
        match has_code {
            true => self.of_source(code, key, group, taken),
            false => self.plan(code, described(name), taken),
        }
    }

    /// A group of which the source has a code: it gets the description of the source, if that has
    /// one.
    fn of_source(
        &mut self,
        code: String,
        key: &GroupKey,
        group: &SurveyedGroup,
        taken: Option<String>,
    ) -> PlannedGroup {
        let name = key.name();
        let existing = self.existing.get(code.as_str()).copied();
        let description = group.description.as_deref().or(existing).unwrap_or(name);
        let description = described(description);
        self.plan(code, description, taken)
    }

    fn plan(&mut self, code: String, description: String, taken: Option<String>) -> PlannedGroup {
        self.used.insert(code.clone());
        PlannedGroup {
            exists: self.existing.contains_key(code.as_str()),
            code,
            description,
            taken,
        }
    }
}

fn checked(name: &str, code: &str) -> Result<String, Error> {
    let code = code.parse::<Code>().map(String::from);
    code.map_err(|invalid: InvalidValue| Error::Input(format!("the code of `{name}` {invalid}")))
}

/// A name as a description.
fn described(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|it| if it.is_control() { ' ' } else { it })
        .collect();
    name.trim().chars().take(MAX_DESCRIPTION).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::import::columns::CsvRow;

    fn surveyed(description: Option<&str>) -> SurveyedGroup {
        SurveyedGroup {
            description: description.map(str::to_owned),
            memberships: 1,
            row: CsvRow {
                file: 0,
                line: 1,
                bytes: 0,
                record: csv::ByteRecord::new(),
                problem: None,
            },
        }
    }

    fn existing(groups: &[(&str, &str)]) -> Vec<MailingGroup> {
        let group = |(code, description): &(&str, &str)| MailingGroup {
            code: (*code).to_owned(),
            description: (*description).to_owned(),
            ..MailingGroup::default()
        };
        groups.iter().map(group).collect()
    }

    /// The codes of names, in the order of the names.
    fn codes(names: &[&str], chosen: &[(&str, &str)], tenant: &[(&str, &str)]) -> Vec<String> {
        let groups = names
            .iter()
            .map(|it| (GroupKey::Name((*it).to_owned()), surveyed(None)));
        let owned = |(name, code): &(&str, &str)| ((*name).to_owned(), (*code).to_owned());
        let chosen = chosen.iter().map(owned).collect();
        let planned = assign(&groups.collect(), &chosen, &existing(tenant)).expect("valid");
        planned.into_values().map(|it| it.code).collect()
    }

    #[test]
    fn a_name_keeps_its_code_and_a_clash_gets_a_number() {
        let names = ["Newsletter Austria", "Newsletter Africa", "VIP"];
        let first = codes(&names, &[], &[]);
        assert_eq!(first, ["NEWSLETTERA", "NEWSLETTER2", "VIP"]);
        // The order is that of the names: Africa, Austria.
        let tenant = [
            ("NEWSLETTERA", "Newsletter Africa"),
            ("NEWSLETTER2", "Newsletter Austria"),
        ];
        assert_eq!(
            codes(&names, &[], &tenant),
            ["NEWSLETTERA", "NEWSLETTER2", "VIP"]
        );
        // More names later, and a renamed group.
        let tenant = [("NEWS", "Newsletter Africa"), ("VIP", "Very important")];
        let more = ["Newsletter Aachen", "Newsletter Africa", "VIP"];
        assert_eq!(codes(&more, &[], &tenant), ["NEWSLETTERA", "NEWS", "VIP2"]);
    }

    #[test]
    fn the_mapping_chooses_codes() {
        let tenant = [("VIP", "Very important")];
        let chosen = [("VIP", "vip"), ("Press", "vip")];
        assert_eq!(codes(&["Press", "VIP"], &chosen, &tenant), ["VIP", "VIP"]);
        let groups = BTreeMap::from([(GroupKey::Name("A".to_owned()), surveyed(None))]);
        let chosen = BTreeMap::from([("A".to_owned(), "A-B".to_owned())]);
        let refused = assign(&groups, &chosen, &[])
            .expect_err("refused")
            .to_string();
        assert!(
            refused.contains("the code of `A` may hold letters and digits only"),
            "{refused}"
        );
    }

    #[test]
    fn codes_of_a_source_are_kept_where_they_are_valid() {
        let groups = BTreeMap::from([
            (
                GroupKey::Code("X-CARD".to_owned()),
                surveyed(Some("Christmas cards")),
            ),
            (GroupKey::Code("xcard".to_owned()), surveyed(None)),
            (GroupKey::Code("X-GIFT".to_owned()), surveyed(None)),
        ]);
        let tenant = existing(&[("XGIFT", "Gifts"), ("XCARD", "Cards")]);
        let planned = assign(&groups, &BTreeMap::new(), &tenant).expect("valid");
        let planned: Vec<_> = planned
            .values()
            .map(|it| (it.code.as_str(), it.description.as_str(), it.exists))
            .collect();
        let expected = [
            ("XCARD2", "Christmas cards", false),
            ("XGIFT", "Gifts", true),
            ("XCARD", "Cards", true),
        ];
        assert_eq!(planned, expected);
    }
}
