//! The members of a selection, page by page.

use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;

use crate::{
    domain::{Call, Domain, Error, Result},
    model::{Contact, ContactId, ContactSet, PageSize},
    store,
};

/// How much of each member is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Only the id.
    Ids,
    /// The whole contact.
    Full,
}

/// A member, as much of it as was asked for.
#[derive(Debug, Clone)]
pub enum Member {
    /// Only the id.
    Id(ContactId),
    /// The whole contact.
    Contact(Box<Contact>),
}

/// Members in ascending contact number.
#[derive(Debug)]
pub struct Page {
    /// The members; those that were deleted since are left out.
    pub members: Vec<Member>,
    /// The number of the last contact of the page.
    pub last: u32,
    /// How many were left out.
    pub deleted: usize,
}

/// Reads a selection page by page, one page ahead. While nobody asks for a page, no connection
/// and no statement is held; dropping it stops what still runs.
pub struct Pages {
    source: Source,
    ahead: Option<AbortOnDropHandle<Result<Page>>>,
}

#[derive(Clone)]
struct Source {
    domain: Domain,
    call: Call,
    members: Arc<ContactSet>,
    view: View,
    size: PageSize,
}

impl Pages {
    /// The members of a set after the contact numbered `after`.
    pub fn new(
        domain: &Domain,
        call: &Call,
        members: Arc<ContactSet>,
        view: View,
        size: PageSize,
        after: u32,
    ) -> Pages {
        let source = Source {
            domain: domain.clone(),
            call: call.clone(),
            members,
            view,
            size,
        };
        let ahead = source.read_ahead(after);
        Pages { source, ahead }
    }

    /// The next page, or `None` after the last. May be dropped before it is done and called
    /// again.
    pub async fn next(&mut self) -> Result<Option<Page>> {
        let Some(ahead) = &mut self.ahead else {
            return Ok(None);
        };
        let page = ahead
            .await
            .map_err(|error| Error::Internal(error.into()))??;
        self.ahead = self.source.read_ahead(page.last);
        Ok(Some(page))
    }
}

impl Source {
    /// Begins to read the page after the contact numbered `after`, if there is one.
    fn read_ahead(&self, after: u32) -> Option<AbortOnDropHandle<Result<Page>>> {
        let mut rest = self.members.iter();
        rest.advance_to(after.saturating_add(1));
        let numbers: Vec<i32> = rest.take(self.size.get()).map(u32::cast_signed).collect();
        let last = numbers.last()?.cast_unsigned();
        let source = self.clone();
        let read = async move { source.read(&numbers, last).await };
        Some(AbortOnDropHandle::new(tokio::spawn(read)))
    }

    async fn read(&self, numbers: &[i32], last: u32) -> Result<Page> {
        let read = async |conn: &mut _, tenant_id| {
            Ok(match self.view {
                View::Ids => {
                    let ids = store::selection::ids(conn, tenant_id, numbers).await?;
                    ids.into_iter().map(Member::Id).collect::<Vec<_>>()
                }
                View::Full => {
                    let contacts = store::selection::contacts(conn, tenant_id, numbers).await?;
                    contacts
                        .into_iter()
                        .map(|c| Member::Contact(Box::new(c)))
                        .collect()
                }
            })
        };
        let members = self.domain.read_of(&self.call, read).await?;
        let deleted = numbers.len() - members.len();
        Ok(Page {
            members,
            last,
            deleted,
        })
    }
}
