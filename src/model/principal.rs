//! Who calls, and what they may do.

use std::{collections::BTreeSet, sync::Arc};

use serde::Deserialize;

use super::{InvalidValue, TenantName, Time};

/// What may be done with the data of a tenant; each allows what those before it do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessLevel {
    /// Reads.
    Reader,
    /// Decides which contacts have which mailing groups.
    Assigner,
    /// Creates, changes and deletes mailing groups, contacts and segments.
    Definer,
    /// Administers tenants.
    Admin,
}

impl AccessLevel {
    /// All of them, from the least on.
    pub(crate) const ALL: [Self; 4] = [Self::Reader, Self::Assigner, Self::Definer, Self::Admin];

    /// The name in configurations, claims and errors.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Assigner => "assigner",
            Self::Definer => "definer",
            Self::Admin => "admin",
        }
    }
}

/// The tenants that someone may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GrantedTenants {
    /// Every tenant, written `*`.
    All,
    /// These.
    Named(BTreeSet<TenantName>),
}

impl GrantedTenants {
    /// The names, of which `*` stands for all.
    ///
    /// # Errors
    ///
    /// If there is none, or one is not a name.
    pub(crate) fn parse<'t>(
        names: impl IntoIterator<Item = &'t str>,
    ) -> Result<Self, InvalidValue> {
        let (mut all, mut named) = (false, BTreeSet::new());
        for name in names {
            match name {
                "*" => all = true,
                name => drop(named.insert(name.parse()?)),
            }
        }
        match (all, named.is_empty()) {
            (true, _) => Ok(Self::All),
            (false, false) => Ok(Self::Named(named)),
            (false, true) => Err(InvalidValue::Blank),
        }
    }

    pub(crate) fn contains(&self, tenant: &TenantName) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.contains(tenant),
        }
    }

    /// The only one, if there is only one.
    pub(crate) fn single(&self) -> Option<&TenantName> {
        match self {
            Self::Named(names) if names.len() == 1 => names.first(),
            Self::All | Self::Named(_) => None,
        }
    }
}

/// How a principal shows who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PrincipalKind {
    /// Not at all: authentication is off.
    Anonymous,
    /// By a JSON Web Token.
    Token,
    /// By an API key.
    ApiKey,
    /// By the certificate of its connection.
    ClientCertificate,
}

/// Who calls, and what they may do: the access to each of the tenants.
#[derive(Debug, Clone)]
pub struct Principal {
    pub(crate) kind: PrincipalKind,
    pub(crate) name: Arc<str>,
    pub(crate) tenants: GrantedTenants,
    pub(crate) access: AccessLevel,
    /// When it has to show again who it is, if ever.
    pub(crate) expire_time: Option<Time>,
}

/// The longest name of a principal, in characters.
const MAX_NAME: usize = 255;

impl Principal {
    /// Who calls when authentication is off; may do everything.
    pub(crate) fn anonymous() -> Self {
        Self {
            kind: PrincipalKind::Anonymous,
            name: Arc::from("anonymous"),
            tenants: GrantedTenants::All,
            access: AccessLevel::Admin,
            expire_time: None,
        }
    }

    /// Checks the name of a principal, which logs and the history show.
    ///
    /// # Errors
    ///
    /// If it is blank, too long or not printable.
    pub(crate) fn check_name(name: &str) -> Result<(), InvalidValue> {
        let length = name.chars().count();
        let control = name.chars().find(|it| it.is_control());
        match control {
            _ if length == 0 => Err(InvalidValue::Blank),
            Some(found) => Err(InvalidValue::Character {
                found,
                allowed: "printable characters",
            }),
            None if length > MAX_NAME => Err(InvalidValue::TooLong {
                length,
                max: MAX_NAME,
            }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_access_includes_less() {
        assert!(AccessLevel::ALL.is_sorted());
        let all = AccessLevel::ALL.map(AccessLevel::name);
        assert_eq!(all, ["reader", "assigner", "definer", "admin"]);
    }

    #[test]
    fn an_asterisk_grants_all_tenants() {
        let tenant = |name: &str| name.parse().expect("a tenant");
        let some = GrantedTenants::parse(["acme", "globex", "acme"]).expect("names");
        assert!(some.contains(&tenant("acme")) && !some.contains(&tenant("other")));
        assert_eq!(some.single(), None);
        let one = GrantedTenants::parse(["acme"]).expect("a name");
        assert_eq!(one.single(), Some(&tenant("acme")));
        let all = GrantedTenants::parse(["acme", "*"]).expect("all");
        assert!(all.contains(&tenant("other")) && all.single().is_none());
        assert!(GrantedTenants::parse([]).is_err());
        assert!(GrantedTenants::parse(["Acme"]).is_err());
    }

    #[test]
    fn a_name_is_printable_and_short() {
        assert!(Principal::check_name("CN=crm, O=Example").is_ok());
        for name in ["", "a\nb", &"x".repeat(256)] {
            assert!(Principal::check_name(name).is_err(), "{name:?}");
        }
    }
}
