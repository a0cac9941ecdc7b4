"""Calls: errors, deadlines, cancellation, retries, TLS and tokens."""

from __future__ import annotations

import asyncio
import os
import pickle
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

import mailinggroups
from data import assignments, contacts, count, create_contact, create_group, fill
from mailinggroups import MailingGroupsError, Tls, aio, v1
from support import Api, AsyncApi, Proxy, Server, new_tenant

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.parametrize("example", ["tour.py", "tour_async.py"])
def test_the_tour(server: Server, example: str) -> None:
    command = [sys.executable, str(EXAMPLES / example), server.address, new_tenant()]
    output = subprocess.run(command, capture_output=True, text=True, check=False)
    assert output.returncode == 0, output.stderr
    assert "6 members" in output.stdout


def test_the_first_program_of_the_readme(server: Server) -> None:
    readme = (EXAMPLES.parent / "README.md").read_text()
    program = readme.partition("```python\n")[2].partition("```")[0]
    program = program.replace("127.0.0.1:50051", server.address).replace("shop", new_tenant())
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert output.stdout == "Hana Tremblay\n"


async def failure(api: Api, method: Callable[[Any], Any]) -> MailingGroupsError:
    with pytest.raises(MailingGroupsError) as raised:
        await api.call(method)
    return raised.value


async def test_errors_have_details(api: Api) -> None:
    missing = v1.GetMailingGroupRequest(code="NONE")
    error = await failure(api, lambda it: it.mailing_groups.GetMailingGroup(missing))
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert error.reason == v1.ERROR_REASON_MAILING_GROUP_NOT_FOUND
    assert error.reason_name == "MAILING_GROUP_NOT_FOUND"
    assert error.resource is not None
    assert error.resource.resource_name == "NONE"
    assert str(error) == "NOT_FOUND (MAILING_GROUP_NOT_FOUND): no mailing group NONE"
    assert isinstance(error, grpc.RpcError)
    assert error.request_id

    invalid = create_group("DEMENAGEMENT")
    error = await failure(api, lambda it: it.mailing_groups.CreateMailingGroup(invalid))
    assert error.reason == v1.ERROR_REASON_INVALID_FIELD
    (violation,) = error.field_violations
    assert violation.field == "mailing_group.code"
    assert "11 characters" in violation.description

    await api.call(lambda it: it.mailing_groups.CreateMailingGroup(create_group("OLD")))
    error = await failure(api, lambda it: it.mailing_groups.CreateMailingGroup(create_group("OLD")))
    assert error.reason == v1.ERROR_REASON_MAILING_GROUP_ALREADY_EXISTS
    rename = v1.RenameMailingGroupRequest(code="OLD", new_code="NEW")
    await api.call(lambda it: it.mailing_groups.RenameMailingGroup(rename))
    old = v1.GetMailingGroupRequest(code="OLD")
    error = await failure(api, lambda it: it.mailing_groups.GetMailingGroup(old))
    assert error.reason == v1.ERROR_REASON_MAILING_GROUP_RENAMED
    assert (error.metadata["former"], error.metadata["current"]) == ("OLD", "NEW")

    await api.call(lambda it: it.contacts.CreateContact(create_contact("P")))
    assign = v1.AssignMailingGroupRequest(contact_id="P", code="NEW")
    await api.call(lambda it: it.mailing_groups.AssignMailingGroup(assign))
    delete = v1.DeleteMailingGroupRequest(code="NEW")
    error = await failure(api, lambda it: it.mailing_groups.DeleteMailingGroup(delete))
    assert error.reason == v1.ERROR_REASON_MAILING_GROUP_HAS_MEMBERS
    assert error.metadata["count"] == "1"
    assert error.precondition_violations

    copy = pickle.loads(pickle.dumps(error))
    assert (copy.code(), copy.reason, str(copy)) == (error.code(), error.reason, str(error))


async def test_errors_of_plain_streams(api: Api) -> None:
    """A stream of a stub raises the same error."""
    wrong = v1.StreamSegmentMembersRequest(selection=v1.Selection(expression="("))

    async def read(client: aio.Client) -> None:
        async for _ in client.mailing_groups.StreamSegmentMembers(wrong):
            pass

    def read_in_thread(client: mailinggroups.Client) -> None:
        for _ in client.mailing_groups.StreamSegmentMembers(wrong):
            pass

    is_async = isinstance(api, AsyncApi)
    error = await failure(api, read if is_async else read_in_thread)
    assert error.field_violations[0].field == "selection.expression"


