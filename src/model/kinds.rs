//! The kinds that the database keeps as numbers, each with its number.

use std::fmt;

use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue},
    serialize::{self, Output, ToSql},
    sql_types::SmallInt,
};
use serde::{Deserialize, Serialize};

/// Defines an enum that the database keeps as a `smallint`. SQL texts of the store name a variant
/// as `@Variant`, so the numbers stand here only.
macro_rules! pg_enum {
    ($(#[$doc:meta])* $vis:vis enum $name:ident {
        $($(#[$variant_doc:meta])* $variant:ident = $number:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, AsExpression, FromSqlRow,
        )]
        #[diesel(sql_type = SmallInt)]
        #[repr(i16)]
        $vis enum $name {
            $($(#[$variant_doc])* $variant = $number,)*
        }

        impl $name {
            const ALL: &[(&str, Self)] = &[$((stringify!($variant), Self::$variant),)*];

            /// The number in the database.
            pub(crate) fn number(self) -> i16 {
                self as i16
            }
        }

        impl ToSql<SmallInt, Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                <i16 as ToSql<SmallInt, Pg>>::to_sql(&self.number(), &mut out.reborrow())
            }
        }

        impl FromSql<SmallInt, Pg> for $name {
            fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
                let number = i16::from_sql(bytes)?;
                let found = Self::ALL.iter().find(|(_, kind)| kind.number() == number);
                match found {
                    Some((_, kind)) => Ok(*kind),
                    None => Err(format!("unknown {} {number}", stringify!($name)).into()),
                }
            }
        }
    };
}

pg_enum! {
    /// What a contact is. The numbers are also those of the wire.
    pub enum ContactKind {
        /// A company.
        Company = 1,
        /// A person.
        Person = 2,
    }
}

pg_enum! {
    /// What an entry of the change log records. Changes of one revision apply in this order.
    pub(crate) enum ChangeKind {
        GroupCreated = 1,
        GroupRenamed = 2,
        GroupUpdated = 3,
        ContactsCreated = 4,
        ContactsUpdated = 5,
        MembersAdded = 6,
        MembersRemoved = 7,
        ContactsDeleted = 8,
        GroupDeleted = 9,
        SegmentCreated = 10,
        SegmentUpdated = 11,
        SegmentDeleted = 12,
        CriteriaSaved = 13,
        CriteriaDeleted = 14,
    }
}

pg_enum! {
    /// What an action on a segment does. The numbers are also those of the wire.
    pub(crate) enum ActionKind {
        /// Adds the contacts that match.
        Add = 1,
        /// Removes the members that match.
        Reduce = 2,
        /// Keeps only the members that match.
        Refine = 3,
    }
}

pg_enum! {
    /// What an import uploads.
    pub(crate) enum ImportKind {
        Contacts = 1,
        Memberships = 2,
    }
}

/// The number of the variant that SQL texts name as `@name`.
pub(crate) fn number_in_sql(name: &str) -> Option<i16> {
    fn find<K: Copy>(all: &[(&str, K)], name: &str) -> Option<K> {
        all.iter()
            .find(|(it, _)| *it == name)
            .map(|(_, kind)| *kind)
    }
    find(ContactKind::ALL, name)
        .map(ContactKind::number)
        .or_else(|| find(ChangeKind::ALL, name).map(ChangeKind::number))
        .or_else(|| find(ActionKind::ALL, name).map(ActionKind::number))
        .or_else(|| find(ImportKind::ALL, name).map(ImportKind::number))
}

impl fmt::Display for ContactKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Company => "COMPANY",
            Self::Person => "PERSON",
        })
    }
}

/// The resource that a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeTopic {
    MailingGroups,
    Contacts,
    Memberships,
    Segments,
    SavedCriteria,
}

/// What a change does to the contacts that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContactsChange {
    Created,
    Updated,
    Deleted,
}

/// Which cached sets a change affects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct AffectedSets {
    /// The codes of all groups.
    pub(crate) codes: bool,
    /// The sets over all contacts: companies, persons, marks.
    pub(crate) contacts: Option<ContactsChange>,
    /// The members of the group.
    pub(crate) members: bool,
    /// The members of the segment.
    pub(crate) segment: bool,
}

impl ChangeKind {
    /// Every kind.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Self::ALL.iter().map(|(_, kind)| *kind)
    }

    /// The resource that the change is about.
    pub(crate) fn topic(self) -> ChangeTopic {
        match self {
            Self::GroupCreated | Self::GroupRenamed | Self::GroupUpdated | Self::GroupDeleted => {
                ChangeTopic::MailingGroups
            }
            Self::ContactsCreated | Self::ContactsUpdated | Self::ContactsDeleted => {
                ChangeTopic::Contacts
            }
            Self::MembersAdded | Self::MembersRemoved => ChangeTopic::Memberships,
            Self::SegmentCreated | Self::SegmentUpdated | Self::SegmentDeleted => {
                ChangeTopic::Segments
            }
            Self::CriteriaSaved | Self::CriteriaDeleted => ChangeTopic::SavedCriteria,
        }
    }

    /// Whether the entry names a group by its code.
    pub(crate) fn names_group(self) -> bool {
        match self.topic() {
            ChangeTopic::MailingGroups | ChangeTopic::Memberships => true,
            ChangeTopic::Contacts | ChangeTopic::Segments | ChangeTopic::SavedCriteria => false,
        }
    }

    /// Which cached sets the change affects.
    pub(crate) fn affected_sets(self) -> AffectedSets {
        let none = AffectedSets::default();
        let contacts = |change| AffectedSets {
            contacts: Some(change),
            ..none
        };
        match self {
            Self::GroupCreated | Self::GroupRenamed => AffectedSets {
                codes: true,
                ..none
            },
            Self::GroupDeleted => AffectedSets {
                codes: true,
                members: true,
                ..none
            },
            Self::ContactsCreated => contacts(ContactsChange::Created),
            Self::ContactsUpdated => contacts(ContactsChange::Updated),
            Self::ContactsDeleted => contacts(ContactsChange::Deleted),
            Self::MembersAdded | Self::MembersRemoved => AffectedSets {
                members: true,
                ..none
            },
            Self::SegmentCreated | Self::SegmentUpdated | Self::SegmentDeleted => AffectedSets {
                segment: true,
                ..none
            },
            Self::GroupUpdated | Self::CriteriaSaved | Self::CriteriaDeleted => none,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_texts_name_variants() {
        assert_eq!(number_in_sql("Person"), Some(2));
        assert_eq!(number_in_sql("ContactsDeleted"), Some(8));
        assert_eq!(number_in_sql("Nothing"), None);
    }

    #[test]
    fn names_of_variants_are_unique() {
        let mut names: Vec<&str> = Vec::new();
        names.extend(ContactKind::ALL.iter().map(|(name, _)| *name));
        names.extend(ChangeKind::ALL.iter().map(|(name, _)| *name));
        names.extend(ActionKind::ALL.iter().map(|(name, _)| *name));
        names.extend(ImportKind::ALL.iter().map(|(name, _)| *name));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
