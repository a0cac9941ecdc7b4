//! Statements written as SQL that are nevertheless prepared once per connection.
//!
//! `diesel::sql_query` is prepared again for every call, which doubles the cost of a short
//! statement. A [`Sql`] is cached by its text instead.

use std::marker::PhantomData;

use diesel::{
    SelectableHelper,
    dsl::{AsSelect, SqlTypeOf},
    expression::Expression,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::QueryResult,
    serialize::ToSql,
    sql_types::{Array, HasSqlType, Integer, Untyped},
};
use memchr::memchr3;

use crate::model::{TenantId, kinds::number_in_sql};

/// A SQL text with parameters `$1`, `$2`, … and kinds `@Company`, `@MembersAdded`, … (see
/// [`number_in_sql`]). A parameter in several places is sent once for each.
pub(super) struct Sql {
    text: &'static str,
    binds: Vec<Box<dyn Bind + Send>>,
}

/// A statement of this text; parameters follow with [`Sql::bind`].
pub(super) fn sql(text: &'static str) -> Sql {
    Sql {
        text,
        binds: Vec::new(),
    }
}

impl Sql {
    /// Adds the next parameter, of the SQL type `ST`.
    pub(super) fn bind<ST, T>(mut self, value: T) -> Self
    where
        ST: Send + 'static,
        Pg: HasSqlType<ST>,
        T: ToSql<ST, Pg> + Send + 'static,
    {
        self.binds.push(Box::new(Typed(value, PhantomData::<ST>)));
        self
    }
}

/// A statement that selects columns; its text has the rest. Columns are read by position, which is
/// faster than by name for many rows.
pub(super) struct SqlSelect<C> {
    columns: C,
    rest: Sql,
}

/// A statement that selects these columns; `rest` begins with `FROM`.
pub(super) fn select<C>(columns: C, rest: Sql) -> SqlSelect<C> {
    SqlSelect { columns, rest }
}

/// A statement that selects all columns of a model.
pub(super) fn sql_of<T: SelectableHelper<Pg>>(rest: Sql) -> SqlSelect<AsSelect<T, Pg>> {
    select(T::as_select(), rest)
}

impl<C: QueryFragment<Pg>> QueryFragment<Pg> for SqlSelect<C> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        pass.push_sql("SELECT ");
        self.columns.walk_ast(pass.reborrow())?;
        pass.push_sql(" ");
        self.rest.walk_ast(pass)
    }
}

impl<C: Expression> Query for SqlSelect<C> {
    type SqlType = SqlTypeOf<C>;
}

impl<C> QueryId for SqlSelect<C> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// The rows of tenant `$1` in a table that have one of the keys `$2` in a column, as the end of a
/// `SELECT`. Each key is looked up by itself, whatever statistics the table has: `column = ANY` is
/// planned as a scan of the tenant while the table is nearly empty, and that plan stays while it grows
/// (see `assign.sql` for OFFSET). The keys stand in a sub-select, so that the statement is planned
/// once, not for each number of keys.
macro_rules! from_keys {
    ($table:literal, $column:literal $(, $rest:literal)?) => {
        concat!(
            "FROM unnest((SELECT $2)) AS i (key) CROSS JOIN LATERAL (SELECT * FROM ", $table,
            " WHERE tenant_id = $1 AND ", $column, " = i.key OFFSET 0) ", $table, $(" ", $rest)?
        )
    };
}

/// As [`from_keys`], as the end of an `UPDATE` of the table under the tenant's lock (see `assign.sql` for
/// ctid).
macro_rules! update_keys {
    ($table:literal, $column:literal) => {
        concat!(
            " FROM unnest((SELECT $2)) AS i (key) CROSS JOIN LATERAL (SELECT ctid AS location FROM ",
            $table, " WHERE tenant_id = $1 AND ", $column, " = i.key OFFSET 0) l WHERE ", $table,
            ".ctid = l.location AND ", $table, ".tenant_id = $1::float8"
        )
    };
}

pub(super) use {from_keys, update_keys};

