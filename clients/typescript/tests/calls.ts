// Single calls: errors, deadlines, retries, tokens.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { describe, it } from "node:test";

import { create } from "@bufbuild/protobuf";
import { ConnectError, createRouterTransport, type HandlerContext } from "@connectrpc/connect";
import {
  BaseClient,
  Client,
  Code,
  ContactKind,
  CreateContactRequestSchema,
  ErrorReason,
  Identity,
  MailingGroupsError,
  rpc,
  type CallOptions,
} from "mailing-groups";

import { Proxy } from "./proxy.js";
import { newClient } from "./server.js";
import { createGroup, person, server } from "./shared.js";

export async function failure(promise: Promise<unknown>): Promise<MailingGroupsError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert(error instanceof MailingGroupsError, String(error));
  return error;
}

/** A client of a service in this process. */
function fakeClient(answer: (call: HandlerContext) => void, options: CallOptions = {}): BaseClient {
  return new BaseClient(
    (transport) =>
      createRouterTransport(
        ({ service }) => {
          service(Identity, {
            whoAmI: (_, call) => {
              answer(call);
              return {};
            },
          });
        },
        { transport },
      ),
    options,
  );
}

describe("errors", () => {
  const client = newClient(server);

  it("have a reason, metadata and a resource", async () => {
    await createGroup(client, "OLD");
    await client.mailingGroups.renameMailingGroup({ code: "OLD", newCode: "NEW" });
    const error = await failure(client.mailingGroups.getMailingGroup({ code: "old" }));
    assert.equal(error.code, Code.NotFound);
    assert.equal(error.reason, ErrorReason.MAILING_GROUP_RENAMED);
    assert.equal(error.reasonName, "MAILING_GROUP_RENAMED");
    assert.equal(error.reasonMetadata["current"], "NEW");
    assert.equal(error.resource?.resourceName, "OLD");
    assert.equal(error.rawMessage, "no mailing group OLD; it is NEW now");
    assert.match(error.requestId ?? "", /^[-\w]+$/);
    assert(error instanceof ConnectError && !error.isTransient);
  });

  it("name the invalid fields", async () => {
    const error = await failure(createGroup(client, "DÉMÉNAGEMENT"));
    assert.equal(error.reason, ErrorReason.INVALID_FIELD);
    assert.deepEqual(
      error.fieldViolations.map((it) => it.field),
      ["mailing_group.code"],
    );
  });

  it("name preconditions", async () => {
    await createGroup(client, "FULL");
    await client.contacts.createContact({ contact: { ...person(1) } });
    await client.mailingGroups.assignMailingGroup({ contactId: "N1", code: "FULL" });
    const error = await failure(client.mailingGroups.deleteMailingGroup({ code: "FULL" }));
    assert.equal(error.reason, ErrorReason.MAILING_GROUP_HAS_MEMBERS);
    assert.equal(error.preconditionViolations[0]?.subject, "FULL");
    assert.equal(error.reasonMetadata["count"], "1");
  });

  it("come from streams too", async () => {
    const error = await failure(client.members("MISSING").next());
    assert.equal(error.reason, ErrorReason.MAILING_GROUP_NOT_FOUND);
    const raw = client.mailingGroups.watchChanges({ start: { case: "revision", value: 1_000_000n } });
    const failed = await failure(raw[Symbol.asyncIterator]().next());
    assert.equal(failed.reason, ErrorReason.INVALID_FIELD);
  });

  it("keep a reason that this version does not know", () => {
    const details = [{ desc: rpc.ErrorInfoSchema, value: { domain: "mailinggroups", reason: "NEWER" } }];
    const error = MailingGroupsError.from(new ConnectError("new", Code.Aborted, undefined, details));
    assert.equal(error.reason, ErrorReason.UNSPECIFIED);
    assert.equal(error.reasonName, "NEWER");
    assert(!(new ConnectError("other") instanceof MailingGroupsError));
  });

  it("say that nothing listens", async () => {
    const error = await failure(new Client("127.0.0.1:1").identity.whoAmI({}));
    assert.equal(error.code, Code.Unavailable);
  });
});

