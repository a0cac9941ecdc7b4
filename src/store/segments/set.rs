//! A set of contacts as bytes: a roaring bitmap in the portable format.

use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue},
    serialize::{self, IsNull, Output, ToSql},
    sql_types::Binary,
};

use crate::model::ContactSet;

/// A set as stored.
#[derive(Debug, AsExpression, FromSqlRow)]
#[diesel(sql_type = Binary)]
pub(super) struct StoredSet(ContactSet);

impl From<ContactSet> for StoredSet {
    /// Optimizes the set: runs of numbers take few bytes.
    fn from(mut set: ContactSet) -> Self {
        set.optimize();
        Self(set)
    }
}

impl From<StoredSet> for ContactSet {
    fn from(set: StoredSet) -> Self {
        set.0
    }
}

impl ToSql<Binary, Pg> for StoredSet {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        self.0.serialize_into(out)?;
        Ok(IsNull::No)
    }
}

impl FromSql<Binary, Pg> for StoredSet {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(ContactSet::deserialize_from(bytes.as_bytes())?))
    }
}
