//! The parts of a mapping that depend on values: flags, groups, and which rows count.

use serde::Deserialize;

use super::values::{GroupName, MappedColumn, MappedValues};

/// A mark of contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FlagName {
    ExcludeFromSegments,
    PrivacyBlocked,
}

impl FlagName {
    pub(super) const ALL: [Self; 2] = [Self::ExcludeFromSegments, Self::PrivacyBlocked];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ExcludeFromSegments => "exclude_from_segments",
            Self::PrivacyBlocked => "privacy_blocked",
        }
    }
}

/// When a flag is set, and when it is cleared: never, unless the mapping says so.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "FlagTable")]
pub(super) struct MappedFlag {
    pub(super) flag: FlagName,
    pub(super) set_if: MappedCondition,
    pub(super) clear: Option<MappedValues>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FlagTable {
    set: FlagName,
    column: Option<MappedColumn>,
    values: Option<MappedValues>,
    filled: Option<bool>,
    file_name: Option<MappedValues>,
    clear: Option<MappedValues>,
}

impl TryFrom<FlagTable> for MappedFlag {
    type Error = &'static str;

    fn try_from(table: FlagTable) -> Result<Self, &'static str> {
        match (&table.clear, &table.column, table.filled) {
            (Some(_), None, _) => return Err("`clear` has values of a `column`"),
            (Some(_), _, Some(true)) => {
                return Err("`clear` never applies, as any value sets the flag; name its `values`");
            }
            (Some(_) | None, _, _) => {}
        }
        let condition = ConditionTable {
            column: table.column,
            values: table.values,
            filled: table.filled,
            file_name: table.file_name,
        };
        Ok(Self {
            flag: table.set,
            set_if: condition.try_into()?,
            clear: table.clear,
        })
    }
}

impl MappedFlag {
    /// A value with which one rule sets a flag, and another one clears it.
    pub(super) fn contradiction<'a>(&'a self, clearing: &Self) -> Option<&'a str> {
        let (MappedCondition::Values(set, values), Some(clear)) = (&self.set_if, &clearing.clear)
        else {
            return None;
        };
        let column = clearing.set_if.column().filter(|it| it.overlaps(set));
        let is_same = self.flag == clearing.flag && column.is_some();
        let shared = values.shared(clear).filter(|_| is_same);
        shared.map(String::as_str)
    }
}

/// A condition on a row.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "ConditionTable")]
pub(super) enum MappedCondition {
    Always,
    Values(MappedColumn, MappedValues),
    Filled(MappedColumn, bool),
    /// The file's name begins with one of these.
    FileName(MappedValues),
}

impl MappedCondition {
    pub(super) fn column(&self) -> Option<&MappedColumn> {
        match self {
            Self::Always | Self::FileName(_) => None,
            Self::Values(column, _) | Self::Filled(column, _) => Some(column),
        }
    }

    /// Whether there is no row for which both hold.
    fn excludes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Values(one, values), Self::Values(two, others)) => {
                one == two && values.shared(others).is_none()
            }
            (Self::Filled(one, is_filled), Self::Filled(two, is_other)) => {
                one == two && is_filled != is_other
            }
            (Self::Always | Self::Values(..) | Self::Filled(..) | Self::FileName(_), _) => false,
        }
    }

    /// Whether the other one holds for each row for which this one does.
    fn implies(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Values(one, values), Self::Values(two, others)) => {
                one == two && values.0.iter().all(|it| others.has(it))
            }
            _ => self == other,
        }
    }
}

/// Says that no row can fulfil the conditions.
pub(super) fn check_conditions(
    only: &[MappedCondition],
    except: &[MappedCondition],
) -> Result<(), &'static str> {
    let pairs = only
        .iter()
        .flat_map(|one| only.iter().map(move |it| (one, it)));
    if pairs.into_iter().any(|(one, other)| one.excludes(other)) {
        return Err("`only` leaves out all rows: two of its conditions exclude each other");
    }
    match only
        .iter()
        .any(|it| except.iter().any(|other| it.implies(other)))
    {
        true => Err("all rows are left out: `except` has what `only` demands"),
        false => Ok(()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionTable {
    column: Option<MappedColumn>,
    values: Option<MappedValues>,
    filled: Option<bool>,
    file_name: Option<MappedValues>,
}

impl TryFrom<ConditionTable> for MappedCondition {
    type Error = &'static str;

    fn try_from(table: ConditionTable) -> Result<Self, &'static str> {
        match (table.column, table.values, table.filled, table.file_name) {
            (Some(column), Some(values), None, None) => Ok(Self::Values(column, values)),
            (Some(column), None, Some(filled), None) => Ok(Self::Filled(column, filled)),
            (None, None, None, Some(names)) if names.has("") => {
                Err("`file_name` has starts of names, which are not empty")
            }
            (None, None, None, Some(names)) => Ok(Self::FileName(names)),
            _ => {
                Err("a condition has `column` and `values`, `column` and `filled`, or `file_name`")
            }
        }
    }
}

/// The groups of a contact.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "GroupsTable")]
pub(super) enum MappedGroups {
    /// A cell has a list of names.
    Names {
        column: MappedColumn,
        separator: Option<char>,
    },
    /// A cell says whether the contact has the group.
    Marked {
        column: MappedColumn,
        name: GroupName,
        values: MappedValues,
    },
    /// All contacts of the file have the group.
    Constant(GroupName),
    /// A cell has the code that the source gives the group.
    Codes {
        code: MappedColumn,
        description: Option<MappedColumn>,
    },
}

impl MappedGroups {
    pub(super) fn columns(&self) -> Vec<&MappedColumn> {
        match self {
            Self::Constant(_) => Vec::new(),
            Self::Names { column, .. } | Self::Marked { column, .. } => vec![column],
            Self::Codes { code, description } => [code].into_iter().chain(description).collect(),
        }
    }

    /// The column of the source's codes.
    pub(super) fn code(&self) -> Option<&MappedColumn> {
        match self {
            Self::Codes { code, .. } => Some(code),
            Self::Names { .. } | Self::Marked { .. } | Self::Constant(_) => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupsTable {
    column: Option<MappedColumn>,
    separator: Option<char>,
    name: Option<GroupName>,
    values: Option<MappedValues>,
    code: Option<MappedColumn>,
    description: Option<MappedColumn>,
}

impl TryFrom<GroupsTable> for MappedGroups {
    type Error = &'static str;

    fn try_from(table: GroupsTable) -> Result<Self, &'static str> {
        let GroupsTable {
            column,
            separator,
            name,
            values,
            code,
            description,
        } = table;
        match (column, name, code, values) {
            (Some(column), None, None, None) if description.is_none() => {
                Ok(Self::Names { column, separator })
            }
            (Some(column), Some(name), None, Some(values))
                if description.is_none() && separator.is_none() =>
            {
                Ok(Self::Marked {
                    column,
                    name,
                    values,
                })
            }
            (None, Some(name), None, None) if description.is_none() && separator.is_none() => {
                Ok(Self::Constant(name))
            }
            (None, None, Some(code), None) if separator.is_none() => {
                Ok(Self::Codes { code, description })
            }
            _ => Err(
                "`groups` have `column` and perhaps `separator`, `column`, `name` and `values`, \
                 `name`, or `code` and perhaps `description`; `values` go with `column` and `name`",
            ),
        }
    }
}
