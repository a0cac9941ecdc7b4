"""Servers, a proxy that breaks connections, and one face for both clients."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc

import mailinggroups
from mailinggroups import aio

PATIENCE = 120.0
"""Seconds for what takes a few at most."""
FIGURES: list[str] = []
"""What the tests measured, for the end of their output."""


def new_tenant() -> str:
    """A tenant of the test's own."""
    return f"py-{uuid.uuid4().hex[:12]}"


class Server:
    """The service, with a database of its own."""

    def __init__(self, *flags: str, tls: mailinggroups.Tls | None = None) -> None:
        self._program = os.environ["MAILING_GROUPS"]
        self._flags = flags
        self._tls = tls
        self._folder = tempfile.mkdtemp(prefix="mg-python-")
        # Run by root, PostgreSQL is another user and would have its data elsewhere.
        Path(self._folder).chmod(0o755)
        self.port = free_port()
        self.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it, also again, on the same data and port."""
        data = f"{self._folder}/data"
        command = [self._program, "--data-dir", data, "--listen", self.address, *self._flags]
        with Path(self._folder, "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE
        while not self._serves():
            if self._process.poll() is not None or time.monotonic() > end:
                raise AssertionError(Path(self._folder, "log").read_text())
            time.sleep(0.1)

    def _serves(self) -> bool:
        credentials = self._tls.credentials() if self._tls else None
        with (
            grpc.secure_channel(self.address, credentials)
            if credentials
            else grpc.insecure_channel(self.address)
        ) as channel:
            check = channel.unary_unary("/grpc.health.v1.Health/Check", bytes, bytes)
            try:
                return check(b"", timeout=1) == b"\x08\x01"
            except grpc.RpcError:
                return False

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Ends it with a signal."""
        self._process.send_signal(number)
        self._process.wait(PATIENCE)

    def remove(self) -> None:
        """Stops it and removes its data."""
        if self._process.poll() is None:
            self.stop()
        elif self._process.returncode == -signal.SIGKILL:
            # What a killed server leaves behind is stopped by the next one.
            self.start()
            self.stop()
        shutil.rmtree(self._folder)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Proxy:
    """Forwards connections to a server, and breaks them as a test says."""

    def __init__(self, port: int) -> None:
        self._server = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._open = threading.Event()
        self._open.set()
        self._budgets: deque[int] = deque()
        self._loses_answer = False
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def cut_after(self, *budgets: int) -> None:
        """Cuts the next connections, and the present one first, after so many bytes each."""
        self._budgets.extend(budgets)

    def lose_answer(self) -> None:
        """Cuts the connection instead of forwarding the next answer of a call."""
        self._loses_answer = True

    def freeze(self) -> None:
        """Forwards nothing more."""
        self._open.clear()

    def thaw(self) -> None:
        """Forwards again."""
        self._open.set()

    def close(self) -> None:
        # Wakes the thread that accepts.
        self._cut(self._listener)
        self._cut(*self._connections)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._server)
            except OSError:
                client.close()
                continue
            self._connections |= {client, server}
            for pump in (self._requests, self._answers):
                threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while data := client.recv(16 << 10):
                self._forward(server, data, client)
        except OSError:
            pass
        self._cut(client, server)

    def _answers(self, client: socket.socket, server: socket.socket) -> None:
        """Reads whole frames of HTTP/2: an answer begins with a frame of headers."""
        try:
            with server.makefile("rb") as frames:
                while head := frames.read(9):
                    (length,) = struct.unpack(">I", b"\0" + head[:3])
                    if self._loses_answer and head[3] == 1:
                        self._loses_answer = False
                        self.cuts += 1
                        break
                    self._forward(client, head + frames.read(length), server)
        except OSError:
            pass
        self._cut(client, server)

    def _forward(self, target: socket.socket, data: bytes, source: socket.socket) -> None:
        self._open.wait()
        with self._lock:
            if self._budgets:
                self._budgets[0] -= len(data)
                if self._budgets[0] < 0:
                    self._budgets.popleft()
                    self.cuts += 1
                    self._cut(source, target)
                    raise OSError("cut")
        target.sendall(data)

    def _cut(self, *connections: socket.socket) -> None:
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


class SyncApi:
    """The synchronous client, in threads."""

    def __init__(self, address: str, **settings: Any) -> None:
        self.client = mailinggroups.Client(address, **settings)

    async def call(self, method: Callable[[Any], Any]) -> Any:
        """Calls with the client, and returns the result."""
        return await asyncio.to_thread(method, self.client)

    async def items(
        self, method: Callable[[Any], Any], *, until: Callable[[Any], bool] | None = None
    ) -> tuple[list[Any], Any]:
        """Reads a stream, to its end or until an item; returns the items and the summary."""

        def read() -> tuple[list[Any], Any]:
            items = []
            with method(self.client) as stream:
                for item in stream:
                    items.append(item)
                    if until and until(item):
                        break
                return items, stream.summary

        return await asyncio.to_thread(read)

    async def close(self) -> None:
        self.client.close()


class AsyncApi:
    """The asyncio client."""

    def __init__(self, address: str, **settings: Any) -> None:
        self.client = aio.Client(address, **settings)

    async def call(self, method: Callable[[Any], Any]) -> Any:
        result = method(self.client)
        return await result if inspect.isawaitable(result) else result

    async def items(
        self, method: Callable[[Any], Any], *, until: Callable[[Any], bool] | None = None
    ) -> tuple[list[Any], Any]:
        items = []
        async with method(self.client) as stream:
            async for item in stream:
                items.append(item)
                if until and until(item):
                    break
            return items, stream.summary

    async def close(self) -> None:
        await self.client.close()


Api = SyncApi | AsyncApi
