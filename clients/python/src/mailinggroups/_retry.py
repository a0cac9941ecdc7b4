"""When a broken stream is continued, and when it is given up."""

import random
import time

import grpc

from mailinggroups.errors import MailingGroupsError

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.5

_BROKEN = frozenset(
    [
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
    ]
)
"""The codes of a connection that broke."""

_IN_ORDER = frozenset(
    [
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNAUTHENTICATED,
    ]
)
"""The service limits the age of every stream, and ends it when its token expires. There may be a
new token by now."""


class Retry:
    """Growing pauses, limited by the time without progress. That time begins with a failure: a
    consumer or a source may be slow."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._opened_with_progress = False
        self._failing_since: float | None = None
        self._pause = FIRST_PAUSE

    def opened(self) -> None:
        """A new stream was opened."""
        self._opened_with_progress = False

    def progress(self) -> None:
        """The stream would now be continued later than before."""
        self._opened_with_progress = True
        self._failing_since = None
        self._pause = FIRST_PAUSE

    def pause(self, error: MailingGroupsError) -> float:
        """The seconds to wait before the stream is continued. Raises the error if it is permanent
        or the limit would be exceeded."""
        if self._limit <= 0:
            raise error from None
        if self._opened_with_progress and error.code() in _IN_ORDER:
            return 0
        # So that many clients do not return at once.
        pause = max(self._pause * random.uniform(1, 2), error.retry_delay or 0)
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        if not is_transient(error) or now - self._failing_since + pause > self._limit:
            raise error from None
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        return pause


def is_transient(error: MailingGroupsError) -> bool:
    """Whether the same call may succeed a little later: the connection broke, the service is
    unavailable, or it says when to try again."""
    if error.reason_name:
        return error.code() is grpc.StatusCode.UNAVAILABLE or error.retry_delay is not None
    return error.code() in _BROKEN


class Broken(Exception):
    """A stream that ended early. It is no error of what the consumer does with the stream."""

    def __init__(self, error: MailingGroupsError) -> None:
        super().__init__(error)
        self.error = error


def broken(reason: str) -> Broken:
    """A stream that ended without an error of its own."""
    return Broken(MailingGroupsError(grpc.StatusCode.UNAVAILABLE, details=reason))


def ended() -> Broken:
    """A stream that ended without its last message."""
    return broken("the stream ended without its summary")


def silent() -> Broken:
    """A stream that sent nothing for too long."""
    return broken("the service sent nothing for too long")
