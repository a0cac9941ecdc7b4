"""The error of calls, streams and imports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import (
    BadRequest,
    ErrorInfo,
    PreconditionFailure,
    QuotaFailure,
    ResourceInfo,
    RetryInfo,
)
from google.rpc.status_pb2 import Status

from mailinggroups import v1

Detail = TypeVar("Detail", bound=Message)

_DETAILS = "grpc-status-details-bin"
_DOMAIN = "mailinggroups"
_REQUEST_ID = "x-request-id"


class MailingGroupsError(grpc.aio.AioRpcError):
    """A call that failed, with what the service says about it.

    It is a `grpc.RpcError` too, and has its methods `code()`, `details()` and
    `trailing_metadata()`, in the synchronous client as well.
    """

    reason: v1.ErrorReason.ValueType
    """Why; `ERROR_REASON_UNSPECIFIED` if this version does not know the reason, or if the error
    is not one of the service: a broken connection, a proxy."""
    reason_name: str
    """The reason as text without `ERROR_REASON_`; empty if there is none."""
    metadata: Mapping[str, str]
    """What belongs to the reason, such as `former` and `current`."""
    field_violations: Sequence[BadRequest.FieldViolation]
    """The invalid fields of the request."""
    precondition_violations: Sequence[PreconditionFailure.Violation]
    """What is in the way."""
    quota_violations: Sequence[QuotaFailure.Violation]
    """The limits that are reached."""
    resource: ResourceInfo | None
    """The resource that is missing, or that exists already."""
    retry_delay: float | None
    """The seconds after which the call can be repeated, if the service says so."""
    request_id: str | None
    """The id of the call in the service's log, if it answered."""

    def __init__(
        self,
        code: grpc.StatusCode,
        initial_metadata: grpc.aio.Metadata | None = None,
        trailing_metadata: grpc.aio.Metadata | None = None,
        details: str | None = None,
        debug_error_string: str | None = None,
    ) -> None:
        trailing = trailing_metadata or grpc.aio.Metadata()
        initial = initial_metadata or grpc.aio.Metadata()
        super().__init__(code, initial, trailing, details, debug_error_string)
        status = _status(trailing)
        info = _find(status, ErrorInfo)
        if info is None or info.domain != _DOMAIN:
            info = ErrorInfo()
        self.reason_name = info.reason
        self.reason = _reason(info.reason)
        self.metadata = dict(info.metadata)
        self.field_violations = (_find(status, BadRequest) or BadRequest()).field_violations
        failure = _find(status, PreconditionFailure) or PreconditionFailure()
        self.precondition_violations = failure.violations
        self.quota_violations = (_find(status, QuotaFailure) or QuotaFailure()).violations
        self.resource = _find(status, ResourceInfo)
        retry = _find(status, RetryInfo)
        self.retry_delay = retry.retry_delay.ToTimedelta().total_seconds() if retry else None
        request_id = trailing.get(_REQUEST_ID) or initial.get(_REQUEST_ID)
        self.request_id = str(request_id) if request_id else None

    @classmethod
    def of(cls, error: grpc.RpcError) -> MailingGroupsError:
        """The error of a call that was made with plain gRPC."""
        if isinstance(error, MailingGroupsError):
            return error
        assert isinstance(error, (grpc.Call, grpc.aio.AioRpcError))
        return cls(
            error.code(),
            _metadata(error.initial_metadata()),
            _metadata(error.trailing_metadata()),
            error.details(),
            # That of a synchronous call that was cancelled never returns.
            error.debug_error_string() if isinstance(error, grpc.aio.AioRpcError) else None,
        )

    def __str__(self) -> str:
        reason = f" ({self.reason_name})" if self.reason_name else ""
        return f"{self.code().name}{reason}: {self.details()}"

    __repr__ = __str__


class LostRowsError(MailingGroupsError):
    """Items of an import that were acknowledged are not committed any more: a backup of the
    database was restored, or a standby that lagged took over. The code is DATA_LOSS."""


def _status(trailing: grpc.aio.Metadata) -> Status:
    encoded = trailing.get(_DETAILS, b"")
    try:
        return Status.FromString(encoded if isinstance(encoded, bytes) else encoded.encode())
    except DecodeError:
        return Status()


def _find(status: Status, detail: type[Detail]) -> Detail | None:
    """The detail of a type. The order of details is not fixed."""
    for packed in status.details:
        found = detail()
        if packed.Unpack(found):
            return found
    return None


def _reason(name: str) -> v1.ErrorReason.ValueType:
    try:
        return v1.ErrorReason.Value("ERROR_REASON_" + name)
    except ValueError:
        return v1.ERROR_REASON_UNSPECIFIED


def _metadata(pairs: object) -> grpc.aio.Metadata:
    """Metadata of a call of either API."""
    metadata = grpc.aio.Metadata()
    for key, value in pairs or ():  # type: ignore[attr-defined]
        metadata.add(key, value)
    return metadata
