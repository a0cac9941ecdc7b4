//! Segments and saved criteria in memory.

use mailing_groups::pb::{ContactKind, SelectionOptions};

use super::{
    expression::Expr,
    state::{Facts, Reasons, Set, State, all, both},
};

/// How many actions can be undone.
const MAX_UNDOABLE: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Add,
    Reduce,
    Refine,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Source {
    Expression(Expr),
    Ids(Vec<String>),
}

/// An action as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Action {
    kind: Kind,
    selector: Selector,
    options: SelectionOptions,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Selector {
    Expression(Expr),
    Numbers(Set),
}

/// What an action did.
#[derive(Debug, Default)]
struct Done {
    added: usize,
    removed: usize,
    excluded: usize,
    blocked: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) description: String,
    /// The numbers in its set, of which some may be of merged and deleted contacts.
    pub(super) stored: Set,
    /// The actions, and what they changed.
    pub(super) actions: Vec<(Action, Set)>,
}

impl State {
    /// The contacts of a stored set.
    pub(super) fn resolved(&self, stored: &Set) -> Set {
        stored.iter().filter_map(|it| self.resolve(*it)).collect()
    }

    pub(super) fn segment(&self, id: &str) -> Result<&Segment, Reasons> {
        let found = self.segments.get(id);
        found.ok_or_else(|| vec!["SEGMENT_NOT_FOUND"])
    }

    pub(super) fn create_segment(&mut self, id: &str) -> Result<Facts, Reasons> {
        if self.segment(id).is_ok() {
            return Err(vec!["SEGMENT_ALREADY_EXISTS"]);
        }
        self.segments.insert(id.to_owned(), Segment::default());
        Ok(vec![])
    }

    pub(super) fn update_segment(&mut self, id: &str, text: &str) -> Result<Facts, Reasons> {
        self.segment(id)?;
        self.segments.get_mut(id).unwrap().description = text.to_owned();
        Ok(vec![])
    }

    pub(super) fn delete_segment(&mut self, id: &str) -> Result<Facts, Reasons> {
        self.segment(id)?;
        self.segments.remove(id);
        Ok(vec![])
    }

    /// Each contact's company with all its people.
    fn expanded(&self, contacts: &Set) -> Set {
        let company = |number: &u32| match self.contacts[number].kind {
            ContactKind::Company => Some(*number),
            _ => self.contacts[number].company,
        };
        let whole = contacts.iter().flat_map(|number| match company(number) {
            Some(company) => &self.people(company) | &Set::from([company]),
            None => Set::from([*number]),
        });
        whole.collect()
    }

    /// What remains of contacts by the options, and how many excluded and blocked ones do not.
    fn selected(&self, mut contacts: Set, options: SelectionOptions) -> (Set, Done) {
        if options.expand_companies {
            contacts = self.expanded(&contacts);
        }
        if options.include_related_companies {
            let related = contacts.iter().filter_map(|it| self.contacts[it].company);
            contacts.extend(related.collect::<Vec<_>>());
        }
        let mut done = Done::default();
        contacts.retain(|it| {
            let contact = &self.contacts[it];
            let blocked = contact.blocked && !options.include_privacy_blocked;
            let excluded = !blocked && contact.excluded && !options.include_excluded;
            done.blocked += usize::from(blocked);
            done.excluded += usize::from(excluded);
            !blocked && !excluded
        });
        (contacts, done)
    }

    /// Applies a recorded action to a segment.
    fn run(&mut self, id: &str, action: Action) -> Result<Done, Reasons> {
        let matched = match &action.selector {
            Selector::Expression(expression) => expression.evaluate(self)?,
            Selector::Numbers(numbers) => self.resolved(numbers),
        };
        let stored = self.segment(id)?.stored.clone();
        let members = self.resolved(&stored);
        let (selected, mut done) = self.selected(matched, action.options);
        let gone = match action.kind {
            Kind::Add => Set::new(),
            Kind::Reduce => &members & &selected,
            Kind::Refine => &members - &selected,
        };
        let changed: Set = match action.kind {
            Kind::Add => &selected - &members,
            Kind::Reduce | Kind::Refine => {
                let lost = |it: &&u32| self.resolve(**it).is_some_and(|it| gone.contains(&it));
                stored.iter().filter(lost).copied().collect()
            }
        };
        done.removed = gone.len();
        let segment = self.segments.get_mut(id).unwrap();
        if action.kind == Kind::Add {
            done.added = changed.len();
            segment.stored.extend(&changed);
        } else {
            segment.stored = &stored - &changed;
        }
        segment.actions.push((action, changed));
        Ok(done)
    }

    /// The number of members of a segment.
    fn size(&self, id: &str) -> i64 {
        self.resolved(&self.segments[id].stored).len() as i64
    }

