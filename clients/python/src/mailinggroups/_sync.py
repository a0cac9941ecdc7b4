"""Input and output of the synchronous client: calls, streams, imports."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import grpc

from mailinggroups import _retry
from mailinggroups._connection import AHEAD, SILENCE, Settings, with_request_id
from mailinggroups._import_options import ImportResult
from mailinggroups._retry import Broken
from mailinggroups._streams import StreamState
from mailinggroups._upload import Upload
from mailinggroups.errors import MailingGroupsError

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

Request = TypeVar("Request")
Response = TypeVar("Response")
Item = TypeVar("Item")
Summary = TypeVar("Summary")
Rejection = TypeVar("Rejection")


class _CallDetails(NamedTuple):
    method: str
    timeout: float | None
    metadata: Any
    credentials: grpc.CallCredentials | None
    wait_for_ready: bool | None
    compression: grpc.Compression | None


class _Details(_CallDetails, grpc.ClientCallDetails):
    """What an interceptor hands on."""


class _Call:
    """A call that raises errors of this package."""

    def __init__(self, call: Any) -> None:
        self._call = call

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)

    def result(self, timeout: float | None = None) -> Any:
        try:
            return self._call.result(timeout)
        except grpc.RpcError as error:
            raise MailingGroupsError.of(error) from None

    def exception(self, timeout: float | None = None) -> BaseException | None:
        error: BaseException | None = self._call.exception(timeout)
        return MailingGroupsError.of(error) if isinstance(error, grpc.RpcError) else error

    def __iter__(self) -> _Call:
        return self

    def __next__(self) -> Any:
        try:
            return next(self._call)
        except grpc.RpcError as error:
            raise MailingGroupsError.of(error) from None


class Interceptor(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Adds metadata to all calls, and a deadline and a request id to unary ones."""

    def __init__(self, settings: Settings, token: Callable[[], str] | None) -> None:
        self._settings = settings
        self._token = token

    def _details(self, details: grpc.ClientCallDetails, timeout: float | None) -> _Details:
        token = self._token() if self._token is not None else None
        return _Details(
            details.method,
            details.timeout if details.timeout is not None else timeout,
            self._settings.metadata(details.metadata, token),
            details.credentials,
            details.wait_for_ready,
            details.compression,
        )

    def intercept_unary_unary(
        self, continuation: Any, client_call_details: grpc.ClientCallDetails, request: Any
    ) -> Any:
        details = self._details(client_call_details, self._settings.timeout)
        return _Call(continuation(details, with_request_id(request)))

    def intercept_unary_stream(
        self, continuation: Any, client_call_details: grpc.ClientCallDetails, request: Any
    ) -> Any:
        return _Call(continuation(self._details(client_call_details, None), request))

    def intercept_stream_stream(
        self, continuation: Any, client_call_details: grpc.ClientCallDetails, request_iterator: Any
    ) -> Any:
        return _Call(continuation(self._details(client_call_details, None), request_iterator))


class _Reader(Generic[Response]):
    """Reads a call in a thread of its own, a few messages ahead: reading in the thread of the
    consumer could neither be limited in time nor go on while the consumer is busy."""

    def __init__(self, call: Any, ahead: int) -> None:
        self._call = call
        self._messages: queue.SimpleQueue[Response | Exception] = queue.SimpleQueue()
        self._room = threading.Semaphore(ahead)
        # A daemon: a watch that was not closed does not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name="mailing-groups", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for message in self._call:
                self._messages.put(message)
                self._room.acquire()
            self._messages.put(_retry.ended())
        except MailingGroupsError as error:
            self._messages.put(Broken(error))
        except Exception as error:  # noqa: BLE001 - the consumer raises it
            self._messages.put(error)

    def is_empty(self) -> bool:
        return self._messages.empty()

    def read(self) -> Response:
        try:
            message = self._messages.get(timeout=SILENCE)
        except queue.Empty:
            raise _retry.silent() from None
        if isinstance(message, Exception):
            raise message
        self._room.release()
        return message

    def finish(self) -> None:
        """After the last message: lets the call end by itself, within a second."""
        self._thread.join(1)

    def close(self) -> None:
        self._call.cancel()
        self._room.release()


class Stream(Generic[Item, Summary]):
    """An iterator that continues a broken stream where it broke. It ends with the summary.

    It is iterated once. Closing it, from any thread, cancels the call; so does leaving `with`, and
    so does the garbage collection of a loop that was left.
    """

    def __init__(
        self,
        state: StreamState[Request, Response, Item, Summary],
        method: Callable[[Request], Iterable[Response]],
    ) -> None:
        self._state = state
        self._closed = threading.Event()
        self._reader: _Reader[Any] | None = None
        self._items = self._read(state, method)

    @property
    def summary(self) -> Summary | None:
        """The last message of the service; None before the end."""
        return self._state.summary

    def __iter__(self) -> Iterator[Item]:
        return self._items

    def __next__(self) -> Item:
        return next(self._items)

    def close(self) -> None:
        """Cancels the call; the iteration ends."""
        self._closed.set()
        if self._reader is not None:
            self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _read(
        self,
        state: StreamState[Request, Response, Item, Summary],
        method: Callable[[Request], Iterable[Response]],
    ) -> Iterator[Item]:
        while True:
            state.retry.opened()
            reader: _Reader[Response] = _Reader(method(state.request), 1)
            self._reader = reader
            try:
                if self._closed.is_set():
                    return
                while state.summary is None:
                    yield from state.receive(reader.read())
                reader.finish()
                return
            except Broken as broken:
                if self._closed.is_set():
                    return
                pause = state.retry.pause(broken.error)
            finally:
                reader.close()
            yield from state.reopen()
            self._closed.wait(pause)


def upload(
    state: Upload[Any, Rejection, Summary],
    method: Callable[[Iterator[Request]], Iterable[Response]],
    items: Iterable[Any],
) -> ImportResult[Summary, Rejection]:
    """Imports items, over as many streams as it takes."""
    source = iter(items)
    while True:
        requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        state.open()
        reader: _Reader[Response] = _Reader(method(iter(requests.get, None)), AHEAD)
        try:
            while state.summary is None:
                _send(state, requests)
                _step(state, reader, source)
            reader.finish()
            return state.result
        except Broken as broken:
            pause = state.retry.pause(broken.error)
        finally:
            # Ends the thread that sends.
            requests.put(None)
            reader.close()
        time.sleep(pause)


def _send(state: Upload[Any, Any, Any], requests: queue.SimpleQueue[Request | None]) -> None:
    while state.outgoing:
        requests.put(state.outgoing.popleft())
    if state.closed:
        requests.put(None)


def _step(state: Upload[Any, Any, Any], reader: _Reader[Response], source: Iterator[Any]) -> None:
    """Reads items to fill a chunk, or a message."""
    if state.needs_items or (state.wants_items and reader.is_empty()):
        for item in source:
            if state.add(item):
                return
        state.end()
    else:
        state.receive(reader.read())
