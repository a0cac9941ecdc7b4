"""A part of the tour with asyncio: python tour_async.py [ADDRESS [TENANT]]."""

import asyncio
import sys
from collections.abc import AsyncIterator

from mailinggroups import MailingGroupsError, v1
from mailinggroups.aio import Client


async def main(address: str = "127.0.0.1:50051", tenant: str = "tour") -> None:
    async with Client(address, tenant=tenant) as client:
        await fill(client)
        await select(client)
        await explain_an_error(client)


async def fill(client: Client) -> None:
    request = v1.CreateMailingGroupRequest(mailing_group=v1.MailingGroup(code="MOVE"))
    # Calls can wait for each other's answers, or not.
    watching = asyncio.create_task(first_group(client))
    await client.mailing_groups.CreateMailingGroup(request)
    print("defined", await watching)

    async def people() -> AsyncIterator[v1.Contact]:
        for number in range(6):
            await asyncio.sleep(0)
            yield v1.Contact(id=f"P{number}", kind=v1.CONTACT_KIND_PERSON, name="Imported")

    result = await client.import_contacts(people())
    print("imported", result.summary.created_count)
    await client.import_memberships(
        v1.Assignment(contact_id=f"P{number}", code="MOVE") for number in range(6)
    )


async def first_group(client: Client) -> str:
    async with client.watch(revision=0) as events:
        async for event in events:
            if isinstance(event, v1.WatchChangesResponse.Changes):
                return event.changes[0].mailing_group_created.code
    raise AssertionError("a watch has no end")


async def select(client: Client) -> None:
    members = client.members("MOVE")
    ids = [member.contact_id async for member in members]
    print(len(ids), "members:", *ids)


async def explain_an_error(client: Client) -> None:
    try:
        await client.contacts.GetContact(v1.GetContactRequest(id="P999"))
    except MailingGroupsError as error:
        print(error.code().name, error.reason_name, error)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
