//! What the callers were told, done again in memory in the order of the revisions.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    calls::Call,
    state::{Facts, State},
};

/// A call and its answer.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) call: Call,
    /// A revision that the tenant had reached before the call.
    pub(super) after: i64,
    /// The revision that the tenant cannot have passed when the call ended.
    pub(super) until: i64,
    /// Revision and facts, or the reason of the error.
    pub(super) answer: Result<(i64, Facts), String>,
}

/// The states at all revisions so far. A revision has several if an answer fits several effects:
/// that of ApplyMailingGroup counts contacts, and does not say at which revision it found them.
pub(super) struct History(BTreeMap<i64, Vec<State>>);

impl History {
    pub(super) fn new() -> Self {
        Self(BTreeMap::from([(0, vec![State::default()])]))
    }

    /// The last revision and its states.
    pub(super) fn last(&self) -> (i64, &[State]) {
        let (revision, states) = self.0.last_key_value().unwrap();
        (*revision, states)
    }

    /// Keeps those of the last states that are as observed.
    pub(super) fn keep(&mut self, as_observed: impl FnMut(&State) -> bool) {
        let mut last = self.0.last_entry().unwrap();
        last.get_mut().retain(as_observed);
    }

    /// Adds what happened since.
    pub(super) fn replay(&mut self, records: Vec<Record>) {
        let (done, refused): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|it| it.answer.is_ok());
        let mut by_revision = BTreeMap::<i64, Vec<Record>>::new();
        for record in done {
            let revision = record.answer.as_ref().unwrap().0;
            by_revision.entry(revision).or_default().push(record);
        }
        for (revision, records) in by_revision {
            self.commit(revision, &records);
        }
        for record in &refused {
            let known = self.0.range(record.after..=record.until);
            let known = known.flat_map(|(_, states)| states);
            let found: BTreeSet<_> = known.flat_map(|it| reasons(&record.call, it)).collect();
            let reason = record.answer.as_ref().unwrap_err().as_str();
            assert!(found.contains(reason), "{record:?}: {found:?}");
        }
    }

    /// Applies the calls that were answered with one revision.
    fn commit(&mut self, revision: i64, records: &[Record]) {
        let (last, before) = self.last();
        assert!(
            revision <= last + 1,
            "no gap before {revision}: {records:?}"
        );
        let mut after: Vec<State> = Vec::new();
        for state in before {
            let fitting = self.fitting(state, records);
            let made = fitting
                .into_iter()
                .filter(|it| (it != state) == (revision > last));
            for state in made {
                if !after.contains(&state) {
                    after.push(state);
                }
            }
        }
        let now = || {
            records
                .iter()
                .map(|it| it.call.apply(&mut before[0].clone(), &before[0]))
        };
        assert!(
            !after.is_empty(),
            "revision {revision}: {records:?}, not {:?}",
            now().collect::<Vec<_>>()
        );
        self.0.insert(revision, after);
    }

    /// The states after the calls: those that change something, in an order that fits their
    /// answers, and then those that change nothing. Several orders are possible if a call would change
    /// something now and nothing after another one: CreateContact, and UpdateContact that allows for a
    /// missing contact.
    fn fitting(&self, state: &State, open: &[Record]) -> Vec<State> {
        for (at, record) in open.iter().enumerate() {
            let mut next = self.next(record, state);
            next.retain(|it| it != state);
            if !next.is_empty() {
                let rest = [&open[..at], &open[at + 1..]].concat();
                let last = next.iter().flat_map(|it| self.fitting(it, &rest));
                let last: Vec<State> = last.collect();
                if !last.is_empty() {
                    return last;
                }
            }
        }
        match open.iter().all(|it| self.next(it, state).contains(state)) {
            true => vec![state.clone()],
            false => vec![],
        }
    }

    /// The states after a call that its answer fits.
    fn next(&self, record: &Record, state: &State) -> Vec<State> {
        let facts = &record.answer.as_ref().unwrap().1;
        let earlier = self.0.range(record.after..).flat_map(|it| it.1);
        let planned: Vec<_> = match record.call {
            Call::Apply { .. } => [state].into_iter().chain(earlier).collect(),
            _ => vec![state],
        };
        let after = planned.into_iter().filter_map(|planned| {
            let mut next = state.clone();
            let answer = record.call.apply(&mut next, planned);
            (answer.as_ref() == Ok(facts)).then_some(next)
        });
        after.collect()
    }
}

/// Why a call is refused in this state.
fn reasons(call: &Call, state: &State) -> Vec<&'static str> {
    let refused = call.apply(&mut state.clone(), state);
    refused.err().unwrap_or_default()
}
