from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from mailinggroups import Tls
from support import FIGURES, Api, AsyncApi, Proxy, Server, SyncApi, new_tenant

# A test run that is terminated stops its servers too.
signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for figure in FIGURES:
        terminalreporter.line(f"python: {figure}")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server without TLS and authentication."""
    server = Server()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def tls_folder() -> Path:
    """Certificates, and the configuration and the token of a caller."""
    return Path(os.environ["MAILING_GROUPS_TLS"])


@pytest.fixture(scope="session")
def tls_server(tls_folder: Path) -> Iterator[Server]:
    """A server with TLS, which asks for a token."""
    flags = {
        "--tls-cert": "server.pem",
        "--tls-key": "server.key",
        "--auth-config": "auth.toml",
    }
    arguments = [part for flag, name in flags.items() for part in (flag, str(tls_folder / name))]
    server = Server(*arguments, tls=Tls(ca=tls_folder / "ca.pem"))
    yield server
    server.remove()


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    """A proxy before the server."""
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


@pytest_asyncio.fixture(params=[SyncApi, AsyncApi], ids=["sync", "aio"])
async def connect(request: pytest.FixtureRequest) -> AsyncIterator[Callable[..., Api]]:
    """Makes clients of each kind, for a tenant of their own."""
    apis: list[Api] = []
    tenant = new_tenant()

    def make(address: str, **settings: Any) -> Api:
        api: Api = request.param(address, **{"tenant": tenant, **settings})
        apis.append(api)
        return api

    yield make
    for api in apis:
        await api.close()


@pytest_asyncio.fixture
async def api(connect: Callable[..., Api], server: Server) -> Api:
    """A client without a proxy."""
    return connect(server.address)
