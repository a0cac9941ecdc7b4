// A tour of the service: node tour.js [ADDRESS]
//
// Works in a tenant of its own, which it deletes at the end.
import { Client, ContactKind, ErrorReason, MailingGroupsError, type ContactInit } from "mailing-groups";

const address = process.argv[2] ?? "127.0.0.1:50051";
const tenant = `tour-${Date.now().toString(36)}`;
const client = new Client(address, { tenant });

// Define groups. Codes are stored in upper case.
for (const [code, description] of [
  ["move", "Office move"],
  ["gift", "Year-end gift"],
  ["optout", "No gifts, please"],
] as const) {
  const { mailingGroup } = await client.mailingGroups.createMailingGroup({
    mailingGroup: { code, description },
  });
  console.log(`defined ${mailingGroup?.code ?? ""}: ${mailingGroup?.description ?? ""}`);
}

// Create contacts, and assign a group to one of them.
await client.contacts.batchCreateContacts({
  contacts: [
    { id: "C1", kind: ContactKind.COMPANY, name: "Lighthouse Paper Mill" },
    { id: "P1", kind: ContactKind.PERSON, name: "Ada Winterbourne", companyId: "C1" },
    { id: "P2", kind: ContactKind.PERSON, name: "Dario Okonkwo" },
  ],
});
const { revision } = await client.mailingGroups.assignMailingGroup({ contactId: "P1", code: "MOVE" });
console.log(`assigned at revision ${String(revision)}`);

// Import any number of items from any iterable. What is wrong is rejected, the rest is imported.
function* contacts(): Generator<ContactInit> {
  for (let number = 1; number <= 2500; number++) {
    yield { id: `N${number}`, kind: ContactKind.PERSON, name: `Person ${number}` };
  }
  yield { id: "N0", kind: ContactKind.PERSON, name: "" };
}
const imported = await client.importContacts(contacts());
console.log(`imported ${imported.createdCount} contacts, rejected ${imported.rejectedCount}`);
for (const { index, field, message } of imported.rejections) {
  console.log(`  item ${index}: ${field} ${message}`);
}
const pairs = Array.from({ length: 2500 }, (_, index) => ({ contactId: `N${index + 1}`, code: "GIFT" }));
pairs.push({ contactId: "N1", code: "OPTOUT" }, { contactId: "nobody", code: "GIFT" });
const assigned = await client.importMemberships(pairs);
console.log(`assigned ${assigned.changedCount} pairs, rejected ${assigned.rejectedCount}`);

// Count, and stream, the contacts that an expression selects. Counts are bigint in responses.
const expression = "(MOVE OR GIFT) AND NOT OPTOUT";
const count = await client.mailingGroups.countSegmentMembers({
  selection: { source: { case: "expression", value: expression } },
});
console.log(`${expression}: ${String(count.memberCount)} members`);
const members = client.members(expression);
let streamed = 0;
for await (const member of members) {
  streamed += member.contactId === "" ? 0 : 1;
}
console.log(`streamed ${streamed} of ${String(members.summary?.memberCount)} members`);

// Watch: every change since a revision, one revision at a time. Leaving the loop cancels the call.
await client.mailingGroups.renameMailingGroup({ code: "MOVE", newCode: "RELOCATE" });
for await (const event of client.watch({ start: assigned.revision })) {
  if (event.case === "changes") {
    const kinds = event.value.changes.map((it) => it.change.case).join(", ");
    console.log(`revision ${String(event.value.revision)}: ${kinds}`);
    break;
  }
}

// An error has a reason, and says what is wrong.
try {
  await client.mailingGroups.getMailingGroup({ code: "MOVE" });
} catch (error) {
  if (error instanceof MailingGroupsError && error.reason === ErrorReason.MAILING_GROUP_RENAMED) {
    console.log(`MOVE is ${error.reasonMetadata["current"] ?? ""} now`);
  } else {
    throw error;
  }
}

await client.tenants.deleteTenant({ name: tenant });
client.close();
