//! The parts of a mapping that depend on values: flags, groups, and which rows count.

use serde::Deserialize;

use super::rules::MappedColumn;

/// A mark of contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FlagName {
    ExcludeFromSegments,
    PrivacyBlocked,
}

/// When a flag is set, and when it is cleared: never, unless the mapping says so.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "FlagTable")]
pub(super) struct MappedFlag {
    pub(super) flag: FlagName,
    pub(super) set_if: MappedCondition,
    pub(super) clear: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FlagTable {
    set: FlagName,
    column: Option<MappedColumn>,
    values: Option<Vec<String>>,
    filled: Option<bool>,
    file_name: Option<Vec<String>>,
    #[serde(default)]
    clear: Vec<String>,
}

impl TryFrom<FlagTable> for MappedFlag {
    type Error = &'static str;

    fn try_from(table: FlagTable) -> Result<Self, &'static str> {
        if !table.clear.is_empty() && table.column.is_none() {
            return Err("`clear` are values of a `column`");
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

/// A condition on a row.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "ConditionTable")]
pub(super) enum MappedCondition {
    Always,
    Values(MappedColumn, Vec<String>),
    Filled(MappedColumn, bool),
    /// The file's name begins with one of these.
    FileName(Vec<String>),
}

impl MappedCondition {
    pub(super) fn column(&self) -> Option<&MappedColumn> {
        match self {
            Self::Always | Self::FileName(_) => None,
            Self::Values(column, _) | Self::Filled(column, _) => Some(column),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionTable {
    column: Option<MappedColumn>,
    values: Option<Vec<String>>,
    filled: Option<bool>,
    file_name: Option<Vec<String>>,
}

impl TryFrom<ConditionTable> for MappedCondition {
    type Error = &'static str;

    fn try_from(table: ConditionTable) -> Result<Self, &'static str> {
        match (table.column, table.values, table.filled, table.file_name) {
            (Some(column), Some(values), None, None) => Ok(Self::Values(column, values)),
            (Some(column), None, Some(filled), None) => Ok(Self::Filled(column, filled)),
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
        name: String,
        values: Vec<String>,
    },
    /// All contacts of the file have the group.
    Constant(String),
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
    name: Option<String>,
    values: Option<Vec<String>>,
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
