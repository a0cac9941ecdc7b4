//! Numbers of new resources, which are never reused, and how many a tenant may have.

/// Why a tenant cannot have one more of a kind of resource.
#[derive(Debug)]
pub(crate) enum NoNumber {
    /// It has used all 2³¹ - 2 numbers: numbers are never reused.
    Exhausted,
    /// It has as many as it may have.
    LimitReached(i64),
}

/// Takes the next number.
pub(super) fn take(next: &mut i32) -> Result<i32, NoNumber> {
    let number = *next;
    *next = number.checked_add(1).ok_or(NoNumber::Exhausted)?;
    Ok(number)
}

/// Counts one more; `max` 0 is no limit.
pub(super) fn count_one(count: &mut i64, max: i64) -> Result<(), NoNumber> {
    if max > 0 && *count >= max {
        return Err(NoNumber::LimitReached(max));
    }
    *count += 1;
    Ok(())
}
