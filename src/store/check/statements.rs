//! The invariants that are checked in SQL.
//!
//! A file in `store/sql/check/` holds several, each as a line `-- check name: rule` and a statement that
//! selects, as the text `found`, the places where the rule does not hold. `$1` is the tenant.

use diesel::{
    QueryableByName,
    sql_types::{Integer, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::TryStreamExt;

use super::{Findings, Invariant};
use crate::{
    model::TenantId,
    store::{QueryError, sql::sql},
};

const HEADING: &str = "-- check ";

/// A statement that checks an invariant.
pub(super) struct Statement {
    pub(super) invariant: Invariant,
    text: &'static str,
}

/// The statements for the whole database.
pub(super) fn database() -> impl Iterator<Item = Statement> {
    statements(include_str!("../sql/check/database.sql"))
}

/// The statements for a tenant.
pub(super) fn tenant(deleting: bool) -> impl Iterator<Item = Statement> {
    let content = [
        include_str!("../sql/check/state.sql"),
        include_str!("../sql/check/history.sql"),
        include_str!("../sql/check/records.sql"),
    ];
    let content = content.into_iter().filter(move |_| !deleting);
    [include_str!("../sql/check/tenant.sql")]
        .into_iter()
        .chain(content)
        .flat_map(statements)
}

fn statements(file: &'static str) -> impl Iterator<Item = Statement> {
    // What comes before the first heading describes the file.
    file.split(HEADING).skip(1).filter_map(|part| {
        let (heading, text) = part.split_once('\n')?;
        let (name, rule) = heading.split_once(": ")?;
        let invariant = Invariant { name, rule };
        Some(Statement { invariant, text })
    })
}

impl Statement {
    /// Adds the places where the rule does not hold.
    pub(super) async fn run(
        &self,
        conn: &mut AsyncPgConnection,
        tenant_id: Option<TenantId>,
        findings: &mut Findings,
    ) -> Result<(), QueryError> {
        #[derive(QueryableByName)]
        struct Place {
            #[diesel(sql_type = Text)]
            found: String,
        }
        let mut query = sql(self.text);
        if let Some(id) = tenant_id {
            query = query.bind::<Integer, _>(id);
        }
        let mut places = query.load_stream::<Place>(conn).await?;
        while let Some(place) = places.try_next().await? {
            findings.add(self.invariant, place.found);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_heading_has_a_name_of_its_own_a_rule_and_a_statement() {
        let all: Vec<_> = database().chain(tenant(false)).collect();
        assert!(all.len() > 20);
        let names: HashSet<_> = all.iter().map(|it| it.invariant.name).collect();
        assert_eq!(names.len(), all.len());
        for statement in &all {
            assert!(statement.invariant.rule.ends_with('.'));
            assert!(statement.text.contains("AS found"), "{}", statement.text);
        }
        assert_eq!(tenant(true).count(), 2);
    }
}
