// What the page does: calls the service of another origin, with both protocols for browsers.

import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { ContactKind, Contacts } from "./gen/mailinggroups/v1/contacts_pb.js";
import { MailingGroups } from "./gen/mailinggroups/v1/mailing_groups_pb.js";

function equal(actual, expected, what) {
  if (actual !== expected) {
    throw new Error(`${what}: ${actual}, not ${expected}`);
  }
}

// A page is let in by its origin, or it is not.
globalThis.reach = async (baseUrl) => {
  const client = createClient(MailingGroups, createConnectTransport({ baseUrl }));
  try {
    await client.getMailingGroup({ code: "NONE" });
  } catch (error) {
    return ConnectError.from(error).code === Code.NotFound ? "reached" : `${error}`;
  }
  return "found";
};

const transports = {
  "Connect, JSON": (options) => createConnectTransport(options),
  "Connect, protobuf": (options) => createConnectTransport({ ...options, useBinaryFormat: true }),
  "Connect, GET": (options) => createConnectTransport({ ...options, useHttpGet: true }),
  "gRPC-Web": (options) => createGrpcWebTransport(options),
};

globalThis.test = async (baseUrl) => {
  const passed = [];
  for (const [index, [name, create]] of Object.entries(transports).entries()) {
    const inTenant = (next) => (request) => {
      request.header.set("x-tenant", `browser-${index}`);
      return next(request);
    };
    await calls(create({ baseUrl, interceptors: [inTenant] }));
    passed.push(name);
  }
  return passed;
};

async function calls(transport) {
  const groups = createClient(MailingGroups, transport);
  const contacts = createClient(Contacts, transport);
  await unary(groups);
  await refusals(groups);
  const people = Array.from({ length: 25 }, (_, at) => `P${at}`);
  for (const id of people) {
    await contacts.createContact({ contact: { id, kind: ContactKind.PERSON, name: `Person ${id}` } });
    await groups.assignMailingGroup({ contactId: id, code: "MOVE" });
  }
  await stream(groups, people);
}

async function unary(groups) {
  let requestId;
  const created = await groups.createMailingGroup(
    { mailingGroup: { code: "move", description: "New office" } },
    { onHeader: (headers) => (requestId = headers.get("x-request-id")) },
  );
  equal(created.mailingGroup.code, "MOVE", "the code");
  equal(created.revision, 1n, "the revision");
  if (!requestId) {
    throw new Error("x-request-id is not exposed");
  }
  const read = await groups.getMailingGroup({ code: "MOVE" });
  equal(read.mailingGroup.description, "New office", "the description");
}

async function refusals(groups) {
  try {
    await groups.getMailingGroup({ code: "NONE" });
  } catch (error) {
    equal(error.code, Code.NotFound, "the code");
    const [info] = error.findDetails(ErrorInfoSchema);
    equal(info.reason, "MAILING_GROUP_NOT_FOUND", "the reason");
    equal(info.metadata.name, "NONE", "the metadata");
    return refusedStream(groups);
  }
  throw new Error("a group that does not exist was found");
}

async function refusedStream(groups) {
  const source = { case: "expression", value: "MOVE AND" };
  try {
    for await (const _ of groups.streamSegmentMembers({ selection: { source } })) {
      throw new Error("a message before the error");
    }
  } catch (error) {
    equal(error.code, Code.InvalidArgument, "the code of a stream");
    equal(error.findDetails(ErrorInfoSchema)[0].reason, "INVALID_FIELD", "its reason");
    return;
  }
  throw new Error("an expression that is cut off was taken");
}

async function stream(groups, people) {
  const source = { case: "expression", value: "MOVE" };
  const found = [];
  let summary;
  for await (const { message } of groups.streamSegmentMembers({ selection: { source }, pageSize: 10 })) {
    if (message.case === "page") {
      found.push(...message.value.members.map((member) => member.contactId));
    } else if (message.case === "summary") {
      summary = message.value;
    }
  }
  equal(found.join(), people.join(), "the members");
  equal(summary.memberCount, BigInt(people.length), "the count");
}
