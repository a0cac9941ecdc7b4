//! Why a contact is not created or changed.

use serde::{Deserialize, Serialize};

use crate::{
    domain::{BrokenRule, Error, Precondition, Resource},
    model::{Attributes, ContactId, FormerName},
};

/// A broken rule between contacts and companies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The company does not exist.
    #[error("must be an existing company; there is no contact {id}{}", moved(.merged_into))]
    UnknownCompany {
        /// Its id.
        id: ContactId,
        /// The contact that it was merged into.
        merged_into: Option<ContactId>,
    },
    /// The company is a person.
    #[error("must be a company; contact {0} is a person")]
    NotACompany(ContactId),
    /// A company has a company.
    #[error("is for persons only; leave it blank for a company")]
    CompanyOfCompany,
    /// A company with people becomes a person.
    #[error("must stay COMPANY while the company has people; it has {0}")]
    HasPeople(i64),
    /// A new contact has the id of one that was merged into another.
    #[error("must not be the id of a merged contact; use {current}, or set reuse_former")]
    FormerId {
        /// The id.
        former: ContactId,
        /// The contact that it was merged into.
        current: ContactId,
    },
    /// A contact would have too many attributes.
    #[error("must have at most {max} entries; it would have {0}", max = Attributes::MAX)]
    TooManyAttributes(usize),
    /// An item that creates a contact lacks a field.
    #[error("must be set, as there is no contact of this id yet")]
    Missing(ContactField),
}

impl Refusal {
    /// The field that breaks the rule.
    pub(crate) fn field(&self) -> ContactField {
        match self {
            Self::HasPeople(_) => ContactField::Kind,
            Self::Missing(field) => *field,
            Self::FormerId { .. } => ContactField::Id,
            Self::TooManyAttributes(_) => ContactField::Attributes,
            Self::UnknownCompany { .. } | Self::NotACompany(_) | Self::CompanyOfCompany => {
                ContactField::CompanyId
            }
        }
    }

    /// The rule, without the ids that the text of the error names.
    pub(crate) fn rule(&self) -> String {
        match self {
            Self::UnknownCompany {
                merged_into: None, ..
            } => "must be an existing company; there is none".to_owned(),
            Self::UnknownCompany {
                merged_into: Some(_),
                ..
            } => "must be an existing company; it was merged into another".to_owned(),
            Self::NotACompany(_) => "must be a company; it is a person".to_owned(),
            Self::FormerId { .. } => {
                "must not be the id of a merged contact, unless reuse_former is set".to_owned()
            }
            Self::CompanyOfCompany
            | Self::HasPeople(_)
            | Self::TooManyAttributes(_)
            | Self::Missing(_) => self.to_string(),
        }
    }

    /// The former name that breaks the rule.
    pub(crate) fn former_name(&self) -> Option<FormerName> {
        match self {
            Self::UnknownCompany {
                id: former,
                merged_into: Some(current),
            }
            | Self::FormerId { former, current } => Some(FormerName {
                former: former.to_string(),
                current: current.to_string(),
            }),
            Self::UnknownCompany {
                merged_into: None, ..
            }
            | Self::NotACompany(_)
            | Self::CompanyOfCompany
            | Self::HasPeople(_)
            | Self::TooManyAttributes(_)
            | Self::Missing(_) => None,
        }
    }

    /// The error for a call that is about this one contact.
    pub(super) fn into_error(self, id: &ContactId) -> Error {
        match self {
            Self::HasPeople(count) => Error::Precondition(Precondition::CompanyHasPeople {
                id: id.clone(),
                count,
            }),
            Self::FormerId { former, current } => Error::FormerName {
                resource: Resource::Contact,
                name: former.to_string(),
                current: current.to_string(),
            },
            refusal => BrokenRule::Contact(refusal).into(),
        }
    }
}

fn moved(merged_into: &Option<ContactId>) -> String {
    Resource::Contact.moved(merged_into.as_ref().map(ContactId::as_str))
}

/// A field of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContactField {
    Id,
    /// Company or person.
    Kind,
    /// The name.
    Name,
    /// The company of a person.
    CompanyId,
    /// The e-mail address.
    Email,
    /// Whether segments leave it out.
    ExcludeFromSegments,
    /// Whether segments leave it out because the contact objected.
    PrivacyBlocked,
    /// What else it is.
    Attributes,
}
