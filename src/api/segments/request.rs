//! Reading what an action is to do.

use crate::{
    api::field::*,
    domain::{
        Violation,
        segments::{Action, Whom},
    },
    model::{ActionKind, SelectionOptions},
    pb,
};

/// Reads an Add: an expression or ids, and options.
pub(super) fn add(request: &pb::AddContactsRequest) -> Result<Action, Violation> {
    let whom = match (request.expression.is_empty(), &*request.contact_ids) {
        (false, []) => Whom::Expression(request.expression.parse().field("expression")?),
        (true, []) => return Err("must be set, or contact_ids").field("expression"),
        (true, ids) => {
            batch(ids, "contact_ids")?;
            let id = |(at, id): (usize, &String)| required(id, &format!("contact_ids[{at}]"));
            Whom::Contacts(ids.iter().enumerate().map(id).collect::<Result<_, _>>()?)
        }
        (false, _) => return Err("must be blank when an expression is set").field("contact_ids"),
    };
    Ok(Action {
        kind: ActionKind::Add,
        whom,
        options: request.options.unwrap_or_default().into(),
        entire_companies: false,
    })
}

/// Reads a Reduce or a Refine.
pub(super) fn sift(
    kind: ActionKind,
    expression: &str,
    entire_companies: bool,
) -> Result<Action, Violation> {
    Ok(Action {
        kind,
        whom: Whom::Expression(expression.parse().field("expression")?),
        options: SelectionOptions::default(),
        entire_companies,
    })
}
