//! The SQLSTATE of errors: Diesel keeps an error's kind and its text, which depends on `lc_messages`, but no
//! SQLSTATE.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// The SQLSTATE of the last error in one use of a connection, if there was one. What comes after that use
/// does not change it.
#[derive(Debug, Clone, Default)]
pub(crate) struct SqlState(Arc<AtomicU64>);

impl SqlState {
    /// Whether the error passes by itself: connection exceptions (08), transaction rollbacks such as
    /// deadlocks (40), insufficient resources except a full disk (53), a lock that is not available
    /// (55P03), operator intervention such as shutdowns and cancelled statements (57), read-only
    /// servers (25006), and transactions in which this program was silent (25P03).
    pub(crate) fn is_transient(&self) -> bool {
        match &self.code() {
            b"53100" => false,
            b"55P03" | b"25006" | b"25P03" => true,
            other => matches!(&other[..2], b"08" | b"40" | b"53" | b"57"),
        }
    }

    /// Whether the database could not reach another node: connection exceptions (08) that it reports itself,
    /// as Citus does of its workers.
    pub(crate) fn is_of_another_node(&self) -> bool {
        self.code().starts_with(b"08")
    }

    /// Whether the disk is full.
    pub(crate) fn is_disk_full(&self) -> bool {
        self.code() == *b"53100"
    }

    /// Whether the error lies in the values of the statement: data exceptions (22) and violated
    /// constraints (23).
    pub(crate) fn is_of_data(&self) -> bool {
        matches!(&self.code()[..2], b"22" | b"23")
    }

    /// Whether a lock was not available in time.
    pub(super) fn is_lock_timeout(&self) -> bool {
        self.code() == *b"55P03"
    }

    pub(super) fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    fn code(&self) -> [u8; 5] {
        let [_, _, _, code @ ..] = self.0.load(Ordering::Relaxed).to_be_bytes();
        code
    }

    fn set(&self, code: [u8; 5]) {
        // What follows an error in the same transaction is refused, which is no error of its own.
        if &code == b"25P02" {
            return;
        }
        let code = code.iter().fold(0, |all, byte| all << 8 | u64::from(*byte));
        self.0.store(code, Ordering::Relaxed);
    }
}

/// The SQLSTATE of a connection's present use.
#[derive(Debug, Clone, Default)]
pub(super) struct CurrentSqlState(Arc<Mutex<SqlState>>);

impl CurrentSqlState {
    /// Begins a use of the connection.
    pub(super) fn begin(&self) -> SqlState {
        let current = SqlState::default();
        *self.lock() = current.clone();
        current
    }

    pub(super) fn set(&self, code: [u8; 5]) {
        self.lock().set(code);
    }

    fn lock(&self) -> MutexGuard<'_, SqlState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_violated_constraint_do_not_pass() {
        let last = SqlState::default();
        for (code, expected) in [
            (b"53100", false),
            (b"23505", false),
            (b"40P01", true),
            (b"08006", true),
        ] {
            last.set(*code);
            assert_eq!(last.is_of_another_node(), code == b"08006");
            assert_eq!(last.is_transient(), expected);
            assert_eq!(last.is_disk_full(), code == b"53100");
            assert_eq!(last.is_of_data(), code == b"23505");
        }
    }

    #[test]
    fn a_later_use_of_a_connection_does_not_change_what_an_earlier_one_found() {
        let current = CurrentSqlState::default();
        let first = current.begin();
        current.set(*b"53100");
        let second = current.begin();
        assert!(first.is_disk_full() && !second.is_disk_full());
        current.set(*b"40P01");
        assert!(first.is_disk_full() && second.is_transient());
    }
}
