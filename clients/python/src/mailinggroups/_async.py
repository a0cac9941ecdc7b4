"""Input and output of the asyncio client: calls, streams, imports."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
)
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

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


class _Interceptor:
    """Adds metadata to all calls, and a deadline and a request id to unary ones."""

    def __init__(
        self, settings: Settings, token: Callable[[], str | Awaitable[str]] | None
    ) -> None:
        self._settings = settings
        self._token = token

    async def _details(
        self, details: grpc.aio.ClientCallDetails, timeout: float | None
    ) -> grpc.aio.ClientCallDetails:
        token = self._token() if self._token is not None else None
        if inspect.isawaitable(token):
            token = await token
        return grpc.aio.ClientCallDetails(
            details.method,
            details.timeout if details.timeout is not None else timeout,
            grpc.aio.Metadata(*self._settings.metadata(details.metadata, token)),
            details.credentials,
            details.wait_for_ready,
        )


class _UnaryInterceptor(_Interceptor, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(
        self, continuation: Any, client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        details = await self._details(client_call_details, self._settings.timeout)
        call = await continuation(details, with_request_id(request))
        try:
            await call
        except grpc.aio.AioRpcError as error:
            raise MailingGroupsError.of(error) from None
        return call


class _StreamInterceptor(_Interceptor, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(
        self, continuation: Any, client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        details = await self._details(client_call_details, None)
        return _responses(await continuation(details, request))


class _ImportInterceptor(_Interceptor, grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(
        self,
        continuation: Any,
        client_call_details: grpc.aio.ClientCallDetails,
        request_iterator: Any,
    ) -> Any:
        details = await self._details(client_call_details, None)
        return _responses(await continuation(details, request_iterator))


def interceptors(
    settings: Settings, token: Callable[[], str | Awaitable[str]] | None
) -> list[grpc.aio.ClientInterceptor]:
    """The interceptors of a channel. One object of several kinds would count as the first only."""
    return [
        _UnaryInterceptor(settings, token),
        _StreamInterceptor(settings, token),
        _ImportInterceptor(settings, token),
    ]


async def _responses(call: AsyncIterable[Response]) -> AsyncIterator[Response]:
    """The responses of a call, which raises errors of this package."""
    try:
        async for response in call:
            yield response
    except grpc.aio.AioRpcError as error:
        raise MailingGroupsError.of(error) from None


class _Reader(Generic[Response]):
    """Reads a call in a task of its own, a few messages ahead."""

    def __init__(self, call: Any, ahead: int) -> None:
        self._call = call
        self._messages: asyncio.Queue[Response | Exception] = asyncio.Queue()
        self._room = asyncio.Semaphore(ahead)
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            async for message in self._call:
                self._messages.put_nowait(message)
                await self._room.acquire()
            self._messages.put_nowait(_retry.ended())
        except asyncio.CancelledError:
            # Also if the client is closed.
            self._messages.put_nowait(_retry.ended())
            raise
        except MailingGroupsError as error:
            self._messages.put_nowait(Broken(error))
        except Exception as error:  # noqa: BLE001 - the consumer raises it
            self._messages.put_nowait(error)

    def is_empty(self) -> bool:
        return self._messages.empty()

    async def read(self) -> Response:
        try:
            message = await asyncio.wait_for(self._messages.get(), SILENCE)
        except asyncio.TimeoutError:
            raise _retry.silent() from None
        if isinstance(message, Exception):
            raise message
        self._room.release()
        return message

    async def finish(self) -> None:
        """After the last message: lets the call end by itself, within a second."""
        await asyncio.wait([self._task], timeout=1)

    def close(self) -> None:
        self._call.cancel()
        self._task.cancel()
        # Wakes a consumer that waits in another task.
        self._messages.put_nowait(_retry.ended())


class Stream(Generic[Item, Summary]):
    """An iterator that continues a broken stream where it broke. It ends with the summary.

    It is iterated once. Closing it, from any task, cancels the call; so does leaving `async with`.
    """

    def __init__(
        self,
        state: StreamState[Request, Response, Item, Summary],
        method: Callable[[Request], AsyncIterable[Response]],
    ) -> None:
        self._state = state
        self._closed = asyncio.Event()
        self._reader: _Reader[Any] | None = None
        self._items = self._read(state, method)

    @property
    def summary(self) -> Summary | None:
        """The last message of the service; None before the end."""
        return self._state.summary

    def __aiter__(self) -> AsyncIterator[Item]:
        return self._items

    async def __anext__(self) -> Item:
        return await anext(self._items)

    async def close(self) -> None:
        """Cancels the call; the iteration ends."""
        self._closed.set()
        if self._reader is not None:
            self._reader.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _read(
        self,
        state: StreamState[Request, Response, Item, Summary],
        method: Callable[[Request], AsyncIterable[Response]],
    ) -> AsyncIterator[Item]:
        while True:
            state.retry.opened()
            reader: _Reader[Response] = _Reader(method(state.request), 1)
            self._reader = reader
            try:
                if self._closed.is_set():
                    return
                while state.summary is None:
                    for item in state.receive(await reader.read()):
                        yield item
                await reader.finish()
                return
            except Broken as broken:
                if self._closed.is_set():
                    return
                pause = state.retry.pause(broken.error)
            finally:
                reader.close()
            for item in state.reopen():
                yield item
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._closed.wait(), pause)


async def upload(
    state: Upload[Any, Rejection, Summary],
    method: Callable[[AsyncIterator[Request]], AsyncIterable[Response]],
    items: AsyncIterable[Any] | Iterable[Any],
) -> ImportResult[Summary, Rejection]:
    """Imports items, over as many streams as it takes."""
    async with aclosing(_source(items)) as source:
        while True:
            requests: asyncio.Queue[Request | None] = asyncio.Queue()
            state.open()
            reader: _Reader[Response] = _Reader(method(_requests(requests)), AHEAD)
            try:
                while state.summary is None:
                    _send(state, requests)
                    await _step(state, reader, source)
                await reader.finish()
                return state.result
            except Broken as broken:
                pause = state.retry.pause(broken.error)
            finally:
                requests.put_nowait(None)
                reader.close()
            await asyncio.sleep(pause)


async def _source(items: AsyncIterable[Item] | Iterable[Item]) -> AsyncGenerator[Item, None]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


async def _requests(queue: asyncio.Queue[Request | None]) -> AsyncIterator[Request]:
    while (request := await queue.get()) is not None:
        yield request


def _send(state: Upload[Any, Any, Any], requests: asyncio.Queue[Request | None]) -> None:
    while state.outgoing:
        requests.put_nowait(state.outgoing.popleft())
    if state.closed:
        requests.put_nowait(None)


async def _step(
    state: Upload[Any, Any, Any],
    reader: _Reader[Response],
    source: AsyncIterator[Any],
) -> None:
    """Reads items to fill a chunk, or a message."""
    if state.needs_items or (state.wants_items and reader.is_empty()):
        async for item in source:
            if state.add(item):
                return
        state.end()
    else:
        state.receive(await reader.read())
