//! Pairs of contact and group that are not memberships yet: the same ones in the same order on
//! both sides.
//!
//! Filled tenants hold the memberships with `(contact + group) % 10 == 0`, 5 of the 50 groups a
//! contact. The other 45 a contact are numbered, and walked through in long strides, so that
//! neighbours in time are no neighbours in an index. `sql/pair.sql` does the same in pgbench.

use std::ops::RangeInclusive;

use bytes::Bytes;
use mailing_groups::pb;

use crate::support::load::frame;

/// New pairs a contact has.
const NEW: u64 = 45;
/// The stride: a prime, so that every pair comes up once.
const STRIDE: u64 = 2_654_435_761;

/// New pairs of tenants in turn.
pub(crate) struct Pairs {
    pub(crate) tenants: RangeInclusive<u64>,
    /// Contacts a tenant.
    pub(crate) contacts: u64,
    /// The number of used pairs.
    pub(crate) used: u64,
}

impl Pairs {
    pub(crate) fn of(tenants: RangeInclusive<u64>, contacts: u64) -> Self {
        let used = 0;
        Self {
            tenants,
            contacts,
            used,
        }
    }

    fn tenant_count(&self) -> u64 {
        self.tenants.end() - self.tenants.start() + 1
    }

    /// The names of the tenants in turn.
    pub(crate) fn names(&self) -> Vec<String> {
        self.tenants.clone().map(|id| format!("t{id}")).collect()
    }

    /// Counts pairs as used, and starts again with the first tenant.
    pub(crate) fn advance(&mut self, count: u64) {
        let tenants = self.tenant_count();
        self.used += count.next_multiple_of(tenants);
        assert!(
            self.used <= NEW * self.contacts * tenants,
            "no new pairs are left: more SCALE or fewer ROUNDS"
        );
    }

    /// The next pairs, as items of a batch. They are not counted as used.
    pub(crate) fn next(&self, count: u64) -> impl Iterator<Item = pb::Assignment> + '_ {
        (self.used..self.used + count).map(|index| self.pair(index))
    }

    /// The next pairs, each as the message of one call.
    pub(crate) fn calls(&self, count: u64) -> Vec<Bytes> {
        let left = NEW * self.contacts * self.tenant_count() - self.used;
        let call = |pair: pb::Assignment| {
            frame(&pb::AssignMailingGroupRequest {
                contact_id: pair.contact_id,
                code: pair.code,
            })
        };
        self.next(count.min(left)).map(call).collect()
    }

    fn pair(&self, index: u64) -> pb::Assignment {
        let at = (index / self.tenant_count() * STRIDE) % (NEW * self.contacts);
        let (contact, nth) = (at / NEW + 1, at % NEW);
        let group = (nth / 9) * 10 + (9 - contact % 10 + 1 + nth % 9) % 10 + 1;
        pb::Assignment {
            contact_id: format!("C{contact:08}"),
            code: format!("G{group:02}"),
        }
    }

    /// The variables of the script for pgbench.
    pub(crate) fn variables(&self, clients: u32) -> Vec<(&'static str, String)> {
        vec![
            ("i", "-1".to_owned()),
            ("first", self.used.to_string()),
            ("clients", clients.to_string()),
            ("first_tenant", self.tenants.start().to_string()),
            ("tenants", self.tenant_count().to_string()),
            ("contacts", self.contacts.to_string()),
        ]
    }
}
