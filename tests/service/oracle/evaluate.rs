//! The oracle: an expression as one SQL query over the tables.

use mailing_groups::{
    model::{
        ContactKind, Expression,
        expression::{Node, Operand, Term, ValueMatch},
    },
    pb::SelectionOptions,
};

use super::Answer;
use crate::support::Sql;

/// What an expression selects, at the revision that the same snapshot shows.
pub(super) async fn evaluate(
    sql: &Sql,
    tenant: &str,
    expression: &Expression,
    options: SelectionOptions,
) -> Answer {
    let tenant_id = sql.tenant_id(tenant).await;
    let query = query(tenant_id, expression.root(), options);
    // One row for the revision and one a contact; the snapshot of one statement is one.
    let rows = sql.rows(&query, &[]).await;
    let count = |column: &str| rows.iter().filter(|row| row.get::<_, bool>(column)).count();
    let mut answer = Answer {
        revision: 0,
        ids: Vec::new(),
        companies: 0,
        excluded: i64::try_from(count("excluded")).unwrap(),
        privacy_blocked: i64::try_from(count("blocked")).unwrap(),
    };
    for row in &rows {
        answer.revision = row.get("revision");
        let dropped = row.get::<_, bool>("excluded") || row.get::<_, bool>("blocked");
        if let (Some(id), false) = (row.get::<_, Option<String>>("id"), dropped) {
            answer.ids.push(id);
            answer.companies += i64::from(row.get::<_, i16>("kind") == 1);
        }
    }
    answer
}

fn query(tenant_id: i32, root: &Node, options: SelectionOptions) -> String {
    let SelectionOptions {
        expand_companies,
        include_related_companies,
        include_excluded,
        include_privacy_blocked,
    } = options;
    let matches = condition(root);
    format!(
        "WITH everyone AS (SELECT * FROM contacts WHERE tenant_id = {tenant_id}), \
         matched AS (SELECT * FROM everyone c WHERE {matches}), \
         reached AS ( \
             SELECT contact_number FROM matched \
             UNION SELECT other.contact_number FROM matched m JOIN everyone other \
                 ON coalesce(m.company_id, CASE m.kind WHEN 1 THEN m.id END) \
                     = coalesce(other.company_id, CASE other.kind WHEN 1 THEN other.id END) \
                 WHERE {expand_companies} \
             UNION SELECT company.contact_number FROM matched m JOIN everyone company \
                 ON company.id = m.company_id WHERE {include_related_companies}), \
         judged AS (SELECT e.*, privacy_blocked AND NOT {include_privacy_blocked} AS blocked \
             FROM everyone e JOIN reached USING (contact_number)) \
         SELECT clocks.revision, j.id, coalesce(j.kind, 0::smallint) AS kind, \
             coalesce(j.blocked, false) AS blocked, \
             coalesce(j.exclude_from_segments AND NOT {include_excluded} AND NOT j.blocked, false) \
                 AS excluded \
         FROM clocks LEFT JOIN judged j ON true WHERE clocks.tenant_id = {tenant_id} \
         ORDER BY j.contact_number"
    )
}

/// An expression as a condition on a contact `c`.
fn condition(node: &Node) -> String {
    let join = |parts: &[Node], word: &str| {
        let parts: Vec<_> = parts.iter().map(condition).collect();
        format!("({})", parts.join(word))
    };
    match node {
        Node::Operand(operand) => term(operand),
        Node::Not(part) => format!("(NOT {})", condition(part)),
        Node::All(parts) => join(parts, " AND "),
        Node::Any(parts) => join(parts, " OR "),
    }
}

fn term(operand: &Operand) -> String {
    match &operand.term {
        Term::Everyone => "true".to_owned(),
        Term::Kind(ContactKind::Company) => "(c.kind = 1)".to_owned(),
        Term::Kind(ContactKind::Person) => "(c.kind = 2)".to_owned(),
        Term::Company(id) => {
            format!("(c.id = '{id}' OR coalesce(c.company_id = '{id}', false))")
        }
        Term::Email(email) => format!("(lower(c.email) = lower('{email}'))"),
        Term::Code(code) => has_group(&format!("g.code = '{code}'")),
        Term::Pattern(pattern) => {
            let regex = pattern.to_string().replace('*', ".*").replace('?', ".");
            has_group(&format!("g.code ~ '^{regex}$'"))
        }
        Term::Attribute(test) => {
            let value = format!("c.attributes ->> '{}'", test.key);
            let is = |it: &ValueMatch| format!("coalesce({value} ~ '{}', false)", regex(it));
            let any: Vec<_> = test.values.iter().map(is).collect();
            format!("({})", any.join(" OR "))
        }
        Term::Segment(id) => panic!("the tables know no segment {id}"),
    }
}

/// A value as it is printed, in quotes and with escapes, as a regular expression.
fn regex(value: &ValueMatch) -> String {
    let printed = value.to_string();
    let mut characters = printed[1..printed.len() - 1].chars();
    let mut regex = "^".to_owned();
    while let Some(character) = characters.next() {
        match character {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '\\' => regex.extend(['\\', characters.next().unwrap()]),
            other if other.is_alphanumeric() => regex.push(other),
            other => regex.extend(['\\', other]),
        }
    }
    regex + "$"
}

fn has_group(condition: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM memberships m JOIN mailing_groups g USING (tenant_id, group_id) \
         WHERE m.tenant_id = c.tenant_id AND m.contact_number = c.contact_number AND {condition})"
    )
}
