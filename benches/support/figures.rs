//! Figures of several rounds: their middle and their spread.

use std::time::Duration;

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Calls, transactions or rows a second.
    PerSecond,
    /// Seconds.
    Seconds,
}

/// One figure a round, in the order of the rounds.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    pub(crate) unit: Unit,
    pub(crate) rounds: Vec<f64>,
}

impl Figures {
    pub(crate) fn new(unit: Unit) -> Self {
        let rounds = Vec::new();
        Self { unit, rounds }
    }

    pub(crate) fn push(&mut self, figure: f64) {
        self.rounds.push(figure);
    }

    pub(crate) fn median(&self) -> f64 {
        middle(&self.rounds)
    }

    /// The median, and in brackets the minimum and the maximum.
    pub(crate) fn show(&self) -> String {
        let (least, most) = spread(&self.rounds);
        let show = |figure| match self.unit {
            Unit::PerSecond => grouped(figure),
            Unit::Seconds => time(Duration::from_secs_f64(figure)),
        };
        let unit = match self.unit {
            Unit::PerSecond => "/s",
            Unit::Seconds => "",
        };
        let (middle, least, most) = (show(self.median()), show(least), show(most));
        format!("{middle}{unit} ({least}–{most})")
    }

    /// This over `other`, round by round.
    pub(crate) fn over(&self, other: &Self) -> Vec<f64> {
        let pairs = self.rounds.iter().zip(&other.rounds);
        pairs.map(|(a, b)| a / b).collect()
    }
}

/// The median; of an even number the higher of the two.
pub(crate) fn middle(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The minimum and the maximum.
pub(crate) fn spread(figures: &[f64]) -> (f64, f64) {
    let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let most = figures.iter().copied().fold(0.0, f64::max);
    (least, most)
}

/// A whole number with a comma every three digits.
pub(crate) fn grouped(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A quantile of some times, in seconds.
pub(crate) fn quantile(times: &[Duration], quantile: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let at = (sorted.len() as f64 * quantile) as usize;
    let time = sorted.get(at.min(sorted.len().saturating_sub(1)));
    time.map_or(f64::NAN, Duration::as_secs_f64)
}

/// A duration with the unit that suits it.
pub(crate) fn time(duration: Duration) -> String {
    match duration.as_secs_f64() {
        seconds if seconds < 0.001 => format!("{:.0} µs", seconds * 1e6),
        seconds if seconds < 1.0 => format!("{:.1} ms", seconds * 1e3),
        seconds => format!("{seconds:.2} s"),
    }
}
