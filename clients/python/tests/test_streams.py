"""Members, exports and watches, also over connections that break."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import grpc
import pytest

import mailinggroups
from data import create_contact, create_group, fill
from mailinggroups import ExportPart, SnapshotRestart, _async, _sync, aio, v1
from support import FIGURES, Api, Proxy, Server, new_tenant

MEMBERS = 100_000

Changes = v1.WatchChangesResponse.Changes
Progress = v1.WatchChangesResponse.Progress
Snapshot = v1.WatchChangesResponse.Snapshot
SnapshotEnd = v1.WatchChangesResponse.SnapshotEnd


def is_progress(event: object) -> bool:
    return isinstance(event, Progress)


async def test_many_members(connect: Callable[..., Api], server: Server, proxy: Proxy) -> None:
    """Each member once, in order, also if the connection breaks."""
    api = connect(server.address)
    await fill(api, MEMBERS)
    begun = time.monotonic()
    members, summary = await api.items(lambda it: it.members("NEWS"))
    took = time.monotonic() - begun
    FIGURES.append(f"{type(api).__name__} streams: {MEMBERS / took:,.0f} members/s")
    expected = [f"P{number}" for number in range(MEMBERS)]
    assert [it.contact_id for it in members] == expected
    assert (summary.member_count, summary.sent_count) == (MEMBERS, MEMBERS)

    api = connect(proxy.address)
    proxy.cut_after(100_000, 300_000, 5_000, 200_000)
    members, summary = await api.items(lambda it: it.members("NEWS", page_size=1_000))
    assert proxy.cuts == 4
    assert [it.contact_id for it in members] == expected
    assert summary.member_count == MEMBERS > summary.sent_count
    assert summary.revision > 0

    proxy.cut_after(2_000_000, 3_000_000, 1_000_000)
    batches, summary = await api.items(lambda it: it.export_contacts())
    assert proxy.cuts == 7
    assert [contact.id for batch in batches for contact in batch.contacts] == expected
    assigned = [it.contact_id for batch in batches for it in batch.assignments]
    assert assigned == expected
    assert [group.code for batch in batches for group in batch.mailing_groups] == ["NEWS"]

    part: list[ExportPart]
    part, _ = await api.items(lambda it: it.export_contacts(), until=lambda _: True)
    token = part[-1].resume_token
    rest, _ = await api.items(lambda it: it.export_contacts(resume_token=token))
    ids = [contact.id for batch in part + rest for contact in batch.contacts]
    assert ids == expected


async def test_members_of_segments_and_in_full(api: Api) -> None:
    await fill(api, 20)
    segment = v1.Segment(id="S")
    await api.call(lambda it: it.segments.CreateSegment(v1.CreateSegmentRequest(segment=segment)))
    add = v1.AddContactsRequest(segment_id="S", expression="NEWS")
    await api.call(lambda it: it.segments.AddContacts(add))
    full = v1.SEGMENT_MEMBER_VIEW_FULL
    members, summary = await api.items(lambda it: it.members(segment_id="S", view=full))
    assert [it.contact.name for it in members] == [f"Person {number}" for number in range(20)]
    assert summary.person_count == 20
    with pytest.raises(ValueError, match="either"):
        await api.call(lambda it: it.members("NEWS", segment_id="S"))


async def test_a_silent_stream_is_opened_again(
    connect: Callable[..., Api], proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (_sync, _async):
        monkeypatch.setattr(module, "SILENCE", 1.0)
    api = connect(proxy.address)
    await fill(api, 1_000)
    proxy.freeze()
    threading.Timer(2.5, proxy.thaw).start()
    members, _ = await api.items(lambda it: it.members("NEWS"))
    assert len(members) == 1_000


async def test_a_stream_is_given_up(connect: Callable[..., Api], server: Server) -> None:
    api = connect(server.address)
    await fill(api, 10)
    proxy = Proxy(server.port)
    api = connect(proxy.address, retry_for=1.0)
    await api.items(lambda it: it.members("NEWS"))
    proxy.close()
    begun = time.monotonic()
    with pytest.raises(mailinggroups.MailingGroupsError) as raised:
        await api.items(lambda it: it.members("NEWS"))
    assert raised.value.code().name == "UNAVAILABLE"
    assert time.monotonic() - begun < 30
    with pytest.raises(mailinggroups.MailingGroupsError) as raised:
        await connect(server.address).items(lambda it: it.members("NEWS AND"))
    assert raised.value.reason == v1.ERROR_REASON_INVALID_FIELD
    assert raised.value.field_violations[0].field == "selection.expression"


async def test_a_closed_stream_is_cancelled(connect: Callable[..., Api], server: Server) -> None:
    """The tenant may have one stream: another one works only if the server saw the end."""
    name = new_tenant()
    api = connect(server.address, tenant=name)
    tenant = v1.Tenant(name=name, limits=v1.TenantLimits(max_streams=1))
    await api.call(lambda it: it.tenants.CreateTenant(v1.CreateTenantRequest(tenant=tenant)))
    refused = await refusal(connect(server.address, tenant=name, retry_for=0))
    assert refused.reason == v1.ERROR_REASON_TENANT_LIMIT_REACHED
    assert refused.metadata["limit"] == "max_streams"
    assert refused.quota_violations
    assert refused.retry_delay
    for _ in range(3):
        await api.items(lambda it: it.watch(), until=is_progress)


async def refusal(api: Api) -> mailinggroups.MailingGroupsError:
    """The error of a stream that is one too many. The server follows a limit within seconds."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            await two_watches(api)
        except mailinggroups.MailingGroupsError as error:
            return error
        await asyncio.sleep(0.2)
    raise AssertionError("two streams are open")


