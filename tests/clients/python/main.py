"""Calls the service at an address with the code that protoc generates for Python, and prints how
long an import of many small messages took."""

import sys
import time
from collections.abc import Iterator

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from mailinggroups.v1 import (
    changes_pb2,
    contacts_pb2,
    contacts_pb2_grpc,
    errors_pb2,
    mailing_groups_pb2,
    mailing_groups_pb2_grpc,
    memberships_pb2,
    selection_pb2,
)

IMPORTED = 20_000
TENANT = (("x-tenant", "python"),)
TIMEOUT = 300


def create(
    groups: mailing_groups_pb2_grpc.MailingGroupsStub, contacts: contacts_pb2_grpc.ContactsStub
) -> None:
    for code in ("NEWS", "GIFT"):
        group = memberships_pb2.MailingGroup(code=code, description="A group")
        groups.CreateMailingGroup(
            mailing_groups_pb2.CreateMailingGroupRequest(mailing_group=group), metadata=TENANT
        )
    for contact in (
        contacts_pb2.Contact(id="C", kind=contacts_pb2.CONTACT_KIND_COMPANY, name="Company"),
        contacts_pb2.Contact(
            id="P", kind=contacts_pb2.CONTACT_KIND_PERSON, name="Person", company_id="C"
        ),
    ):
        contacts.CreateContact(
            contacts_pb2.CreateContactRequest(contact=contact), metadata=TENANT
        )
    for contact_id, code in (("C", "NEWS"), ("P", "NEWS"), ("C", "GIFT")):
        assigned = groups.AssignMailingGroup(
            mailing_groups_pb2.AssignMailingGroupRequest(contact_id=contact_id, code=code),
            metadata=TENANT,
        )
        assert assigned.membership.contact_id == contact_id


def selection(expression: str) -> selection_pb2.Selection:
    options = selection_pb2.SelectionOptions(include_excluded=True)
    return selection_pb2.Selection(expression=expression, options=options)


def select(groups: mailing_groups_pb2_grpc.MailingGroupsStub) -> None:
    count = groups.CountSegmentMembers(
        mailing_groups_pb2.CountSegmentMembersRequest(selection=selection("NEWS AND NOT GIFT")),
        metadata=TENANT,
    )
    assert count.member_count == 1, count
    ids: list[str] = []
    for message in groups.StreamSegmentMembers(
        mailing_groups_pb2.StreamSegmentMembersRequest(selection=selection("NEWS")), metadata=TENANT
    ):
        ids.extend(member.contact_id for member in message.page.members)
    assert ids == ["C", "P"], ids


def read_error(groups: mailing_groups_pb2_grpc.MailingGroupsStub) -> None:
    try:
        groups.GetMailingGroup(
            mailing_groups_pb2.GetMailingGroupRequest(code="NONE"), metadata=TENANT
        )
    except grpc.RpcError as error:
        assert isinstance(error, grpc.Call)
        assert error.code() == grpc.StatusCode.NOT_FOUND
        reason = errors_pb2.ERROR_REASON_MAILING_GROUP_NOT_FOUND
        assert errors_pb2.ErrorReason.Value("ERROR_REASON_" + reason_of(error)) == reason
    else:
        raise AssertionError("no error")


def reason_of(call: grpc.Call) -> str:
    status = rpc_status.from_call(call)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details), status
    return info.reason


def upload() -> Iterator[contacts_pb2.ImportContactsRequest]:
    request = contacts_pb2.ImportContactsRequest
    yield request(start=request.Start())
    for number in range(IMPORTED):
        contact = contacts_pb2.Contact(
            id=f"I{number}", kind=contacts_pb2.CONTACT_KIND_PERSON, name=f"Person {number}"
        )
        yield request(chunk=request.Chunk(contacts=[contact]))
    yield request(finish=request.Finish())


def import_watched(
    groups: mailing_groups_pb2_grpc.MailingGroupsStub, contacts: contacts_pb2_grpc.ContactsStub
) -> float:
    """Imports contacts, a message for each, while a watch on the same channel sees them. Returns
    the seconds of the import."""
    watch_request = changes_pb2.WatchChangesRequest(now=changes_pb2.WatchChangesRequest.Now())
    watch = iter(groups.WatchChanges(watch_request, metadata=TENANT, timeout=TIMEOUT))
    # The watch is open once it has sent its position.
    next(watch)
    begun = time.monotonic()
    answers = list(contacts.ImportContacts(upload(), metadata=TENANT, timeout=TIMEOUT))
    took = time.monotonic() - begun
    assert answers[-1].summary.created_count == IMPORTED, answers[-1]
    seen = 0
    while seen < IMPORTED:
        for change in next(watch).changes.changes:
            seen += len(change.contacts_created.contacts)
    return took


def main() -> None:
    with grpc.insecure_channel(sys.argv[1]) as channel:
        groups = mailing_groups_pb2_grpc.MailingGroupsStub(channel)
        contacts = contacts_pb2_grpc.ContactsStub(channel)
        create(groups, contacts)
        select(groups)
        read_error(groups)
        took = import_watched(groups, contacts)
    print(f"python: {IMPORTED} messages of one contact in {took:.1f} s")


main()
