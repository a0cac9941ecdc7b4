"""What tests import and create."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mailinggroups import v1
from support import Api


def contacts(count: int, *, bad_every: int = 0) -> Iterator[v1.Contact]:
    """Persons; every `bad_every`th has no name."""
    for number in range(count):
        name = "" if bad_every and number % bad_every == 0 else f"Person {number}"
        yield v1.Contact(id=f"P{number}", kind=v1.CONTACT_KIND_PERSON, name=name)


def assignments(count: int, code: str, *, bad_every: int = 0) -> Iterator[v1.Assignment]:
    """A group for each of these persons; every `bad_every`th has no such contact."""
    for number in range(count):
        is_bad = bad_every and number % bad_every == 0
        yield v1.Assignment(contact_id=f"X{number}" if is_bad else f"P{number}", code=code)


def create_group(code: str, **fields: Any) -> v1.CreateMailingGroupRequest:
    return v1.CreateMailingGroupRequest(mailing_group=v1.MailingGroup(code=code, **fields))


def create_contact(contact_id: str = "", name: str = "Person") -> v1.CreateContactRequest:
    contact = v1.Contact(id=contact_id, kind=v1.CONTACT_KIND_PERSON, name=name)
    return v1.CreateContactRequest(contact=contact)


async def count(api: Api, expression: str) -> int:
    """How many contacts an expression selects."""
    request = v1.CountSegmentMembersRequest(selection=v1.Selection(expression=expression))
    response = await api.call(lambda it: it.mailing_groups.CountSegmentMembers(request))
    members: int = response.member_count
    return members


async def fill(api: Api, count: int, code: str = "NEWS") -> None:
    """Creates contacts that have a group."""
    await api.call(lambda it: it.mailing_groups.CreateMailingGroup(create_group(code)))
    await api.call(lambda it: it.import_contacts(contacts(count)))
    await api.call(lambda it: it.import_memberships(assignments(count, code)))