/// A text with [`from_keys`] or [`update_keys`], for these keys; duplicate keys find a row twice.
pub(super) fn of_keys<ST, K>(text: &'static str, tenant_id: TenantId, keys: Vec<K>) -> Sql
where
    ST: Send + 'static,
    Pg: HasSqlType<ST> + HasSqlType<Array<ST>>,
    Vec<K>: ToSql<Array<ST>, Pg>,
    K: Send + 'static,
{
    sql(text)
        .bind::<Integer, _>(tenant_id)
        .bind::<Array<ST>, _>(keys)
}

/// A text after every text that starts with `prefix`, in the collation C. Every plan can use an
/// index for a range, which does not hold for `LIKE`.
pub(super) fn after_prefix(prefix: &str) -> String {
    format!("{prefix}\u{10FFFF}")
}

/// A parameter of any type.
trait Bind {
    fn push<'b>(&'b self, pass: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

struct Typed<T, ST>(T, PhantomData<ST>);

impl<T, ST> Bind for Typed<T, ST>
where
    Pg: HasSqlType<ST>,
    T: ToSql<ST, Pg>,
{
    fn push<'b>(&'b self, pass: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        pass.push_bind_param::<ST, T>(&self.0)
    }
}

impl QueryFragment<Pg> for Sql {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for part in parts(self.text) {
            match part? {
                Part::Text(text) => pass.push_sql(text),
                Part::Parameter(number) => {
                    let bind = self.binds.get(number - 1);
                    bind.ok_or_else(|| malformed("no such parameter"))?
                        .push(&mut pass)?;
                }
                Part::Kind(number) => pass.push_sql(&number.to_string()),
            }
        }
        Ok(())
    }
}

/// A part of a SQL text.
#[derive(Debug, PartialEq)]
enum Part<'t> {
    Text(&'t str),
    /// `$1`, from 1.
    Parameter(usize),
    /// `@Person`: the number of a kind.
    Kind(i16),
}

/// The parts of a SQL text, without its comments.
fn parts(text: &str) -> impl Iterator<Item = QueryResult<Part<'_>>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        while rest.starts_with("--") {
            rest = rest.find('\n').map_or("", |end| &rest[end + 1..]);
        }
        let word = |rest: &str| {
            let end = rest[1..].find(|c: char| !c.is_ascii_alphanumeric());
            end.map_or(rest.len(), |end| end + 1)
        };
        let (part, length) = match rest.as_bytes() {
            [] => return None,
            [b'$', b'1'..=b'9', ..] => {
                let end = word(rest);
                let number = rest[1..end].parse().map(Part::Parameter);
                (number.map_err(|_| malformed("no parameter number")), end)
            }
            [b'@', b'A'..=b'Z', ..] => {
                let end = word(rest);
                let number = number_in_sql(&rest[1..end]).map(Part::Kind);
                (number.ok_or_else(|| malformed("no such kind")), end)
            }
            bytes => {
                // A lone `-` or `@` only splits the text.
                let end = memchr3(b'$', b'@', b'-', &bytes[1..]);
                let end = end.map_or(rest.len(), |at| at + 1);
                (Ok(Part::Text(&rest[..end])), end)
            }
        };
        rest = &rest[length..];
        Some(part)
    })
}

fn malformed(what: &'static str) -> diesel::result::Error {
    diesel::result::Error::QueryBuilderError(what.into())
}

impl Query for Sql {
    type SqlType = Untyped;
}

impl QueryId for Sql {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_parameters_and_kinds_and_no_comments() {
        let text = "-- The contact $1.\nSELECT $1, kind = @Person -- $2\nFROM c";
        let found: Vec<_> = parts(text).map(|part| part.expect("well formed")).collect();
        let expected = [
            Part::Text("SELECT "),
            Part::Parameter(1),
            Part::Text(", kind = "),
            Part::Kind(2),
            Part::Text(" "),
            Part::Text("FROM c"),
        ];
        assert_eq!(found, expected);
        assert!(parts("kind = @Nothing").any(|part| part.is_err()));
    }
}