    pub(super) fn act(
        &mut self,
        id: &str,
        kind: Kind,
        source: &Source,
        options: SelectionOptions,
    ) -> Result<Facts, Reasons> {
        let selector = match source {
            Source::Expression(it) => it.evaluate(self).map(|_| Selector::Expression(it.clone())),
            Source::Ids(ids) => all(ids.iter().map(|id| self.contact(id))).map(Selector::Numbers),
        };
        let found = self.segment(id).map(drop);
        let ((), selector) = both(found, selector)?;
        let action = Action {
            kind,
            selector,
            options,
        };
        let done = self.run(id, action)?;
        Ok(match kind {
            Kind::Add => {
                let counts = [done.added, done.excluded, done.blocked].map(|it| it as i64);
                [&[self.size(id)], &counts[..]].concat()
            }
            Kind::Reduce | Kind::Refine => vec![self.size(id), done.removed as i64],
        })
    }

    pub(super) fn go_back(&mut self, id: &str) -> Result<Facts, Reasons> {
        let segment = self.segment(id)?;
        let before = self.resolved(&segment.stored);
        let mut segment = segment.clone();
        let Some((action, changed)) = segment.actions.pop() else {
            return Err(vec!["NOTHING_TO_UNDO"]);
        };
        assert!(
            segment.actions.len() < MAX_UNDOABLE,
            "the model undoes no more"
        );
        match action.kind {
            Kind::Add => segment.stored = &segment.stored - &changed,
            Kind::Reduce | Kind::Refine => segment.stored.extend(&changed),
        }
        let after = self.resolved(&segment.stored);
        self.segments.insert(id.to_owned(), segment);
        let counts = [
            after.len(),
            (&after - &before).len(),
            (&before - &after).len(),
        ];
        Ok(counts.map(|it| it as i64).to_vec())
    }

    /// Applies a group to the members that the segment had in the state `planned`.
    pub(super) fn apply_group(
        &mut self,
        planned: &Self,
        id: &str,
        code: &str,
        replace: bool,
    ) -> Result<Facts, Reasons> {
        let (segment, group) = both(planned.segment(id), planned.group(code))?;
        if !self.groups.contains_key(&group) {
            return Err(vec!["MAILING_GROUP_NOT_FOUND"]);
        }
        let mut wanted = planned.resolved(&segment.stored);
        wanted.retain(|it| self.contacts.contains_key(it));
        let present = self.members_of(group);
        let (added, removed) = (&wanted - &present, &present - &wanted);
        self.members.extend(added.iter().map(|it| (group, *it)));
        let counts = match replace {
            true => {
                self.members
                    .retain(|it| it.0 != group || wanted.contains(&it.1));
                [added.len(), removed.len()]
            }
            false => [added.len(), 0],
        };
        Ok(counts.map(|it| it as i64).to_vec())
    }

    pub(super) fn save(&mut self, id: &str, code: &str) -> Result<Facts, Reasons> {
        let mut reasons = Vec::new();
        if self.criteria.contains_key(code) {
            reasons.push("SAVED_CRITERIA_ALREADY_EXISTS");
        }
        let segment = self.segment(id);
        if segment.as_ref().is_ok_and(|it| it.actions.is_empty()) {
            reasons.push("SEGMENT_HAS_NO_ACTIONS");
        }
        let (segment, ()) = both(segment, super::state::unless(reasons))?;
        let actions: Vec<_> = segment.actions.iter().map(|it| it.0.clone()).collect();
        let count = actions.len() as i64;
        self.criteria.insert(code.to_owned(), actions);
        Ok(vec![count])
    }

    pub(super) fn delete_criteria(&mut self, code: &str) -> Result<Facts, Reasons> {
        let found = self.criteria.remove(code);
        found
            .map(|_| vec![])
            .ok_or_else(|| vec!["SAVED_CRITERIA_NOT_FOUND"])
    }

    pub(super) fn replay(&mut self, code: &str, id: &str) -> Result<Facts, Reasons> {
        let actions = self.criteria.get(code).cloned();
        let actions = actions.ok_or_else(|| vec!["SAVED_CRITERIA_NOT_FOUND"]);
        let (actions, ()) = both(actions, self.segment(id).map(drop))?;
        let (mut sum, mut skipped) = ([0; 4], 0);
        let count = actions.len();
        for mut action in actions {
            if let Selector::Numbers(numbers) = &mut action.selector {
                skipped += numbers
                    .iter()
                    .filter(|it| self.resolve(**it).is_none())
                    .count();
                *numbers = self.resolved(numbers);
            }
            let done = self.run(id, action)?;
            let counts = [done.added, done.removed, done.excluded, done.blocked];
            sum.iter_mut().zip(counts).for_each(|(sum, it)| *sum += it);
        }
        let counts = [&[count], &sum[..], &[skipped]].concat();
        let counts = counts.into_iter().map(|it| it as i64);
        Ok([self.size(id)].into_iter().chain(counts).collect())
    }
}
