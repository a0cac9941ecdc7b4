"""What both clients know of a connection: address, TLS, options, metadata."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import re
import ssl
import uuid
from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import grpc

from mailinggroups._version import VERSION

Metadata: TypeAlias = Iterable[tuple[str, str | bytes]]
StrPath: TypeAlias = str | os.PathLike[str]
Token = TypeVar("Token")

DEADLINE = 60.0
"""The seconds of a unary call."""
RETRY_FOR = 60.0
"""How many seconds a broken stream is continued without progress."""
SILENCE = 50.0
"""A stream that sent nothing for so many seconds counts as broken: the service sends a heartbeat
every 15 seconds, so three are missing."""
AHEAD = 10_000
"""How many answers of an import are read while the source is read: more than the items in flight
can have."""

_LARGEST_MESSAGE = 64 << 20
"""A page with every field at its longest fits."""
_LARGEST_REQUEST = 4 << 20


@dataclasses.dataclass(frozen=True)
class Tls:
    """TLS with PEM files; without `ca` the authorities that the system trusts.

    `cert` and `key` show who the client is, where the service asks for certificates. The files are
    read when the client is made.
    """

    ca: StrPath | None = None
    cert: StrPath | None = None
    key: StrPath | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """The credentials of a channel."""
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key belong together")
        roots = _system_roots() if self.ca is None else Path(self.ca).read_bytes()
        key = None if self.key is None else Path(self.key).read_bytes()
        cert = None if self.cert is None else Path(self.cert).read_bytes()
        return grpc.ssl_channel_credentials(roots, key, cert)


def _system_roots() -> bytes | None:
    """The authorities that OpenSSL trusts here; None for those that grpcio brings."""
    if "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH" in os.environ:
        return None
    trusted = ssl.create_default_context().get_ca_certs(binary_form=True)
    pem = "".join(ssl.DER_cert_to_PEM_cert(certificate) for certificate in trusted)
    return pem.encode() or None


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a client was made with."""

    address: str
    tenant: str | None
    has_token: bool
    tls: Tls | grpc.ChannelCredentials | None
    allow_plaintext_token: bool
    timeout: float | None
    retry_for: float

    def __post_init__(self) -> None:
        if re.match("https?:", self.address):
            raise ValueError("address is HOST:PORT; for TLS pass tls=Tls(...)")
        is_private = self.tls is not None or is_loopback(self.address)
        if self.has_token and not is_private and not self.allow_plaintext_token:
            raise ValueError(
                f"the token would go to {self.address} without TLS, where others may read it;"
                " use tls=Tls(...), or allow_plaintext_token=True in a network that you trust"
            )

    def credentials(self) -> grpc.ChannelCredentials | None:
        """The credentials of the channel; None without TLS."""
        return self.tls.credentials() if isinstance(self.tls, Tls) else self.tls

    def options(self) -> list[tuple[str, str | int]]:
        """The options of the channel."""
        service_config = resources.files("mailinggroups") / "service_config.json"
        options: list[tuple[str, str | int]] = [
            ("grpc.service_config", service_config.read_text("utf-8")),
            # Larger requests than this are not repeated. The default is 256 KiB.
            ("grpc.per_rpc_retry_buffer_size", 2 * _LARGEST_REQUEST),
            ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
            # Finds a dead connection, also of a stream that is silent.
            ("grpc.keepalive_time_ms", 20_000),
            ("grpc.keepalive_timeout_ms", 10_000),
            ("grpc.http2.max_pings_without_data", 0),
            # A server that is back is found soon; the default is 2 minutes.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 2_000),
            ("grpc.primary_user_agent", f"mailing-groups-python/{VERSION}"),
        ]
        if is_loopback(self.address):
            # A token for this computer does not go to a proxy.
            options.append(("grpc.enable_http_proxy", 0))
        return options

    def metadata(self, own: Metadata | None, token: str | None) -> list[tuple[str, str | bytes]]:
        """The metadata of a call; what the caller gave has precedence."""
        metadata = list(own or ())
        keys = {key for key, _ in metadata}
        if self.tenant is not None and "x-tenant" not in keys:
            metadata.append(("x-tenant", self.tenant))
        if token is not None and "authorization" not in keys:
            metadata.append(("authorization", f"Bearer {checked(token)}"))
        return metadata


def is_loopback(address: str) -> bool:
    """Whether an address in the form of gRPC is on this computer."""
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    host = re.sub("^(dns:(///?)?|ipv[46]:)", "", address)
    host = re.sub(r":\d+$", "", host).strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked(token: str) -> str:
    """The token; it is not part of errors."""
    token = token.strip()
    if not re.fullmatch("[!-~]+", token):
        raise ValueError("the token is not one word of ASCII characters")
    return token


def with_request_id(request: Any) -> Any:
    """The request, in a copy with a `request_id` if it has that field and it is empty: the same for
    all attempts, another for each call."""
    if "request_id" not in request.DESCRIPTOR.fields_by_name or request.request_id:
        return request
    named = type(request)()
    named.CopyFrom(request)
    named.request_id = str(uuid.uuid4())
    return named


def token_source(token: str | Callable[[], Token] | None) -> Callable[[], str | Token] | None:
    """What gives the token of a call; None without one."""
    if not isinstance(token, str):
        return token
    constant = checked(token)
    return lambda: constant
