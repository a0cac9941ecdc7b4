"""The imports, without input and output: chunks, what is in flight, where a broken one goes on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import grpc
from google.protobuf.message import Message

from mailinggroups import v1
from mailinggroups._import_options import ImportOptions, ImportResult
from mailinggroups._retry import Retry
from mailinggroups.errors import LostRowsError, MailingGroupsError

MAX_ITEMS = 1_000
"""The most items of a chunk."""
MAX_BYTES = 1 << 20
"""The most bytes of a chunk's items."""
ITEM_OVERHEAD = 8
"""Bytes of an item in a chunk besides its own."""
MAX_CHUNKS = 8
"""Chunks sent and not acknowledged: enough to keep the service busy while an acknowledgement
travels, few enough that memory stays small."""
MAX_REJECTIONS = 10_000
"""The most rejections that a result holds."""

Item = TypeVar("Item", bound=Message)
Rejection = TypeVar("Rejection")
Summary = TypeVar("Summary")


class Upload(ABC, Generic[Item, Rejection, Summary]):
    """An import, over as many streams as it takes. The messages of the two kinds of import have
    different types and the same form."""

    _request: Any
    """The type of the messages to the service."""
    _field: str
    """The items of a chunk."""

    summary: Summary | None = None
    """The last message; None before it has come."""

    def __init__(self, options: ImportOptions[Rejection], retry_for: float) -> None:
        # Nothing tells what a dry run has done already.
        self.retry = Retry(0 if options.validate_only else retry_for)
        self.outgoing: deque[Any] = deque()
        """What is to be sent now."""
        self.closed = False
        """Whether nothing follows what is to be sent."""
        self._options = options
        self._rejections: list[Rejection] = []
        self._on_rejection = options.on_rejection or self._keep
        self._chunks: deque[Any] = deque()
        """Sent and not acknowledged."""
        self._acknowledged = 0
        self._sent = 0
        """Acknowledged, and in `_chunks`."""
        self._next = self._chunk([])
        """The chunk that is not full yet."""
        self._next_bytes = 0
        self._known = 0
        """The number of items whose results are known."""
        self._skip_to = 0
        """Items before this one were committed by an earlier run: they are read, and not sent."""
        self._skipped_rejection: Any = None
        """The rejection of the last item to skip."""
        self._is_ready = False
        """Whether the service has said how far earlier streams came."""
        self._is_finished = False
        """Whether an earlier run finished the import."""
        self._is_complete = False
        """Whether all items were read."""

    @abstractmethod
    def _name(self, rejection: Any, item: Item) -> None:
        """Adds what identifies the item: the service sends it only once."""

    def _start_options(self) -> dict[str, Any]:
        """Further fields of the start."""
        return {}

    def _start(self) -> Any:
        options = self._options
        start = self._request.Start(
            import_id=options.import_id,
            known_count=self._known,
            fingerprint=options.fingerprint,
            validate_only=options.validate_only,
            **self._start_options(),
        )
        return self._request(start=start)

    def _chunk(self, items: Sequence[Item]) -> Any:
        return self._request(chunk=self._request.Chunk(**{self._field: items}))

    def _items(self, request: Any) -> Any:
        return getattr(request.chunk, self._field)

    @property
    def result(self) -> ImportResult[Summary, Rejection]:
        """What the import did, once the summary has come."""
        assert self.summary is not None
        return ImportResult(self._options.import_id, self.summary, self._rejections)

    @property
    def needs_items(self) -> bool:
        """Whether items must be read from the source before more messages can be received."""
        skips = self._sent < self._skip_to or self._is_finished
        return skips and not self._is_complete

    @property
    def wants_items(self) -> bool:
        """Whether items can be sent."""
        return self._is_ready and not self._is_complete and len(self._chunks) < MAX_CHUNKS

    def open(self) -> None:
        """A new stream: the service says first what is committed."""
        self.retry.opened()
        self._is_ready = False
        self.closed = False
        self._hold_next()
        self._skip_to = self._sent
        self._skipped_rejection = None
        self.outgoing.clear()
        self.outgoing.append(self._start())

    def add(self, item: Item) -> bool:
        """Takes an item of the source. Returns whether to look what else there is to do."""
        if self._sent < self._skip_to:
            self._skip(item)
            return self._sent == self._skip_to
        if self._is_finished:
            raise ValueError(f"the finished import has only {self._sent} items")
        size = item.ByteSize() + ITEM_OVERHEAD
        is_full = self._next_bytes + size > MAX_BYTES and self._next_bytes > 0
        if is_full:
            self._send_next()
        self._next_bytes += size
        items = self._items(self._next)
        items.append(item)
        if len(items) == MAX_ITEMS:
            self._send_next()
            return True
        return is_full

    def end(self) -> None:
        """The source has ended."""
        if self._sent < self._skip_to:
            raise ValueError(
                f"the source has {self._sent} items; {self._skip_to} of this import are committed"
            )
        self._is_complete = True
        self._send_next()
        self._send_finish()

    def receive(self, response: Any) -> None:
        """Takes a message of the service."""
        kind = response.WhichOneof("message")
        if kind == "rejection":
            self._reject(response.rejection)
        elif kind == "summary":
            self._summarize(response.summary)
        elif kind == "progress" and self._is_ready:
            self._acknowledge(response.progress.processed_count)
        elif kind == "progress":
            self._resume(response.progress.processed_count, response.progress.finished)

    def _skip(self, item: Item) -> None:
        self._sent += 1
        self._acknowledged = self._sent
        if self._sent == self._skip_to and self._skipped_rejection is not None:
            rejection, self._skipped_rejection = self._skipped_rejection, None
            self._emit(rejection, item)
        self._known = max(self._known, self._sent)

    def _hold_next(self) -> None:
        """The next chunk is in flight."""
        count = len(self._items(self._next))
        if count > 0:
            self._chunks.append(self._next)
            self._sent += count
            self._next = self._chunk([])
            self._next_bytes = 0

    def _send_next(self) -> None:
        before = len(self._chunks)
        self._hold_next()
        if len(self._chunks) > before:
            self.outgoing.append(self._chunks[-1])

    def _send_finish(self) -> None:
        if not self._is_finished:
            self.outgoing.append(self._request(finish=self._request.Finish()))
        self.closed = True

    def _resume(self, processed: int, finished: bool) -> None:
        """The service has answered the start. What it has not committed is sent again."""
        if processed < self._known:
            raise LostRowsError(
                grpc.StatusCode.DATA_LOSS,
                details=f"{self._known - processed} acknowledged items are lost",
            )
        self._is_ready = True
        self._is_finished = finished
        self._skip_to = processed
        self._acknowledge(min(processed, self._sent))
        if not finished:
            self.outgoing.extend(self._chunks)
        if self._is_complete:
            self._send_finish()

    def _acknowledge(self, processed: int) -> None:
        """All items before this one are committed or rejected."""
        if processed > self._sent:
            raise _unexpected(processed)
        if processed > self._acknowledged:
            self.retry.progress()
        while self._chunks and processed > self._acknowledged:
            items = self._items(self._chunks[0])
            count = min(len(items), processed - self._acknowledged)
            self._acknowledged += count
            if count == len(items):
                self._chunks.popleft()
            else:
                self._chunks[0] = self._chunk(items[count:])
        self._known = max(self._known, processed)

    def _reject(self, rejection: Any) -> None:
        index = rejection.index
        if index >= self._sent and not self._is_ready:
            # Emitted when its item is read. Earlier rejections have been: they come in order.
            self._skip_to = index + 1
            self._skipped_rejection = rejection
            return
        offset = index - self._acknowledged
        for chunk in self._chunks:
            items = self._items(chunk)
            if 0 <= offset < len(items):
                self._emit(rejection, items[offset])
                return
            offset -= len(items)
        raise _unexpected(index)

    def _emit(self, rejection: Any, item: Item) -> None:
        self._name(rejection, item)
        self._known = max(self._known, rejection.index + 1)
        self._on_rejection(rejection)

    def _keep(self, rejection: Any) -> None:
        if len(self._rejections) < MAX_REJECTIONS:
            self._rejections.append(rejection)

    def _summarize(self, summary: Any) -> None:
        self._acknowledge(summary.processed_count)
        if not self._is_complete or summary.processed_count != self._sent:
            raise _unexpected(summary.processed_count)
        self.summary = summary


def _unexpected(index: int) -> MailingGroupsError:
    return MailingGroupsError(
        grpc.StatusCode.INTERNAL,
        details=f"the service answered item {index}, which is not in flight",
    )


class ContactsUpload(
    Upload[v1.Contact, v1.ImportContactsResponse.Rejection, v1.ImportContactsResponse.Summary]
):
    """An import of contacts."""

    _request = v1.ImportContactsRequest
    _field = "contacts"

    def _start_options(self) -> dict[str, Any]:
        options = self._options
        return {"update_mask": options.update_mask, "reuse_former": options.reuse_former}

    def _name(self, rejection: v1.ImportContactsResponse.Rejection, item: v1.Contact) -> None:
        rejection.id = item.id


class MembershipsUpload(
    Upload[
        v1.Assignment,
        v1.ImportMembershipsResponse.Rejection,
        v1.ImportMembershipsResponse.Summary,
    ]
):
    """An import of memberships."""

    _request = v1.ImportMembershipsRequest
    _field = "assignments"

    def _name(self, rejection: v1.ImportMembershipsResponse.Rejection, item: v1.Assignment) -> None:
        rejection.assignment.CopyFrom(item)
