//! Statements written as SQL that are nevertheless prepared once per connection.
//!
//! `diesel::sql_query` is prepared again for every call, which doubles the cost of a short
//! statement. A [`Sql`] is cached by its text instead.

use std::marker::PhantomData;

use diesel::{
    SelectableHelper,
    dsl::{AsSelect, SqlTypeOf},
    expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate},
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::QueryResult,
    serialize::ToSql,
    sql_types::{Array, HasSqlType, SingleValue, Untyped},
};
use memchr::memchr3;

use crate::model::kinds::number_in_sql;

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

/// A statement that selects entities: their columns and the rest. Columns are read by position,
/// which is faster than by name for many rows.
pub(super) struct SqlOf<T: SelectableHelper<Pg>> {
    columns: AsSelect<T, Pg>,
    rest: Sql,
}

/// A statement that selects entities; `rest` begins with `FROM`.
pub(super) fn sql_of<T: SelectableHelper<Pg>>(rest: Sql) -> SqlOf<T> {
    let columns = T::as_select();
    SqlOf { columns, rest }
}

impl<T> QueryFragment<Pg> for SqlOf<T>
where
    T: SelectableHelper<Pg>,
    AsSelect<T, Pg>: QueryFragment<Pg>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        pass.push_sql("SELECT ");
        self.columns.walk_ast(pass.reborrow())?;
        pass.push_sql(" ");
        self.rest.walk_ast(pass)
    }
}

impl<T> Query for SqlOf<T>
where
    T: SelectableHelper<Pg>,
    AsSelect<T, Pg>: Expression,
{
    type SqlType = SqlTypeOf<AsSelect<T, Pg>>;
}

impl<T: SelectableHelper<Pg>> QueryId for SqlOf<T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

diesel::infix_operator!(IsAny, " = ANY ", backend: Pg);

/// Whether a column has one of these values. The planner does not see how many they are: it looks
/// each up by its key, where for thousands it might read all rows of the tenant instead.
pub(super) fn is_any<ST, C, T>(column: C, values: T) -> IsAny<C, UnseenArray<ST, T>> {
    IsAny::new(column, UnseenArray(values, PhantomData))
}

/// An array as a parameter in a sub-select.
#[derive(Debug)]
pub(super) struct UnseenArray<ST, T>(T, PhantomData<ST>);

impl<ST: SingleValue + 'static, T> Expression for UnseenArray<ST, T> {
    type SqlType = Array<ST>;
}

impl<ST: 'static, T> QueryId for UnseenArray<ST, T> {
    type QueryId = UnseenArray<ST, ()>;
}

impl<ST: SingleValue + 'static, T, Table> AppearsOnTable<Table> for UnseenArray<ST, T> {}

impl<ST: SingleValue + 'static, T, Table> SelectableExpression<Table> for UnseenArray<ST, T> {}

impl<ST, T, Grouping> ValidGrouping<Grouping> for UnseenArray<ST, T> {
    type IsAggregate = is_aggregate::Never;
}

impl<ST: 'static, T> QueryFragment<Pg> for UnseenArray<ST, T>
where
    Pg: HasSqlType<Array<ST>>,
    T: ToSql<Array<ST>, Pg>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // A sub-select alone would be compared row by row.
        pass.push_sql("(coalesce((SELECT ");
        pass.push_bind_param::<Array<ST>, T>(&self.0)?;
        pass.push_sql(")))");
        Ok(())
    }
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
