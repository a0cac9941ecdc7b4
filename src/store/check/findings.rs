//! What a check found.

/// How many examples of a finding are kept.
const MAX_EXAMPLES: usize = 10;

/// A rule that holds in every sound database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invariant {
    /// A short name.
    pub name: &'static str,
    /// The rule.
    pub rule: &'static str,
}

/// A rule that does not hold.
#[derive(Debug)]
pub struct Finding {
    /// The rule.
    pub invariant: Invariant,
    /// How often it does not hold.
    pub count: u64,
    /// The first places where it does not.
    pub examples: Vec<String>,
}

/// The findings of a check.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// Adds a place where a rule does not hold.
    pub(super) fn add(&mut self, invariant: Invariant, place: String) {
        let at = self.0.iter().position(|it| it.invariant == invariant);
        let at = at.unwrap_or_else(|| {
            self.0.push(Finding {
                invariant,
                count: 0,
                examples: Vec::new(),
            });
            self.0.len() - 1
        });
        let finding = &mut self.0[at];
        finding.count += 1;
        if finding.examples.len() < MAX_EXAMPLES {
            finding.examples.push(place);
        }
    }
}

impl From<Findings> for Vec<Finding> {
    fn from(findings: Findings) -> Self {
        findings.0
    }
}
