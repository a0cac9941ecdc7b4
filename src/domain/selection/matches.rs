//! The groups that an expression names or matches.

use std::collections::{HashMap, HashSet};

use super::error::{MAX_MATCHED_GROUPS, SelectionFault};
use crate::{
    domain::cache::Groups,
    model::{Expression, expression::Term},
};

/// The groups that the distinct terms of an expression name or match.
#[derive(Default)]
pub(super) struct MatchedGroups(HashMap<Term, Vec<i32>>);

impl MatchedGroups {
    /// Matches the terms with all groups.
    pub(super) fn find(groups: &Groups, expression: &Expression) -> Result<Self, SelectionFault> {
        let mut found: HashMap<Term, Vec<i32>> = HashMap::new();
        let mut matched = 0;
        for operand in expression.operands() {
            if found.contains_key(&operand.term) {
                continue;
            }
            let ids = match &operand.term {
                Term::Code(code) => groups.get(code).copied().into_iter().collect(),
                Term::Pattern(pattern) => {
                    let all = groups.iter();
                    let matching = all.filter(|(code, _)| pattern.matches(code.as_str()));
                    let ids: Vec<i32> = matching.map(|(_, id)| *id).collect();
                    matched += ids.len();
                    if matched > MAX_MATCHED_GROUPS {
                        let (pattern, position) = (pattern.clone(), operand.position);
                        return Err(SelectionFault::TooManyGroups { pattern, position });
                    }
                    ids
                }
                Term::Everyone
                | Term::Kind(_)
                | Term::Company(_)
                | Term::Email(_)
                | Term::Segment(_)
                | Term::Attribute(_) => continue,
            };
            found.insert(operand.term.clone(), ids);
        }
        Ok(Self(found))
    }

    /// The groups of a term.
    pub(super) fn groups(&self, term: &Term) -> &[i32] {
        self.0.get(term).map_or(&[], Vec::as_slice)
    }

    /// The groups of all terms, each once.
    pub(super) fn distinct(&self) -> HashSet<i32> {
        self.0.values().flatten().copied().collect()
    }

    /// The number of groups, counted with each term.
    pub(super) fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Code;

    fn groups(count: i32) -> Groups {
        let code = |n: i32| (format!("W{n}").parse::<Code>().expect("a code"), n);
        (1..=count).map(code).collect()
    }

    fn find(count: i32, text: &str) -> Result<MatchedGroups, SelectionFault> {
        MatchedGroups::find(&groups(count), &text.parse().expect("an expression"))
    }

    #[test]
    fn each_distinct_term_is_matched_once() {
        let text = vec!["W*"; 256].join(" OR ");
        assert_eq!(find(1_000, &text).expect("few").len(), 1_000);
        let found = find(30, "W? OR W1* AND W5 OR NONE* OR W?").expect("few");
        assert_eq!(found.len(), 9 + 11 + 1);
        assert_eq!(found.distinct().len(), 9 + 10);
    }

    #[test]
    fn the_wildcards_of_an_expression_match_a_bounded_number_of_groups() {
        let few = i32::try_from(MAX_MATCHED_GROUPS / 2).expect("few");
        assert!(find(few, "W* OR W?* OR W1").is_ok());
        let error = find(few + 1, "W* OR W?*").err().expect("too many");
        assert!(
            matches!(&error, SelectionFault::TooManyGroups { position: 7, pattern }
                if pattern.to_string() == "W?*"),
            "{error}"
        );
    }
}
