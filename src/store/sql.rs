//! Statements written as SQL that are nevertheless prepared once per connection.
//!
//! `diesel::sql_query` is prepared anew on every call, which doubles the cost of a short
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
    sql_types::{HasSqlType, Untyped},
};

/// A fixed SQL text and its parameters `$1`, `$2`, …. A parameter may stand in several places; it
/// is then sent once for each.
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

/// A statement that selects entities: their columns and what follows. Columns are told apart by
/// their place, which is faster than by their names when there are many rows.
pub(super) struct SqlOf<T: SelectableHelper<Pg>> {
    columns: AsSelect<T, Pg>,
    rest: Sql,
}

/// The statement that selects entities by what follows their columns, from `FROM` on.
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

/// What comes after every text that starts with `prefix`, in the order of the collation C. A
/// range serves an index under every plan, which `LIKE` does not.
pub(super) fn after_prefix(prefix: &str) -> String {
    format!("{prefix}\u{10FFFF}")
}

/// A parameter, whatever its type.
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
        let mut parts = self.text.split('$');
        pass.push_sql(parts.next().unwrap_or_default());
        for part in parts {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = part.split_at(digits);
            let bind = number
                .parse()
                .ok()
                .and_then(|n: usize| self.binds.get(n.checked_sub(1)?));
            bind.ok_or(diesel::result::Error::QueryBuilderError(
                "no such parameter".into(),
            ))?
            .push(&mut pass)?;
            pass.push_sql(rest);
        }
        Ok(())
    }
}

impl Query for Sql {
    type SqlType = Untyped;
}

impl QueryId for Sql {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
