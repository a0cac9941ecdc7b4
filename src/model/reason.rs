//! The reasons of errors, as clients read them in `google.rpc.ErrorInfo`, and the names of gRPC's
//! status codes.

/// Declares the reasons with their texts. A text is part of the API and never changes.
macro_rules! reasons {
    ($($reason:ident = $text:literal,)*) => {
        /// Why a call failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Reason {
            $($reason,)*
        }

        impl Reason {
            pub(crate) fn as_str(self) -> &'static str {
                match self {
                    $(Self::$reason => $text,)*
                }
            }
        }
    };
}

reasons! {
    InvalidField = "INVALID_FIELD",

    MailingGroupNotFound = "MAILING_GROUP_NOT_FOUND",
    MailingGroupRenamed = "MAILING_GROUP_RENAMED",
    ContactNotFound = "CONTACT_NOT_FOUND",
    SegmentNotFound = "SEGMENT_NOT_FOUND",
    SavedCriteriaNotFound = "SAVED_CRITERIA_NOT_FOUND",

    MailingGroupAlreadyExists = "MAILING_GROUP_ALREADY_EXISTS",
    ContactAlreadyExists = "CONTACT_ALREADY_EXISTS",
    SegmentAlreadyExists = "SEGMENT_ALREADY_EXISTS",
    SavedCriteriaAlreadyExists = "SAVED_CRITERIA_ALREADY_EXISTS",

    MailingGroupHasMembers = "MAILING_GROUP_HAS_MEMBERS",
    CompanyHasPeople = "COMPANY_HAS_PEOPLE",
    ContactOnSegments = "CONTACT_ON_SEGMENTS",
    ContactKindsDiffer = "CONTACT_KINDS_DIFFER",
    NothingToUndo = "NOTHING_TO_UNDO",
    UndoHistoryEnded = "UNDO_HISTORY_ENDED",
    SegmentHasNoActions = "SEGMENT_HAS_NO_ACTIONS",

    EtagMismatch = "ETAG_MISMATCH",
    ImportOvertaken = "IMPORT_OVERTAKEN",
    UploadNotFinished = "UPLOAD_NOT_FINISHED",
    HistoryPruned = "HISTORY_PRUNED",

    MailingGroupNumbersSpent = "MAILING_GROUP_NUMBERS_SPENT",
    ContactNumbersSpent = "CONTACT_NUMBERS_SPENT",
    SegmentNumbersSpent = "SEGMENT_NUMBERS_SPENT",
    SavedCriteriaNumbersSpent = "SAVED_CRITERIA_NUMBERS_SPENT",

    DatabaseUnavailable = "DATABASE_UNAVAILABLE",
    Overloaded = "OVERLOADED",
    ShuttingDown = "SHUTTING_DOWN",
    DeadlineExceeded = "DEADLINE_EXCEEDED",
    Internal = "INTERNAL",
}

/// The names of gRPC's status codes, by number.
const GRPC_CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The name of a status code as the gRPC documents spell it, e.g. `NOT_FOUND` for 5. A number
/// that gRPC does not define is UNKNOWN, as in its clients.
pub(crate) fn grpc_code_name(code: i32) -> &'static str {
    let index = usize::try_from(code).ok();
    index
        .and_then(|index| GRPC_CODES.get(index).copied())
        .unwrap_or("UNKNOWN")
}
