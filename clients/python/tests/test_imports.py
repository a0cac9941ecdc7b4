"""Imports, also over connections that break."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import grpc
import pytest

import mailinggroups
from data import assignments, contacts, count, create_group
from mailinggroups import v1
from support import FIGURES, Api, AsyncApi, Proxy, new_tenant

ROWS = 100_000
BAD_EVERY = 500


async def timed(name: str, api: Api, method: Callable[[Any], Any]) -> Any:
    begun = time.monotonic()
    result = await api.call(method)
    took = time.monotonic() - begun
    FIGURES.append(f"{type(api).__name__} imports {name}: {ROWS / took:,.0f} rows/s")
    return result


async def test_many_rows(api: Api) -> None:
    await api.call(lambda it: it.mailing_groups.CreateMailingGroup(create_group("NEWS")))
    result = await timed("contacts", api, lambda it: it.import_contacts(contacts(ROWS)))
    assert result.summary.created_count == ROWS
    assert result.rejections == []
    result = await timed(
        "memberships", api, lambda it: it.import_memberships(assignments(ROWS, "NEWS"))
    )
    assert result.summary.changed_count == ROWS
    assert await count(api, "NEWS") == ROWS


async def test_broken_connections(connect: Callable[..., Api], proxy: Proxy) -> None:
    """Every row once, every rejection once, in order, with what was rejected."""
    api = connect(proxy.address)
    await api.call(lambda it: it.mailing_groups.CreateMailingGroup(create_group("NEWS")))
    bad = list(range(0, ROWS, BAD_EVERY))
    proxy.cut_after(200_000, 300_000, 50_000, 1_000, 400_000)
    rejected: list[v1.ImportContactsResponse.Rejection] = []
    result = await api.call(
        lambda it: it.import_contacts(
            contacts(ROWS, bad_every=BAD_EVERY), on_rejection=rejected.append
        )
    )
    assert proxy.cuts == 5
    assert result.rejections == []
    assert [it.index for it in rejected] == bad
    assert [it.id for it in rejected] == [f"P{number}" for number in bad]
    assert all(it.field == "name" and it.message for it in rejected)
    assert result.summary.processed_count == ROWS
    assert result.summary.created_count == ROWS - len(bad)
    assert result.summary.rejected_count == len(bad)

    # The contacts that were rejected do not exist.
    proxy.cut_after(200_000, 100_000, 50_000)
    result = await api.call(lambda it: it.import_memberships(assignments(ROWS, "NEWS")))
    assert proxy.cuts == 8
    assert [it.index for it in result.rejections] == bad
    assert [it.assignment.contact_id for it in result.rejections] == [f"P{it}" for it in bad]
    outcomes = {it.outcome for it in result.rejections}
    assert outcomes == {v1.ASSIGNMENT_OUTCOME_UNKNOWN_CONTACT}
    assert result.summary.changed_count == ROWS - len(bad) == await count(api, "NEWS")


async def test_an_import_of_an_earlier_run_is_continued(api: Api) -> None:
    """Rows that are committed are read, and not sent."""
    rows = 5_000

    class Stop(Exception):
        pass

    def stopping() -> Iterator[v1.Contact]:
        yield from contacts(rows, bad_every=100)
        # Long enough that some is committed.
        time.sleep(1)
        raise Stop

    with pytest.raises(Stop):
        await api.call(lambda it: it.import_contacts(stopping(), import_id="nightly"))
    result = await api.call(
        lambda it: it.import_contacts(contacts(2 * rows, bad_every=100), import_id="nightly")
    )
    bad = list(range(0, 2 * rows, 100))
    assert result.import_id == "nightly"
    assert [it.index for it in result.rejections] == bad
    assert [it.id for it in result.rejections] == [f"P{number}" for number in bad]
    # Had the rows been sent again, they would be unchanged.
    assert result.summary.unchanged_count == 0
    assert result.summary.created_count == 2 * rows - len(bad)

    # It is finished: the same items again change nothing.
    again = await api.call(
        lambda it: it.import_contacts(contacts(2 * rows, bad_every=100), import_id="nightly")
    )
    assert again.summary == result.summary
    assert again.rejections == result.rejections
    for other in (2 * rows - 1, 2 * rows + 1):
        items = list(contacts(other, bad_every=100))
        with pytest.raises(ValueError, match="items"):
            await api.call(partial(continue_import, items))


def continue_import(items: list[v1.Contact], client: Any) -> Any:
    return client.import_contacts(items, import_id="nightly")


async def test_an_error_of_the_source_comes_out_unchanged(api: Api) -> None:
    class Mine(Exception):
        pass

    error: Exception = Mine("mine")

    def failing() -> Iterator[v1.Contact]:
        yield from contacts(3_000)
        raise error

    with pytest.raises(Mine) as raised:
        await api.call(lambda it: it.import_contacts(failing()))
    assert raised.value is error
    # Also if it looks like a broken connection.
    error = mailinggroups.MailingGroupsError(grpc.StatusCode.UNAVAILABLE)
    with pytest.raises(mailinggroups.MailingGroupsError) as failed:
        await api.call(lambda it: it.import_contacts(failing()))
    assert failed.value is error

    def reject(_: object) -> None:
        raise error

    with pytest.raises(mailinggroups.MailingGroupsError) as failed:
        await api.call(
            lambda it: it.import_contacts(contacts(10, bad_every=2), on_rejection=reject)
        )
    assert failed.value is error


async def test_the_source_is_read_as_fast_as_chunks_are_committed(
    connect: Callable[..., Api], proxy: Proxy
) -> None:
    api = connect(proxy.address)
    await api.call(lambda it: it.identity.WhoAmI(v1.WhoAmIRequest()))
    read = 0
    seen: list[int] = []

    def thaw() -> None:
        seen.append(read)
        proxy.thaw()

    def source() -> Iterator[v1.Contact]:
        nonlocal read
        for contact in contacts(50_000):
            read += 1
            if read == 2_000:
                proxy.freeze()
                threading.Timer(2, thaw).start()
            yield contact

    await api.call(lambda it: it.import_contacts(source()))
    # Eight chunks in flight, and the one that is filled.
    assert seen[0] <= 2_000 + 9_000


async def test_options(api: Api) -> None:
    first = list(contacts(3))
    await api.call(lambda it: it.import_contacts(first))
    dry = await api.call(lambda it: it.import_contacts(contacts(5), validate_only=True))
    assert (dry.summary.created_count, dry.summary.unchanged_count) == (2, 3)
    assert dry.summary.revision == 0
    named = [v1.Contact(id="P0", email="p0@example.com")]
    masked = await api.call(lambda it: it.import_contacts(named, update_mask=["email"]))
    assert masked.summary.updated_count == 1
    got = await api.call(lambda it: it.contacts.GetContact(v1.GetContactRequest(id="P0")))
    assert (got.contact.name, got.contact.email) == ("Person 0", "p0@example.com")
    await api.call(lambda it: it.import_contacts(first, import_id="a", fingerprint="x"))
    with pytest.raises(mailinggroups.MailingGroupsError) as raised:
        await api.call(lambda it: it.import_contacts(first, import_id="a", fingerprint="y"))
    assert raised.value.reason == v1.ERROR_REASON_IMPORT_ID_REUSED
    assert raised.value.precondition_violations


async def test_an_async_source(server: Any) -> None:
    api = AsyncApi(server.address, tenant=new_tenant())

    async def source() -> AsyncIterator[v1.Contact]:
        for contact in contacts(2_500):
            yield contact

    result = await api.client.import_contacts(source())
    assert result.summary.created_count == 2_500
    await api.close()
