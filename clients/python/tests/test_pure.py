"""What needs no server."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

import mailinggroups
from data import contacts
from mailinggroups import LostRowsError, MailingGroupsError, Tls, aio, v1
from mailinggroups._connection import is_loopback, with_request_id
from mailinggroups._import_options import import_options
from mailinggroups._retry import Retry, is_transient
from mailinggroups._upload import ContactsUpload

REPOSITORY = Path(__file__).parents[3]

Response = v1.ImportContactsResponse
ImportProgress = v1.ImportContactsResponse.Progress


def test_the_package_is_that_of_the_service() -> None:
    cargo = (REPOSITORY / "Cargo.toml").read_text()
    found = re.search('^version = "(.+)"$', cargo, re.MULTILINE)
    assert found
    assert mailinggroups.__version__ == found[1]
    config = REPOSITORY / "clients" / "service_config.json"
    assert config.read_text() == Path(mailinggroups.__file__).with_name(config.name).read_text()


def test_a_token_goes_to_another_computer_by_tls_only() -> None:
    for local in ("localhost:1", "127.0.0.1:1", "[::1]:1", "dns:///localhost:1", "unix:/run/x"):
        assert is_loopback(local), local
        mailinggroups.Client(local, token="secret").close()
    for remote in ("example.com:1", "10.0.0.1:1", "localhost.example:1", "dns:///example.com"):
        assert not is_loopback(remote), remote
        with pytest.raises(ValueError, match="without TLS") as raised:
            mailinggroups.Client(remote, token="secret")
        assert "secret" not in str(raised.value)
        mailinggroups.Client(remote).close()
        mailinggroups.Client(remote, token="secret", tls=Tls()).close()
        mailinggroups.Client(remote, token="secret", allow_plaintext_token=True).close()
    with pytest.raises(ValueError, match="HOST:PORT"):
        mailinggroups.Client("http://localhost:1")
    with pytest.raises(ValueError, match="one word"):
        mailinggroups.Client("localhost:1", token="two words")
    with pytest.raises(ValueError, match="belong together"):
        mailinggroups.Client("localhost:1", tls=Tls(key="key.pem"))


def test_a_request_id_is_added_where_there_is_none() -> None:
    request = v1.CreateContactRequest(reuse_former=True)
    first, second = with_request_id(request), with_request_id(request)
    assert first.reuse_former
    assert len({request.request_id, first.request_id, second.request_id}) == 3
    named = v1.CreateContactRequest(request_id="mine")
    assert with_request_id(named) is named
    read = v1.GetContactRequest(id="P")
    assert with_request_id(read) is read


def error(code: grpc.StatusCode) -> MailingGroupsError:
    return MailingGroupsError(code, details="no")


def test_only_transient_errors_are_retried_and_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    away = error(grpc.StatusCode.UNAVAILABLE)
    retry = Retry(60)
    pauses = [retry.pause(away) for _ in range(12)]
    assert 0.1 <= pauses[0] <= 0.2
    assert 2.5 <= pauses[-1] <= 5
    for code in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.DEADLINE_EXCEEDED):
        with pytest.raises(MailingGroupsError):
            retry.pause(error(code))
    assert not is_transient(error(grpc.StatusCode.ABORTED))
    # A consumer or a source may be slow: time counts from the first failure.
    retry = Retry(5)
    retry.progress()
    started = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: started + 600)
    retry.pause(away)
    monkeypatch.setattr(time, "monotonic", lambda: started + 606)
    with pytest.raises(MailingGroupsError):
        retry.pause(away)
    monkeypatch.undo()
    retry.progress()
    retry.pause(away)
    # The service ends old streams, and those whose token has expired.
    for code in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAUTHENTICATED):
        retry.opened()
        with pytest.raises(MailingGroupsError):
            retry.pause(error(code))
        retry.progress()
        assert retry.pause(error(code)) == 0
    for limit in (0, 0.01):
        with pytest.raises(MailingGroupsError):
            Retry(limit).pause(away)


def test_an_unknown_reason_keeps_its_text() -> None:
    from google.protobuf.any_pb2 import Any
    from google.protobuf.duration_pb2 import Duration
    from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
    from google.rpc.status_pb2 import Status

    retry, info, foreign = Any(), Any(), Any()
    retry.Pack(RetryInfo(retry_delay=Duration(seconds=1, nanos=500_000_000)))
    info.Pack(ErrorInfo(reason="NEWER", domain="mailinggroups", metadata={"a": "b"}))
    foreign.Pack(ErrorInfo(reason="OVERLOADED", domain="example.com"))

    def with_details(*details: Any) -> MailingGroupsError:
        status = Status(details=details).SerializeToString()
        trailing = grpc.aio.Metadata(("grpc-status-details-bin", status))
        return MailingGroupsError(grpc.StatusCode.ABORTED, None, trailing, "no")

    failed = with_details(retry, info)
    assert failed.reason == v1.ERROR_REASON_UNSPECIFIED
    assert (failed.reason_name, failed.metadata) == ("NEWER", {"a": "b"})
    assert failed.retry_delay == 1.5
    assert is_transient(failed)
    assert not with_details(foreign).reason_name


class Service:
    """Answers an upload, by hand."""

    def __init__(self, *, validate_only: bool = False) -> None:
        self.rejected: list[int] = []

        def reject(rejection: Response.Rejection) -> None:
            self.rejected.append(rejection.index)

        options = import_options("id", "", validate_only, reject)
        self.upload = ContactsUpload(options, 60)

    def open(self, processed: int, *, finished: bool = False) -> list[v1.ImportContactsRequest]:
        self.upload.open()
        (start,) = self.take()
        self.known = start.start.known_count
        self.progress(processed, finished=finished)
        return self.take()

    def take(self) -> list[v1.ImportContactsRequest]:
        taken = list(self.upload.outgoing)
        self.upload.outgoing.clear()
        return taken

    def progress(self, processed: int, *, finished: bool = False) -> None:
        progress = ImportProgress(processed_count=processed, finished=finished)
        self.upload.receive(Response(progress=progress))

    def reject(self, index: int) -> None:
        self.upload.receive(Response(rejection=Response.Rejection(index=index)))


def test_eight_chunks_are_in_flight_at_most() -> None:
    service = Service()
    assert not service.upload.wants_items
    assert service.open(0) == []
    sent = 0
    for contact in contacts(20_000):
        if not service.upload.wants_items:
            break
        sent += 1
        service.upload.add(contact)
    chunks = service.take()
    assert (sent, len(chunks)) == (8_000, 8)
    service.progress(1_500)
    assert service.upload.wants_items
    # What is not committed is sent again.
    chunks = service.open(2_500)
    assert service.known == 1_500
    assert [it.chunk.contacts[0].id for it in chunks] == [
        "P2500",
        "P3000",
        "P4000",
        "P5000",
        "P6000",
        "P7000",
    ]
    service.upload.end()
    (finish,) = service.take()
    assert finish.HasField("finish")
    assert service.upload.closed
    chunks = service.open(7_999)
    assert [it.WhichOneof("message") for it in chunks] == ["chunk", "finish"]
    assert service.upload.closed
    with pytest.raises(LostRowsError):
        service.open(7_998)


def test_a_chunk_has_a_mebibyte_at_most() -> None:
    service = Service()
    service.open(0)
    for number in range(40):
        service.upload.add(v1.Contact(id=str(number), name="x" * 100_000))
    service.upload.add(v1.Contact(id="huge", name="x" * (3 << 20)))
    service.upload.end()
    *chunks, _ = service.take()
    assert [len(it.chunk.contacts) for it in chunks] == [10, 10, 10, 10, 1]
    assert all(it.ByteSize() <= 1 << 20 for it in chunks[:-1])


def test_an_item_may_be_used_again() -> None:
    """Sources often fill one message again and again."""
    service = Service()
    service.open(0)
    contact = v1.Contact()
    for number in range(3):
        contact.id = str(number)
        service.upload.add(contact)
    service.upload.end()
    assert [it.id for it in service.take()[0].chunk.contacts] == ["0", "1", "2"]


def test_rejections_of_an_earlier_run_wait_for_their_items() -> None:
    service = Service()
    source = contacts(10)
    service.upload.open()
    for index in (2, 4):
        service.reject(index)
        assert service.upload.needs_items
        while service.upload.needs_items:
            service.upload.add(next(source))
    assert service.rejected == [2, 4]
    # The stream breaks before it says how far the import is.
    service.upload.open()
    service.take()
    service.upload.open()
    (start,) = service.take()
    assert start.start.known_count == 5
    service.reject(6)
    service.upload.open()
    (start,) = service.take()
    assert start.start.known_count == 5
    assert not service.upload.needs_items
    service.progress(8)
    while service.upload.needs_items:
        service.upload.add(next(source))
    assert next(source).id == "P8"
    assert service.rejected == [2, 4]


def test_what_the_service_cannot_have_is_an_error() -> None:
    service = Service()
    service.open(0)
    for contact in contacts(2):
        service.upload.add(contact)
    service.upload.end()
    with pytest.raises(MailingGroupsError, match="not in flight"):
        service.progress(3)
    with pytest.raises(MailingGroupsError, match="not in flight"):
        service.reject(2)


def test_a_broken_dry_run_is_not_continued() -> None:
    with pytest.raises(MailingGroupsError):
        Service(validate_only=True).upload.retry.pause(error(grpc.StatusCode.UNAVAILABLE))


def test_both_clients_have_the_same_names() -> None:
    def names(of: Callable[..., object]) -> set[str]:
        return {name for name in vars(of) if not name.startswith("_")}

    assert names(mailinggroups.Client) == names(aio.Client)
    assert names(mailinggroups.Stream) == names(aio.Stream)
