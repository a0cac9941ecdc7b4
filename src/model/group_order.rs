//! The orders in which groups are listed.

use std::{
    fmt::{self, Display, Formatter},
    str::FromStr,
};

use super::{Code, InvalidValue, MailingGroup};

/// What groups are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GroupSortKey {
    /// The code.
    #[default]
    Code,
    /// The number of contacts with the group.
    ContactCount,
    /// When code or description last changed.
    UpdateTime,
}

/// An order of groups. Groups with the same value come by code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroupOrder {
    /// What comes first.
    pub key: GroupSortKey,
    /// Whether the order is reversed.
    pub descending: bool,
}

impl FromStr for GroupOrder {
    type Err = InvalidOrder;

    fn from_str(text: &str) -> Result<Self, InvalidOrder> {
        let mut words = text.split_whitespace();
        let key = match words.next() {
            None | Some("code") => GroupSortKey::Code,
            Some("contact_count") => GroupSortKey::ContactCount,
            Some("update_time") => GroupSortKey::UpdateTime,
            Some(_) => return Err(InvalidOrder),
        };
        let descending = match (words.next(), words.next()) {
            (None, None) => false,
            (Some("desc"), None) => true,
            _ => return Err(InvalidOrder),
        };
        Ok(Self { key, descending })
    }
}

/// A text that names no order of groups.
#[derive(Debug, thiserror::Error)]
#[error("must be code, contact_count or update_time; \" desc\" after it reverses the order")]
pub struct InvalidOrder;

/// The place of a group in an ordered list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPosition {
    /// The value by which the list is ascending: a count or microseconds, negative in the reverse
    /// order; 0 in the order of codes.
    pub(crate) value: i64,
    pub(crate) code: Code,
}

impl GroupPosition {
    /// The place of a group.
    pub(crate) fn of(group: &MailingGroup, order: GroupOrder) -> Self {
        let value = match order.key {
            GroupSortKey::Code => 0,
            GroupSortKey::ContactCount => group.contact_count(),
            GroupSortKey::UpdateTime => group.update_time.timestamp_micros(),
        };
        Self {
            value: if order.descending { -value } else { value },
            code: group.code.clone(),
        }
    }
}

impl Display for GroupPosition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // A code contains no colon.
        write!(f, "{}:{}", self.value, self.code)
    }
}

impl FromStr for GroupPosition {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        const SHAPE: InvalidValue = InvalidValue::Shape("a value, a colon and a code");
        let (value, code) = text.split_once(':').ok_or(SHAPE)?;
        let value = value.parse().map_err(|_| SHAPE)?;
        let code = code.parse()?;
        Ok(Self { value, code })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_a_key_and_perhaps_desc() {
        let read = |text: &str| text.parse::<GroupOrder>().ok();
        let order = |key, descending| Some(GroupOrder { key, descending });
        assert_eq!(read(""), order(GroupSortKey::Code, false));
        assert_eq!(read("code desc"), order(GroupSortKey::Code, true));
        let by_count = order(GroupSortKey::ContactCount, true);
        assert_eq!(read("  contact_count   desc "), by_count);
        assert_eq!(read("update_time"), order(GroupSortKey::UpdateTime, false));
        for text in ["desc", "name", "Code", "code asc", "code desc x", "code,"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_position_reads_back() {
        for text in ["0:MOVE", "-3:MOVE", "1700000000000000:É1"] {
            let position: GroupPosition = text.parse().expect("a position");
            assert_eq!(position.to_string(), text);
        }
    }
}