async def test_deadlines(connect: Callable[..., Api]) -> None:
    """Of a server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        who = v1.WhoAmIRequest()
        of_client = connect(address, timeout=0.5)
        calls = [failure(of_client, lambda it: it.identity.WhoAmI(who))]
        of_call = connect(address)
        calls.append(failure(of_call, lambda it: it.identity.WhoAmI(who, timeout=0.5)))
        for call in calls:
            begun = time.monotonic()
            error = await call
            assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            assert 0.4 < time.monotonic() - begun < 30


async def test_cancellation(server: Server) -> None:
    tenant = new_tenant()
    async with aio.Client(server.address, tenant=tenant) as client:
        call = client.identity.WhoAmI(v1.WhoAmIRequest())
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await client.identity.WhoAmI(v1.WhoAmIRequest())).principal == "anonymous"
    with mailinggroups.Client(server.address, tenant=tenant) as sync:
        future = sync.identity.WhoAmI.future(v1.WhoAmIRequest())
        assert future.result().principal == "anonymous"
        failed = sync.contacts.GetContact.future(v1.GetContactRequest(id="NONE"))
        error = failed.exception()
        assert isinstance(error, MailingGroupsError)
        assert error.reason == v1.ERROR_REASON_CONTACT_NOT_FOUND
        with pytest.raises(MailingGroupsError):
            failed.result()
        stream = sync.mailing_groups.WatchChanges(
            v1.WatchChangesRequest(now=v1.WatchChangesRequest.Now())
        )
        next(iter(stream))
        stream.cancel()
        with pytest.raises(MailingGroupsError):
            list(stream)


async def test_a_call_whose_answer_is_lost_has_one_effect(
    connect: Callable[..., Api], proxy: Proxy
) -> None:
    api = connect(proxy.address)
    await api.call(lambda it: it.identity.WhoAmI(v1.WhoAmIRequest()))
    request = create_contact()
    proxy.lose_answer()
    created = await api.call(lambda it: it.contacts.CreateContact(request))
    assert proxy.cuts == 1
    assert request.request_id == ""
    # The server gives each contact without an id the next one.
    listed = await api.call(lambda it: it.contacts.ListContacts(v1.ListContactsRequest()))
    assert [it.id for it in listed.contacts] == [created.contact.id]
    # A request of the same object is another call.
    again = await api.call(lambda it: it.contacts.CreateContact(request))
    assert again.contact.id != created.contact.id

    # A large request is repeated too.
    large = v1.BatchCreateContactsRequest()
    for number in range(1_000):
        large.contacts.add(
            kind=v1.CONTACT_KIND_PERSON, name=f"{number:0100}", email="a" * 240 + "@b.c"
        )
    assert large.ByteSize() > 256 << 10
    proxy.lose_answer()
    result = await api.call(lambda it: it.contacts.BatchCreateContacts(large))
    assert proxy.cuts == 2
    assert result.created_count == 1_000


async def test_tls_and_token(
    connect: Callable[..., Api], tls_server: Server, tls_folder: Path
) -> None:
    """The main features, over TLS, with a token that is asked for at each call."""
    asked = 0

    def token() -> str:
        nonlocal asked
        asked += 1
        return (tls_folder / "token").read_text()

    tls = Tls(ca=tls_folder / "ca.pem")
    api = connect(f"localhost:{tls_server.port}", tls=tls, token=token)
    me = await api.call(lambda it: it.identity.WhoAmI(v1.WhoAmIRequest()))
    assert me.principal == "tests"
    await fill(api, 3_000)
    assert asked >= 4
    members, summary = await api.items(lambda it: it.members("NEWS"))
    assert len(members) == summary.member_count == 3_000
    error = await failure(api, lambda it: it.contacts.GetContact(v1.GetContactRequest(id="?")))
    assert error.reason == v1.ERROR_REASON_INVALID_FIELD
    result = await api.call(lambda it: it.import_memberships(assignments(10, "NONE", bad_every=3)))
    assert result.summary.rejected_count == 10


async def test_a_wrong_token(
    connect: Callable[..., Api], tls_server: Server, tls_folder: Path
) -> None:
    tls = Tls(ca=tls_folder / "ca.pem")
    who = v1.WhoAmIRequest()
    for token, reason in (
        ("wrong", v1.ERROR_REASON_CREDENTIALS_INVALID),
        (None, v1.ERROR_REASON_CREDENTIALS_MISSING),
    ):
        api = connect(tls_server.address, tls=tls, token=token)
        error = await failure(api, lambda it: it.identity.WhoAmI(who))
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
        assert error.reason == reason
        with pytest.raises(MailingGroupsError) as raised:
            await api.items(lambda it: it.members("NEWS"))
        assert raised.value.reason == reason
        error = await failure(api, lambda it: it.import_contacts(contacts(1)))
        assert error.reason == reason

    class Mine(Exception):
        pass

    def failing() -> str:
        raise Mine

    api = connect(tls_server.address, tls=tls, token=failing)
    for method in (
        lambda it: it.identity.WhoAmI(who),
        lambda it: it.import_contacts(contacts(1)),
    ):
        with pytest.raises(Mine):
            await api.call(method)
    with pytest.raises(Mine):
        await api.items(lambda it: it.members("NEWS"))


async def test_an_awaited_token(tls_server: Server, tls_folder: Path) -> None:
    async def token() -> str:
        await asyncio.sleep(0)
        return (tls_folder / "token").read_text()

    tls = Tls(ca=tls_folder / "ca.pem")
    async with aio.Client(tls_server.address, tls=tls, token=token) as client:
        assert (await client.identity.WhoAmI(v1.WhoAmIRequest())).principal == "tests"


def test_the_authorities_of_the_system(tls_server: Server, tls_folder: Path) -> None:
    """OpenSSL says which they are; here they are those of a variable."""
    program = (
        "import sys, mailinggroups as m;"
        "c = m.Client(sys.argv[1], tls=m.Tls(), token=open(sys.argv[2]).read());"
        "print(c.identity.WhoAmI(m.v1.WhoAmIRequest()).principal)"
    )
    address = f"localhost:{tls_server.port}"
    command = [sys.executable, "-c", program, address, str(tls_folder / "token")]
    environment = {**os.environ, "SSL_CERT_FILE": str(tls_folder / "ca.pem")}
    # Has precedence.
    environment.pop("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", None)
    output = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert output.stdout == "tests\n", output.stderr


async def test_metadata_of_the_caller_has_precedence(api: Api) -> None:
    await api.call(lambda it: it.mailing_groups.CreateMailingGroup(create_group("MINE")))
    other = (("x-tenant", new_tenant()), ("x-request-id", str(uuid.uuid4())))
    listed = await api.call(
        lambda it: it.mailing_groups.ListMailingGroups(
            v1.ListMailingGroupsRequest(), metadata=other
        )
    )
    assert not listed.mailing_groups
    assert await count(api, "MINE") == 0
