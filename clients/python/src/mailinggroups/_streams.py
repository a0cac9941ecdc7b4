"""The streams of the service, without input and output: what each message means, and where a broken
stream goes on."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Generic, TypeAlias, TypeVar

from mailinggroups import v1
from mailinggroups._retry import Retry

Request = TypeVar("Request")
Response = TypeVar("Response")
Item = TypeVar("Item")
Summary = TypeVar("Summary")


class StreamState(ABC, Generic[Request, Response, Item, Summary]):
    """A stream, over as many connections as it takes."""

    summary: Summary | None = None
    """The last message; None before it has come."""

    def __init__(self, request: Request, retry: Retry) -> None:
        self.request = request
        """Always asks for what was not received yet."""
        self.retry = retry

    @abstractmethod
    def receive(self, response: Response) -> Iterable[Item]:
        """Takes a message; returns what it completes."""

    def reopen(self) -> Iterable[Item]:
        """Discards what is incomplete; returns what the consumer has to know of it."""
        return ()


class Members(
    StreamState[
        v1.StreamSegmentMembersRequest,
        v1.StreamSegmentMembersResponse,
        v1.SegmentMember,
        v1.StreamSegmentMembersResponse.Summary,
    ]
):
    """The members of a selection."""

    def receive(self, response: v1.StreamSegmentMembersResponse) -> Sequence[v1.SegmentMember]:
        kind = response.WhichOneof("message")
        if kind == "page":
            self.request.resume_token = response.page.resume_token
            self.retry.progress()
            return response.page.members
        if kind == "summary":
            self.summary = response.summary
        return ()


@dataclasses.dataclass(frozen=True)
class ExportPart:
    """A part of an export: groups, and contacts with all their groups."""

    mailing_groups: list[v1.MailingGroup] = dataclasses.field(default_factory=list)
    contacts: list[v1.Contact] = dataclasses.field(default_factory=list)
    assignments: list[v1.Assignment] = dataclasses.field(default_factory=list)
    resume_token: str = ""
    """Where another export can go on after this part; empty in the last part of an export without
    contacts."""


class Export(
    StreamState[
        v1.ExportContactsRequest,
        v1.ExportContactsResponse,
        ExportPart,
        v1.ExportContactsResponse.Summary,
    ]
):
    """An export. Everything up to a new token belongs together: groups, and pages with further
    assignments of the same contacts. A broken stream sends it again as a whole."""

    def __init__(self, request: v1.ExportContactsRequest, retry: Retry) -> None:
        super().__init__(request, retry)
        self._part = ExportPart()

    def receive(self, response: v1.ExportContactsResponse) -> Iterable[ExportPart]:
        kind = response.WhichOneof("message")
        if kind == "mailing_groups":
            self._part.mailing_groups.extend(response.mailing_groups.mailing_groups)
        elif kind == "page":
            return self._page(response.page)
        elif kind == "summary":
            self.summary = response.summary
            return self._complete()
        return ()

    def _page(self, page: v1.ExportContactsResponse.Page) -> Iterable[ExportPart]:
        self._part.contacts.extend(page.contacts)
        self._part.assignments.extend(page.assignments)
        if page.resume_token == self.request.resume_token:
            return ()
        self.request.resume_token = page.resume_token
        self.retry.progress()
        return self._complete()

    def _complete(self) -> Iterable[ExportPart]:
        part = dataclasses.replace(self._part, resume_token=self.request.resume_token)
        self._part = ExportPart()
        return (part,) if part.mailing_groups or part.contacts or part.assignments else ()

    def reopen(self) -> Iterable[ExportPart]:
        self._part = ExportPart()
        return ()


class SnapshotRestart:
    """The snapshot broke and is sent from its start again: discard the parts received so far."""


WatchEvent: TypeAlias = (
    v1.WatchChangesResponse.Snapshot
    | v1.WatchChangesResponse.SnapshotEnd
    | v1.WatchChangesResponse.Changes
    | v1.WatchChangesResponse.Progress
    | SnapshotRestart
)
"""What a watch yields: parts of the snapshot and its end, whole revisions, and progress."""


class Watch(StreamState[v1.WatchChangesRequest, v1.WatchChangesResponse, WatchEvent, None]):
    """The change feed. It has no end."""

    def __init__(self, request: v1.WatchChangesRequest, retry: Retry) -> None:
        super().__init__(request, retry)
        self._in_snapshot = False
        self._changes: v1.WatchChangesResponse.Changes | None = None
        """The parts of a revision that is not complete."""

    def receive(self, response: v1.WatchChangesResponse) -> Iterable[WatchEvent]:
        kind = response.WhichOneof("message")
        self.retry.progress()
        if kind == "snapshot":
            self._in_snapshot = True
            return (response.snapshot,)
        if kind == "snapshot_end":
            self._in_snapshot = False
            self.request.resume_token = response.snapshot_end.resume_token
            return (response.snapshot_end,)
        if kind == "progress":
            self.request.resume_token = response.progress.resume_token
            return (response.progress,)
        if kind == "changes":
            return self._receive_changes(response.changes)
        return ()

    def _receive_changes(self, part: v1.WatchChangesResponse.Changes) -> Iterable[WatchEvent]:
        if self._changes is None:
            self._changes = part
        else:
            self._changes.changes.extend(part.changes)
        if part.more:
            return ()
        changes, self._changes = self._changes, None
        changes.more = False
        changes.resume_token = part.resume_token
        self.request.resume_token = part.resume_token
        return (changes,)

    def reopen(self) -> Iterable[WatchEvent]:
        self._changes = None
        restarts, self._in_snapshot = self._in_snapshot, False
        return (SnapshotRestart(),) if restarts else ()


def members_request(
    expression: str | None,
    segment_id: str | None,
    options: v1.SelectionOptions | None,
    part: v1.SegmentPart.ValueType,
    view: v1.SegmentMemberView.ValueType,
    page_size: int,
) -> v1.StreamSegmentMembersRequest:
    """The request for the members of either an expression or a segment."""
    if (expression is None) == (segment_id is None):
        raise ValueError("name either an expression or a segment_id")
    selection = v1.Selection(options=options)
    if expression is not None:
        selection.expression = expression
    else:
        selection.segment_id = segment_id or ""
    return v1.StreamSegmentMembersRequest(
        selection=selection, part=part, view=view, page_size=page_size
    )


def watch_request(
    revision: int | None,
    resume_token: str | None,
    beginning: bool,
    kinds: Iterable[v1.ChangeKind.ValueType],
    codes: Iterable[str],
) -> v1.WatchChangesRequest:
    """The request for changes after a revision, after a token, from the beginning or from now."""
    if sum((revision is not None, resume_token is not None, beginning)) > 1:
        raise ValueError("name one of revision, resume_token and beginning")
    request = v1.WatchChangesRequest(kinds=kinds, codes=codes)
    if revision is not None:
        request.revision = revision
    elif resume_token is not None:
        request.resume_token = resume_token
    elif beginning:
        request.beginning.SetInParent()
    else:
        request.now.SetInParent()
    return request