async def two_watches(api: Api) -> None:
    if isinstance(api.client, aio.Client):
        async with api.client.watch() as first, api.client.watch() as second:
            await anext(first)
            await anext(second)
    else:
        with api.client.watch() as first, api.client.watch() as second:
            next(first)
            next(second)


def test_a_watch_is_closed_by_another_thread(server: Server) -> None:
    with mailinggroups.Client(server.address, tenant=new_tenant()) as client:
        watch = client.watch()
        threading.Timer(1, watch.close).start()
        events = list(watch)
        assert all(is_progress(event) for event in events)


async def test_a_watch_is_closed_by_another_task(server: Server) -> None:
    async with aio.Client(server.address, tenant=new_tenant()) as client:
        watch = client.watch()
        asyncio.get_running_loop().call_later(1, lambda: asyncio.ensure_future(watch.close()))
        events = [event async for event in watch]
        assert all(is_progress(event) for event in events)


def test_a_closed_client_ends_its_streams(server: Server) -> None:
    client = mailinggroups.Client(server.address, tenant=new_tenant())
    watch = client.watch()
    threading.Timer(1, client.close).start()
    with pytest.raises(ValueError, match="closed"):
        list(watch)


async def test_a_closed_asyncio_client_ends_its_streams(server: Server) -> None:
    client = aio.Client(server.address, tenant=new_tenant())
    watch = client.watch()
    await anext(watch)
    await client.close()
    with pytest.raises(grpc.aio.UsageError, match="closed"):
        await anext(watch)


async def test_a_watch_from_the_beginning(api: Api) -> None:
    await fill(api, 3_000)
    events, _ = await api.items(lambda it: it.watch(beginning=True), until=is_progress)
    assert not any(isinstance(event, SnapshotRestart) for event in events)
    parts = [event for event in events if isinstance(event, Snapshot)]
    assert sum(len(part.contacts) for part in parts) == 3_000
    assert sum(len(group.contact_ids) for part in parts for group in part.members) == 3_000
    (end,) = (event for event in events if isinstance(event, SnapshotEnd))
    await api.call(lambda it: it.contacts.CreateContact(create_contact("NEW")))
    token = end.resume_token
    events, _ = await api.items(lambda it: it.watch(resume_token=token), until=is_progress)
    (changes,) = (event for event in events if isinstance(event, Changes))
    assert [it.id for it in changes.changes[0].contacts_created.contacts] == ["NEW"]
    assert changes.resume_token


async def test_a_revision_of_many_parts_comes_whole(
    connect: Callable[..., Api], proxy: Proxy
) -> None:
    api = connect(proxy.address)
    await fill(api, 25_000)
    merge = v1.DeleteMailingGroupRequest(code="NEWS", force=True)
    await api.call(lambda it: it.mailing_groups.DeleteMailingGroup(merge))
    proxy.cut_after(300_000, 200_000)
    events, _ = await api.items(lambda it: it.watch(revision=0), until=is_progress)
    assert proxy.cuts == 2
    changes = [event for event in events if isinstance(event, Changes)]
    revisions = [it.revision for it in changes]
    assert revisions == list(range(1, revisions[-1] + 1))
    assert not any(it.more for it in changes)
    assert all(it.resume_token and list(it.actors) == ["anonymous"] for it in changes)
    created = [
        contact.id
        for it in changes
        for change in it.changes
        for contact in change.contacts_created.contacts
    ]
    assert created == [f"P{number}" for number in range(25_000)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_watch_across_a_restart(api: Api, server: Server, number: int) -> None:
    """Each revision once, in order."""
    groups = 20
    restarted = 0

    async def work() -> None:
        nonlocal restarted
        for group in range(groups):
            code = f"G{group}"
            if group == groups // 2:
                await asyncio.to_thread(server.stop, number)
                await asyncio.to_thread(server.start)
                restarted += 1
            await api.call(partial(create, code))

    def create(code: str, client: Any) -> Any:
        return client.mailing_groups.CreateMailingGroup(create_group(code))

    def is_last(event: Any) -> bool:
        return isinstance(event, Changes) and event.revision == groups

    writing = asyncio.create_task(work())
    events, _ = await api.items(lambda it: it.watch(revision=0), until=is_last)
    await writing
    assert restarted == 1
    changes = [event for event in events if isinstance(event, Changes)]
    assert [it.revision for it in changes] == list(range(1, groups + 1))
    codes = [it.changes[0].mailing_group_created.code for it in changes]
    assert codes == [f"G{group}" for group in range(groups)]


async def test_a_history_that_is_not_kept(api: Api) -> None:
    with pytest.raises(mailinggroups.MailingGroupsError) as raised:
        await api.items(lambda it: it.watch(revision=1_000), until=is_progress)
    assert raised.value.reason == v1.ERROR_REASON_INVALID_FIELD
    with pytest.raises(ValueError, match="one of"):
        await api.call(lambda it: it.watch(revision=1, beginning=True))
