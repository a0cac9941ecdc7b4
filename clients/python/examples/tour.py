"""The tour: python tour.py [ADDRESS [TENANT]], with a service that listens there."""

import sys
from collections.abc import Iterator

from mailinggroups import Client, MailingGroupsError, v1


def main(address: str = "127.0.0.1:50051", tenant: str = "tour") -> None:
    with Client(address, tenant=tenant) as client:
        define_groups(client)
        create_contacts(client)
        assign(client)
        import_many(client)
        select(client)
        watch(client)
        explain_an_error(client)


def define_groups(client: Client) -> None:
    for code, description in (("MOVE", "New office"), ("GIFT", "Year-end gift"), ("OPTOUT", "")):
        group = v1.MailingGroup(code=code, description=description)
        request = v1.CreateMailingGroupRequest(mailing_group=group)
        response = client.mailing_groups.CreateMailingGroup(request)
        print("defined", response.mailing_group.code, "at revision", response.revision)


def create_contacts(client: Client) -> None:
    request = v1.BatchCreateContactsRequest()
    request.contacts.add(id="C100", kind=v1.CONTACT_KIND_COMPANY, name="Orchard Bakery")
    for number in (101, 102, 103):
        request.contacts.add(
            id=f"P{number}", kind=v1.CONTACT_KIND_PERSON, name="A person", company_id="C100"
        )
    response = client.contacts.BatchCreateContacts(request)
    print("created", response.created_count, "contacts")


def assign(client: Client) -> None:
    request = v1.AssignMailingGroupRequest(contact_id="P101", code="MOVE")
    for _ in range(2):
        # The second time it is assigned already, which is no error.
        response = client.mailing_groups.AssignMailingGroup(request)
        print("assigned at revision", response.revision, response.was_assigned)


def import_many(client: Client) -> None:
    def people() -> Iterator[v1.Contact]:
        for number in range(200, 206):
            yield v1.Contact(id=f"P{number}", kind=v1.CONTACT_KIND_PERSON, name="Imported")
        yield v1.Contact(id="P206", kind=v1.CONTACT_KIND_PERSON)

    result = client.import_contacts(people())
    print("imported", result.summary.created_count)
    for rejected in result.rejections:
        print("rejected", rejected.index, rejected.id, rejected.field, rejected.message)

    pairs = [("P200", "MOVE"), ("P201", "MOVE"), ("P202", "MOVE"), ("P203", "GIFT")]
    pairs += [("P204", "GIFT"), ("P205", "MOVE"), ("P205", "OPTOUT")]
    assignments = (v1.Assignment(contact_id=contact, code=code) for contact, code in pairs)
    print("assigned", client.import_memberships(assignments).summary.changed_count)


def select(client: Client) -> None:
    expression = "(MOVE OR GIFT) AND NOT OPTOUT"
    request = v1.CountSegmentMembersRequest(selection=v1.Selection(expression=expression))
    count = client.mailing_groups.CountSegmentMembers(request)
    print(count.member_count, "members at revision", count.revision)

    members = client.members(expression, view=v1.SEGMENT_MEMBER_VIEW_FULL)
    for member in members:
        print("member", member.contact_id, member.contact.name)
    # Without an error the stream was complete.
    assert members.summary is not None
    assert members.summary.member_count == count.member_count


def watch(client: Client) -> None:
    """What changed, revision by revision. A watch has no end; this one is left when it has caught
    up."""
    with client.watch(revision=0) as events:
        for event in events:
            if isinstance(event, v1.WatchChangesResponse.Changes):
                kinds = [change.WhichOneof("change") for change in event.changes]
                print("revision", event.revision, *kinds)
            elif isinstance(event, v1.WatchChangesResponse.Progress):
                print("up to date; continue with", event.resume_token)
                break


def explain_an_error(client: Client) -> None:
    rename = v1.RenameMailingGroupRequest(code="MOVE", new_code="MOVING")
    client.mailing_groups.RenameMailingGroup(rename)
    try:
        client.mailing_groups.GetMailingGroup(v1.GetMailingGroupRequest(code="MOVE"))
    except MailingGroupsError as error:
        if error.reason != v1.ERROR_REASON_MAILING_GROUP_RENAMED:
            raise
        print(error.metadata["former"], "is", error.metadata["current"], "now")


if __name__ == "__main__":
    main(*sys.argv[1:])
