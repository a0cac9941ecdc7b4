//! Segments as messages.

use crate::{
    api::convert::{timestamp, to_wire_count},
    domain::segments::{ActionResult, ReplayResult, SavedAction},
    model::{
        ActionKind, ContactId, CountedSegment, Revision, SavedCriteria, SegmentAction,
        SelectionOptions, Selector,
    },
    pb,
};

impl From<CountedSegment> for pb::Segment {
    fn from(counted: CountedSegment) -> Self {
        let (members, companies) = (counted.members, counted.companies);
        let persons = counted.persons();
        let segment = counted.segment;
        Self {
            etag: segment.etag(),
            id: segment.id.into(),
            description: segment.description.into(),
            member_count: to_wire_count(members),
            company_count: to_wire_count(companies),
            person_count: to_wire_count(persons),
            action_count: segment.action_count.into(),
            revision: segment.revision,
            create_time: Some(timestamp(segment.create_time)),
            update_time: Some(timestamp(segment.update_time)),
        }
    }
}

impl From<ActionKind> for pb::SegmentActionKind {
    fn from(kind: ActionKind) -> Self {
        match kind {
            ActionKind::Add => Self::Add,
            ActionKind::Reduce => Self::Reduce,
            ActionKind::Refine => Self::Refine,
        }
    }
}

impl From<SelectionOptions> for pb::SelectionOptions {
    fn from(options: SelectionOptions) -> Self {
        Self {
            expand_companies: options.expand_companies,
            include_related_companies: options.include_related_companies,
            include_excluded: options.include_excluded,
            include_privacy_blocked: options.include_privacy_blocked,
        }
    }
}

impl From<(SegmentAction, Vec<ContactId>)> for pb::SegmentAction {
    fn from((action, ids): (SegmentAction, Vec<ContactId>)) -> Self {
        let criterion = action.criterion;
        let (expression, contacts) = match criterion.selector {
            Selector::Expression(expression) => (expression.text().to_owned(), 0),
            Selector::Contacts(set) => (String::new(), set.len()),
        };
        Self {
            number: action.number,
            kind: pb::SegmentActionKind::from(criterion.kind).into(),
            expression,
            contact_ids: ids.into_iter().map(Into::into).collect(),
            contact_id_count: to_wire_count(contacts),
            options: Some(criterion.options.into()),
            entire_companies: criterion.entire_companies,
            added_count: to_wire_count(action.added),
            removed_count: to_wire_count(action.removed),
            excluded_count: to_wire_count(action.excluded),
            privacy_blocked_count: to_wire_count(action.privacy_blocked),
            undoable: action.undoable,
            revision: action.revision,
            create_time: Some(timestamp(action.create_time)),
        }
    }
}

impl From<SavedAction> for pb::SavedCriteriaAction {
    fn from(action: SavedAction) -> Self {
        let criterion = action.criterion;
        let expression = match criterion.selector {
            Selector::Expression(expression) => expression.text().to_owned(),
            Selector::Contacts(_) => String::new(),
        };
        Self {
            number: action.number,
            kind: pb::SegmentActionKind::from(criterion.kind).into(),
            expression,
            contact_ids: action.contact_ids.into_iter().map(Into::into).collect(),
            options: Some(criterion.options.into()),
            entire_companies: criterion.entire_companies,
        }
    }
}

impl From<SavedCriteria> for pb::SavedCriteria {
    fn from(saved: SavedCriteria) -> Self {
        Self {
            code: saved.code.into(),
            description: saved.description.into(),
            action_count: saved.action_count.into(),
            revision: saved.revision,
            create_time: Some(timestamp(saved.create_time)),
        }
    }
}

impl From<(ActionResult, Revision)> for pb::AddContactsResponse {
    fn from((result, revision): (ActionResult, Revision)) -> Self {
        Self {
            segment: Some(result.segment.into()),
            added_count: to_wire_count(result.added),
            excluded_count: to_wire_count(result.excluded),
            privacy_blocked_count: to_wire_count(result.privacy_blocked),
            revision,
        }
    }
}

impl From<(ActionResult, Revision)> for pb::ReduceContactsResponse {
    fn from((result, revision): (ActionResult, Revision)) -> Self {
        Self {
            segment: Some(result.segment.into()),
            removed_count: to_wire_count(result.removed),
            revision,
        }
    }
}

impl From<(ActionResult, Revision)> for pb::RefineContactsResponse {
    fn from((result, revision): (ActionResult, Revision)) -> Self {
        Self {
            segment: Some(result.segment.into()),
            removed_count: to_wire_count(result.removed),
            revision,
        }
    }
}

impl From<(ActionResult, Revision)> for pb::GoBackResponse {
    fn from((result, revision): (ActionResult, Revision)) -> Self {
        Self {
            segment: Some(result.segment.into()),
            added_count: to_wire_count(result.added),
            removed_count: to_wire_count(result.removed),
            revision,
        }
    }
}

impl From<(ReplayResult, Revision)> for pb::ReplayCriteriaResponse {
    fn from((replayed, revision): (ReplayResult, Revision)) -> Self {
        let result = replayed.result;
        Self {
            segment: Some(result.segment.into()),
            action_count: replayed.actions.into(),
            added_count: to_wire_count(result.added),
            removed_count: to_wire_count(result.removed),
            excluded_count: to_wire_count(result.excluded),
            privacy_blocked_count: to_wire_count(result.privacy_blocked),
            skipped_contact_count: to_wire_count(replayed.skipped),
            revision,
        }
    }
}