describe("calls", () => {
  it("have a deadline", async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const error = await failure(new Client(address, { timeoutMs: 100 }).identity.whoAmI({}));
    assert.equal(error.code, Code.DeadlineExceeded);
    const other = await failure(new Client(address).identity.whoAmI({}, { timeoutMs: 100 }));
    assert.equal(other.code, Code.DeadlineExceeded);
    silent.close();
    sockets.forEach((socket) => socket.destroy());
  });

  it("can be cancelled", async () => {
    const error = await failure(newClient(server).identity.whoAmI({}, { signal: AbortSignal.abort() }));
    assert.equal(error.code, Code.Canceled);
  });

  it("have one effect if the answer is lost", async () => {
    const proxy = await Proxy.start(server);
    const client = newClient(proxy);
    // Without an id each call creates another contact.
    const contact = { kind: ContactKind.PERSON, name: "Ada" };
    await client.contacts.createContact({ contact });
    proxy.loseAnswer();
    const { revision } = await client.contacts.createContact({ contact });
    assert.equal(proxy.cuts, 1);
    assert.equal(revision, 2n);
    const { contacts } = await client.contacts.listContacts({});
    assert.equal(contacts.length, 2);
    proxy.stop();
  });

  it("send the same message twice as two requests", async () => {
    const client = newClient(server);
    const request = create(CreateContactRequestSchema, {
      contact: { kind: ContactKind.PERSON, name: "Ada" },
    });
    await client.contacts.createContact(request);
    await client.contacts.createContact(request);
    assert.equal(request.requestId, "");
    const { contacts } = await client.contacts.listContacts({});
    assert.equal(contacts.length, 2);
  });

  it("are retried as the policy says", async () => {
    let calls = 0;
    const always = (error: ConnectError) => () => {
      calls++;
      throw error;
    };
    const unavailable = new ConnectError("away", Code.Unavailable);
    await failure(fakeClient(always(unavailable)).identity.whoAmI({}));
    assert.equal(calls, 5);

    calls = 0;
    await failure(fakeClient(always(new ConnectError("no", Code.Aborted))).identity.whoAmI({}));
    assert.equal(calls, 1);

    calls = 0;
    const pushback = new ConnectError("away", Code.Unavailable, { "grpc-retry-pushback-ms": "-1" });
    await failure(fakeClient(always(pushback)).identity.whoAmI({}));
    assert.equal(calls, 1);
  });

  it("wait as long as the service says", async () => {
    const retryInfo = { desc: rpc.RetryInfoSchema, value: { retryDelay: { nanos: 400_000_000 } } };
    for (const error of [
      new ConnectError("away", Code.Unavailable, undefined, [retryInfo]),
      new ConnectError("away", Code.Unavailable, { "grpc-retry-pushback-ms": "400" }),
    ]) {
      let calls = 0;
      const start = performance.now();
      await fakeClient(() => {
        if (++calls === 1) {
          throw error;
        }
      }).identity.whoAmI({});
      assert.equal(calls, 2);
      assert(performance.now() - start >= 390);
    }
  });

  it("ask for the token each time", async () => {
    const seen: (string | null)[] = [];
    let number = 0;
    const token = () => Promise.resolve(`token-${++number}\n`);
    const client = fakeClient(
      ({ requestHeader }) => {
        seen.push(requestHeader.get("authorization"), requestHeader.get("x-tenant"));
      },
      { token, tenant: "acme" },
    );
    await client.identity.whoAmI({});
    await client.identity.whoAmI({});
    assert.deepEqual(seen, ["Bearer token-1", "acme", "Bearer token-2", "acme"]);
    const headers = { authorization: "Bearer other", "x-tenant": "other" };
    await client.identity.whoAmI({}, { headers });
    assert.deepEqual(seen.slice(4), ["Bearer other", "other"]);
    const broken = fakeClient(() => undefined, { token: () => "two words" });
    const error = await failure(broken.identity.whoAmI({}));
    assert(!error.message.includes("words"));
  });

  it("send no token over plaintext to another computer", () => {
    const options = { token: "secret" };
    for (const address of ["example.com:1", "http://10.0.0.1:1", "localhost.example.com:1"]) {
      assert.throws(() => new Client(address, options), TypeError);
      new Client(address, { ...options, allowPlaintextToken: true }).close();
      new Client(address.replace("http:", "https:"), { ...options, tls: true }).close();
    }
    for (const address of ["localhost:1", "127.0.0.1:1", "http://[::1]:1", "[::ffff:127.0.0.1]:1"]) {
      new Client(address, options).close();
    }
    assert.throws(() => new Client("http://localhost:1", { tls: true }), TypeError);
  });
});
