//! One line of the table: figures of both sides, round by round.

use super::progress::say;
use crate::support::{
    figures::{Figures, Unit, middle},
    report::{Aim, Row},
};

/// One comparison.
pub(crate) struct Line {
    pub(crate) row: &'static str,
    pub(crate) what: String,
    pub(crate) ours: Figures,
    pub(crate) theirs: Figures,
    pub(crate) against: String,
    pub(crate) aim: Aim,
}

impl Line {
    pub(crate) fn new(row: &'static str, what: &str, against: &str, unit: Unit, aim: Aim) -> Self {
        Self {
            row,
            what: what.to_owned(),
            ours: Figures::new(unit),
            theirs: Figures::new(unit),
            against: against.to_owned(),
            aim,
        }
    }

    /// Adds a round.
    pub(crate) fn push(&mut self, ours: f64, theirs: f64) {
        self.ours.push(ours);
        self.theirs.push(theirs);
        let Self { row, .. } = self;
        let round = self.ours.rounds.len();
        say(&format!("row {row}, round {round}: {:.2}", ours / theirs));
    }

    /// The line in the table: its ratio is the middle one of the rounds' ratios.
    pub(crate) fn row(&self) -> Row {
        Row {
            what: format!("{}. {}", self.row, self.what),
            ours: self.ours.show(),
            theirs: format!("{}, {}", self.theirs.show(), self.against),
            ratio: middle(&self.ours.over(&self.theirs)),
            rounds: Some([self.ours.clone(), self.theirs.clone()]),
            aim: self.aim,
        }
    }
}
