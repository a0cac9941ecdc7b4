//! Calls by tenant, for a bounded number of tenants.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use metrics::Counter;
use tonic::Code;

use crate::{metrics::TENANT_CALLS, model::TenantName};

/// The label of all tenants that have none of their own. No tenant has this name.
const OTHER: &str = "_other";

static TENANTS: OnceLock<CountedTenants> = OnceLock::new();

struct CountedTenants {
    max: usize,
    named: RwLock<HashMap<Arc<str>, Outcomes>>,
    other: Outcomes,
}

/// The calls of a tenant: ok, refused, failed by a fault of the service.
#[derive(Clone)]
struct Outcomes([Counter; 3]);

/// Starts to count by tenant: each of the first `max` by its name, the rest together.
pub fn count_by_tenant(max: usize) {
    TENANTS.get_or_init(|| CountedTenants {
        max,
        named: RwLock::default(),
        other: Outcomes::of(OTHER),
    });
}

/// Counts a call.
pub(super) fn count(tenant: &Arc<str>, code: Code) {
    if let Some(tenants) = TENANTS.get() {
        tenants.count(tenant, code);
    }
}

impl CountedTenants {
    fn count(&self, tenant: &Arc<str>, code: Code) {
        let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
        let is_full = named.len() >= self.max;
        match named.get(tenant) {
            Some(outcomes) => outcomes.count(code),
            // What a caller makes up gets no label by being refused.
            None if is_full || code != Code::Ok || valid_name(tenant).is_none() => {
                self.other.count(code);
            }
            None => {
                drop(named);
                self.name(tenant).count(code);
            }
        }
    }

    fn name(&self, tenant: &Arc<str>) -> Outcomes {
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcomes) = named.get(tenant) {
            return outcomes.clone();
        }
        if named.len() >= self.max {
            return self.other.clone();
        }
        let outcomes = Outcomes::of(tenant);
        named.insert(Arc::clone(tenant), outcomes.clone());
        outcomes
    }
}

/// What a caller names as its tenant, if it can be the name of one. Some calls ignore it.
pub(super) fn valid_name(text: &str) -> Option<&str> {
    text.parse::<TenantName>().is_ok().then_some(text)
}

impl Outcomes {
    fn of(tenant: &str) -> Self {
        Self(["ok", "refused", "failed"].map(|outcome| TENANT_CALLS.counter(&[tenant, outcome])))
    }

    fn count(&self, code: Code) {
        let [ok, refused, failed] = &self.0;
        let counter = match code {
            Code::Ok => ok,
            Code::Internal | Code::Unknown | Code::DataLoss | Code::Unavailable => failed,
            _ => refused,
        };
        counter.increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bounded_number_of_tenants_have_a_label() {
        let tenants = CountedTenants {
            max: 2,
            named: RwLock::default(),
            other: Outcomes::of(OTHER),
        };
        for (tenant, code) in [
            ("made-up", Code::NotFound),
            ("No Name", Code::Ok),
            ("a", Code::Ok),
            ("a", Code::NotFound),
            ("b", Code::Ok),
            ("c", Code::Ok),
        ] {
            tenants.count(&Arc::from(tenant), code);
        }
        let named = tenants.named.read().expect("no panic");
        let mut names: Vec<_> = named.keys().map(|it| &**it).collect();
        names.sort_unstable();
        assert_eq!(names, ["a", "b"]);
    }
}
