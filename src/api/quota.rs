//! An amount that calls share, and of which one tenant can have only a part: places for streams,
//! bytes of requests in memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

pub(crate) struct Quota {
    total: usize,
    /// The most that one tenant can have.
    share: usize,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    all: usize,
    /// Without tenants that have nothing.
    by_tenant: HashMap<Arc<str>, usize>,
}

impl Quota {
    /// A tenant can have all of it.
    pub(crate) fn new(total: usize) -> Arc<Self> {
        Self::with_share(total, total)
    }

    /// A tenant can have half of it.
    pub(crate) fn halved(total: usize) -> Arc<Self> {
        Self::with_share(total, total.div_ceil(2))
    }

    fn with_share(total: usize, share: usize) -> Arc<Self> {
        Arc::new(Self {
            total,
            share,
            used: Mutex::default(),
        })
    }

    /// Takes an amount, which is given back when the result is dropped; `None` if there is not so
    /// much.
    pub(crate) fn take(self: &Arc<Self>, tenant: &Arc<str>, amount: usize) -> Option<TakenQuota> {
        let mut taken = self.nothing(tenant);
        taken.resize(amount).then_some(taken)
    }

    /// As [`Quota::take`], if the tenant then has at most so much.
    pub(crate) fn take_within(
        self: &Arc<Self>,
        tenant: &Arc<str>,
        amount: usize,
        max: usize,
    ) -> Option<TakenQuota> {
        let mut taken = self.nothing(tenant);
        let possible = self.replace(tenant, 0, amount, self.share.min(max));
        taken.amount = if possible { amount } else { 0 };
        possible.then_some(taken)
    }

    /// Takes nothing yet.
    pub(crate) fn nothing(self: &Arc<Self>, tenant: &Arc<str>) -> TakenQuota {
        TakenQuota {
            quota: Arc::clone(self),
            tenant: Arc::clone(tenant),
            amount: 0,
        }
    }

    pub(crate) fn total(&self) -> usize {
        self.total
    }

    pub(crate) fn used(&self) -> usize {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).all
    }

    /// What a tenant has of it.
    pub(crate) fn used_by(&self, tenant: &str) -> usize {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.by_tenant.get(tenant).copied().unwrap_or_default()
    }

    /// Replaces an amount by another if there is enough.
    fn replace(&self, tenant: &Arc<str>, before: usize, after: usize, share: usize) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let all = used.all - before + after;
        let of_tenant = used.by_tenant.get(tenant).copied().unwrap_or_default() - before + after;
        if after > before && (all > self.total || of_tenant > share) {
            return false;
        }
        used.all = all;
        match of_tenant {
            0 => used.by_tenant.remove(tenant),
            _ => used.by_tenant.insert(Arc::clone(tenant), of_tenant),
        };
        true
    }
}

/// What is taken of a [`Quota`].
pub(crate) struct TakenQuota {
    quota: Arc<Quota>,
    tenant: Arc<str>,
    amount: usize,
}

impl TakenQuota {
    /// Takes more, or gives some back; `false` if there is not so much.
    pub(crate) fn resize(&mut self, amount: usize) -> bool {
        let before = self.amount;
        let (quota, share) = (&self.quota, self.quota.share);
        let possible = before == amount || quota.replace(&self.tenant, before, amount, share);
        if possible {
            self.amount = amount;
        }
        possible
    }

    /// Leaves nothing, and returns what was taken.
    pub(crate) fn split(&mut self) -> Self {
        let nothing = self.quota.nothing(&self.tenant);
        std::mem::replace(self, nothing)
    }
}

impl Drop for TakenQuota {
    fn drop(&mut self) {
        self.resize(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_can_have_half() {
        let quota = Quota::halved(5);
        let (a, b) = (Arc::from("a"), Arc::from("b"));
        let mut first = quota.take(&a, 3).expect("half");
        assert!(quota.take(&a, 1).is_none());
        let second = quota.take(&b, 2).expect("the rest");
        assert!(quota.take(&b, 1).is_none(), "nothing is left");
        assert!(first.resize(1) && !first.resize(4));
        assert_eq!(quota.used(), 3);
        let split = first.split();
        drop(first);
        assert_eq!(quota.used(), 3);
        drop((split, second));
        assert_eq!(quota.used(), 0);
        assert!(quota.take(&a, 3).is_some());
    }

    #[test]
    fn a_tenant_can_have_less_than_its_share() {
        let quota = Quota::halved(10);
        let tenant = Arc::from("a");
        let first = quota.take_within(&tenant, 1, 1).expect("one");
        assert!(quota.take_within(&tenant, 1, 1).is_none());
        assert_eq!(quota.used(), 1);
        drop(first);
        assert_eq!(quota.used(), 0);
        assert!(quota.take_within(&tenant, 6, 9).is_none(), "more than half");
    }

    #[test]
    fn all_of_it_can_be_for_anyone() {
        let quota = Quota::new(2);
        let taken = quota.take(&Arc::from("a"), 2).expect("all");
        assert!(quota.take(&Arc::from("b"), 1).is_none());
        drop(taken);
    }
}
