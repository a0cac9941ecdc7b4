//! The spans of statements in traces. They name what a statement does to which tables, and have
//! neither its text nor its parameters.

use std::{
    collections::VecDeque,
    fmt::{self, Write},
};

use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use tracing::{Span, field::Empty};

use crate::telemetry::{TRACES, is_tracing};

/// The tables. Only these names, and those of verbs, are in a summary.
pub(super) const TABLES: [&str; 18] = [
    "changes",
    "clocks",
    "contact_attributes",
    "contacts",
    "deleted_tenants",
    "former_codes",
    "import_rejections",
    "imports",
    "mailing_groups",
    "memberships",
    "merged_contacts",
    "requests",
    "revisions",
    "saved_criteria",
    "saved_criteria_actions",
    "segment_actions",
    "segments",
    "tenants",
];

/// What a statement can do; one that writes is named by that.
const WRITES: [&str; 3] = ["INSERT", "UPDATE", "DELETE"];
const VERBS: [&str; 7] = [
    "SELECT", "BEGIN", "COMMIT", "ROLLBACK", "SET", "LOCK", "VALUES",
];

/// So much of a statement is looked at. Parameters follow its text.
const MAX_TEXT: usize = 16 << 10;

/// Makes a connection report its statements, if there is a collector.
pub(super) fn traced(mut connection: AsyncPgConnection) -> AsyncPgConnection {
    restart_trace(&mut connection);
    connection
}

/// As [`traced`], for a connection whose statement was given up.
pub(super) fn restart_trace(connection: &mut AsyncPgConnection) {
    if is_tracing() {
        connection.set_instrumentation(StatementSpans::default());
    }
}

/// The statements that a connection runs, in the order in which they were sent and will end.
#[derive(Default)]
struct StatementSpans(VecDeque<Span>);

impl Instrumentation for StatementSpans {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { query, .. } => {
                let mut text = StatementText(String::new());
                // Ends with an error where the text is long enough.
                let _ = write!(text, "{query}");
                self.0.push_back(span(&summary(&text.0)));
            }
            InstrumentationEvent::FinishQuery { error, .. } => {
                if let Some(span) = self.0.pop_front()
                    && error.is_some()
                {
                    span.record("otel.status_code", "ERROR");
                }
            }
            _ => {}
        }
    }
}

fn span(summary: &str) -> Span {
    tracing::info_span!(
        target: TRACES,
        "statement",
        otel.name = summary,
        otel.kind = "client",
        otel.status_code = Empty,
        db.system.name = "postgresql",
        db.query.summary = summary,
    )
}

/// The beginning of a statement.
struct StatementText(String);

impl Write for StatementText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() > MAX_TEXT {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// What a statement does, and its tables in the order in which it names them: `UPDATE clocks contacts`.
fn summary(text: &str) -> String {
    let text = text.split("-- binds").next().unwrap_or_default();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_word(c)).filter(|word| !word.is_empty());
    let (mut verb, mut write, mut before) = ("", None, "");
    let mut tables: Vec<&str> = Vec::new();
    for word in words {
        let known = |names: &[&'static str]| names.iter().find(|it| **it == word).copied();
        // A row is locked FOR UPDATE, and DO UPDATE belongs to INSERT.
        let is_clause = ["FOR", "KEY", "DO", "ON"].contains(&before);
        if let Some(found) = known(&WRITES).filter(|_| !is_clause) {
            write = write.or(Some(found));
        } else if let Some(found) = known(&VERBS).filter(|_| verb.is_empty()) {
            verb = found;
        } else if let Some(table) = known(&TABLES).filter(|it| !tables.contains(it)) {
            tables.push(table);
        }
        before = word;
    }
    let verb = match write.unwrap_or(verb) {
        "" => "statement",
        verb => verb,
    };
    [&[verb], &*tables].concat().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_named_by_what_it_does_to_which_tables() {
        for (text, expected) in [
            (
                r#"SELECT "contacts"."id" FROM "contacts" WHERE "contacts"."id" = $1 -- binds: ["DELETE tenants"]"#,
                "SELECT contacts",
            ),
            (
                "WITH a AS (SELECT 1 FROM clocks FOR UPDATE), b AS (INSERT INTO memberships SELECT 1 \
                 ON CONFLICT DO UPDATE SET x = 1) SELECT 'Jane Doe' FROM a, b",
                "INSERT clocks memberships",
            ),
            ("SELECT 1 FROM clocks FOR NO KEY UPDATE", "SELECT clocks"),
            ("BEGIN", "BEGIN"),
            ("unheard-of", "statement"),
        ] {
            assert_eq!(summary(text), expected);
        }
    }

    #[test]
    fn all_tables_are_known() {
        let schema = include_str!("../schema.rs");
        let heads = schema.lines().filter_map(|line| line.strip_suffix(") {"));
        let tables: Vec<_> = heads.filter_map(|head| head.split_once(" (")).collect();
        let tables: Vec<_> = tables.iter().map(|(name, _)| name.trim()).collect();
        assert_eq!(tables, TABLES);
    }
}
