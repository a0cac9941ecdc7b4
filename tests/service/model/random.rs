//! Random calls.

use mailing_groups::pb::SelectionOptions;
use rand::{RngExt, rngs::StdRng};

use super::{
    calls::{self, Call, NewContact, code, contact, criteria, segment, text},
    expression::Expr,
    segments::{Kind, Source},
};

/// An action on a segment.
fn act(rng: &mut StdRng) -> Call {
    let kind = [Kind::Add, Kind::Add, Kind::Reduce, Kind::Refine][rng.random_range(0..4)];
    let expression = Expr::random(rng, 2);
    let ids: Vec<_> = (0..rng.random_range(1..4)).map(|_| contact(rng)).collect();
    let by_ids = kind == Kind::Add && rng.random_bool(0.4);
    let keep = kind != Kind::Add;
    Call::Act {
        id: segment(rng),
        kind,
        source: if by_ids {
            Source::Ids(ids)
        } else {
            Source::Expression(expression)
        },
        options: SelectionOptions {
            expand_companies: rng.random_bool(0.3),
            include_related_companies: !keep && rng.random_bool(0.3),
            include_excluded: keep || rng.random_bool(0.3),
            include_privacy_blocked: keep || rng.random_bool(0.3),
        },
    }
}

/// Creates or changes groups or contacts.
fn define(rng: &mut StdRng) -> Call {
    let (code, new, reuse, force) = (code(rng), code(rng), rng.random_bool(0.5), rng.random());
    match rng.random_range(0..11) {
        0..2 => Call::CreateGroup { code, reuse },
        2 => Call::UpdateGroup {
            code,
            text: text(rng),
        },
        3 => Call::RenameGroup { code, new, reuse },
        4 => Call::DeleteGroup { code, force },
        5..7 => Call::CreateContact {
            new: NewContact::random(rng),
            reuse,
        },
        7 => Call::CreateContacts((0..3).map(|_| NewContact::random(rng)).collect()),
        8 => Call::UpdateContact {
            new: NewContact::random(rng),
            allow_missing: reuse,
        },
        9 => Call::DeleteContact {
            id: contact(rng),
            force,
        },
        _ => Call::Merge {
            kept: contact(rng),
            merged: contact(rng),
        },
    }
}

impl Call {
    pub(super) fn random(rng: &mut StdRng) -> Self {
        let (id, code, on) = (contact(rng), code(rng), rng.random_bool(0.7));
        let pair = |rng: &mut StdRng| (contact(rng), calls::code(rng));
        match rng.random_range(0..34) {
            0..6 => Self::Assign { id, code, on },
            6..8 => Self::AssignAll {
                pairs: (0..4).map(|_| pair(rng)).collect(),
                on,
            },
            8 => Self::Replace {
                id,
                codes: vec![code, calls::code(rng)],
            },
            9..20 => define(rng),
            20..22 => Self::CreateSegment(segment(rng)),
            22 => Self::UpdateSegment {
                id: segment(rng),
                text: text(rng),
            },
            23 if on => Self::Replay {
                code: criteria(rng),
                id: segment(rng),
            },
            23 => Self::DeleteSegment(segment(rng)),
            24..28 => act(rng),
            28..30 => Self::GoBack(segment(rng)),
            30..32 => Self::Apply {
                id: segment(rng),
                code,
                replace: !on,
            },
            32 => Self::Save {
                id: segment(rng),
                code: criteria(rng),
            },
            _ => Self::DeleteCriteria(criteria(rng)),
        }
    }
}
