"""What the caller of an import chooses, and what it gets."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Iterable
from typing import Generic, TypeAlias, TypeVar

from google.protobuf.field_mask_pb2 import FieldMask

from mailinggroups import v1

Rejection = TypeVar("Rejection")
Summary = TypeVar("Summary")


@dataclasses.dataclass(frozen=True)
class ImportResult(Generic[Summary, Rejection]):
    """What an import did."""

    import_id: str
    """The name by which the import can be continued."""
    summary: Summary
    """The counts."""
    rejections: list[Rejection]
    """The first 10,000 rejected items in their order; empty if a callback took them."""


ContactsResult: TypeAlias = ImportResult[
    v1.ImportContactsResponse.Summary, v1.ImportContactsResponse.Rejection
]
MembershipsResult: TypeAlias = ImportResult[
    v1.ImportMembershipsResponse.Summary, v1.ImportMembershipsResponse.Rejection
]


@dataclasses.dataclass(frozen=True)
class ImportOptions(Generic[Rejection]):
    """What the caller of an import chose."""

    import_id: str
    fingerprint: str
    validate_only: bool
    on_rejection: Callable[[Rejection], None] | None
    update_mask: FieldMask | None = None
    reuse_former: bool = False


def import_options(
    import_id: str | None,
    fingerprint: str,
    validate_only: bool,
    on_rejection: Callable[[Rejection], None] | None,
    update_mask: FieldMask | Iterable[str] | None = None,
    reuse_former: bool = False,
) -> ImportOptions[Rejection]:
    """The options, with an id for the import and its mask."""
    if update_mask is not None and not isinstance(update_mask, FieldMask):
        update_mask = FieldMask(paths=update_mask)
    return ImportOptions(
        import_id=import_id or str(uuid.uuid4()),
        fingerprint=fingerprint,
        validate_only=validate_only,
        on_rejection=on_rejection,
        update_mask=update_mask,
        reuse_former=reuse_former,
    )
