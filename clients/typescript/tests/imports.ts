// Imports of contacts and memberships.
import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { ConnectError, createRouterTransport } from "@connectrpc/connect";
import {
  AssignmentOutcome,
  BaseClient,
  Code,
  Contacts,
  ErrorReason,
  type AssignmentInit,
  type ContactInit,
  type ContactRejection,
} from "mailing-groups";

import { failure } from "./calls.js";
import { Proxy } from "./proxy.js";
import { newClient, newTenant } from "./server.js";
import { countMembers, createGroup, measure, people, person, server } from "./shared.js";

const COUNT = 100_000;

/** Every thousandth is invalid. */
function* flawedPeople(): Generator<ContactInit> {
  for (let number = 0; number < COUNT; number++) {
    yield person(number, number % 1000 === 999 ? "" : undefined);
  }
}

/** Every thousandth contact does not exist. */
function* flawedPairs(): Generator<AssignmentInit> {
  for (let number = 0; number < COUNT; number++) {
    yield { contactId: number % 1000 === 999 ? "nobody" : `N${number}`, code: "MOVE" };
  }
}

const flaws = Array.from({ length: COUNT / 1000 }, (_, index) => index * 1000 + 999);

const indexes = (rejections: { index: number }[]) => rejections.map((it) => it.index);

describe("imports", () => {
  it("survive broken connections", async () => {
    const plans = [{ up: 400_000 }, { up: 10 }, { down: 2000 }, { up: 1_200_000 }, { down: 400 }];
    const tenant = newTenant();
    const first = await Proxy.start(server, plans);
    const contacts = await newClient(first, { tenant }).importContacts(flawedPeople());
    first.stop();
    assert(first.cuts >= 3, `${first.cuts} cuts`);
    assert.deepEqual([contacts.processedCount, contacts.createdCount], [COUNT, COUNT - flaws.length]);
    assert.deepEqual(indexes(contacts.rejections), flaws);
    assert.deepEqual([contacts.rejections[0]?.item, contacts.rejections[0]?.field], [person(999, ""), "name"]);

    const second = await Proxy.start(server, plans);
    const client = newClient(second, { tenant });
    await createGroup(client, "MOVE");
    const pairs = await client.importMemberships(flawedPairs());
    assert(second.cuts >= 3, `${second.cuts} cuts`);
    assert.deepEqual([pairs.processedCount, pairs.changedCount], [COUNT, COUNT - flaws.length]);
    assert.deepEqual(indexes(pairs.rejections), flaws);
    assert.equal(pairs.rejections[0]?.outcome, AssignmentOutcome.UNKNOWN_CONTACT);
    assert.equal(await countMembers(client, "kind = PERSON"), COUNT - flaws.length);
    assert.equal(await countMembers(client, "MOVE"), COUNT - flaws.length);
    second.stop();
  });

  it("are fast", async () => {
    const client = newClient(server);
    await createGroup(client, "MOVE");
    await measure("import of contacts", COUNT, () => client.importContacts(people(COUNT)));
    const pairs = Array.from({ length: COUNT }, (_, number) => ({
      contactId: `N${number}`,
      code: "MOVE",
    }));
    await measure("import of memberships", COUNT, () => client.importMemberships(pairs));
    await measure("members", COUNT, () => drain(client.members("MOVE")));
    await measure("members in pages", COUNT, () => drain(client.memberPages("MOVE", { pageSize: 10_000 })));
  });

  it("read only what they can send", async () => {
    let read = 0;
    let ahead = 0;
    let processed = 0;
    async function* items(): AsyncGenerator<ContactInit> {
      for (const item of people(30_000)) {
        ahead = Math.max(ahead, ++read - processed);
        yield await Promise.resolve(item);
      }
    }
    const onProgress = (count: number) => (processed = count);
    const result = await newClient(server).importContacts(items(), { onProgress });
    assert.deepEqual([result.createdCount, processed], [30_000, 30_000]);
    assert(ahead <= 10_000, `${ahead} items ahead`);
  });

  it("send large items in smaller chunks", async () => {
    const contacts = Array.from({ length: 3000 }, (_, number) => person(number, "é".repeat(3000)));
    const result = await newClient(server).importContacts(contacts, { maxRejections: 10 });
    assert.deepEqual([result.rejectedCount, result.rejections.length], [3000, 10]);
    const keys = Array.from({ length: 32 }, (_, number) => [`key_${number}`, "é".repeat(100)]);
    const attributes = Object.fromEntries(keys) as Record<string, string>;
    const full = contacts.map((_, number) => ({ ...person(number), attributes }));
    assert.equal((await newClient(server).importContacts(full)).createdCount, 3000);
  });

  it("replace the attributes of the mask only", async () => {
    const client = newClient(server);
    await client.importContacts([{ ...person(1), attributes: { territory: "CH", language: "fr" } }]);
    const changed = { ...person(1), attributes: { territory: "DE" } };
    await client.importContacts([changed], { updateMask: ["attributes.territory"] });
    assert.equal(await countMembers(client, 'territory = "DE" AND language = fr'), 1);
  });

  it("go on where an earlier run ended", async () => {
    const client = newClient(server);
    const options = { importId: "nightly", fingerprint: "v1" };
    const fault = new Error("the file is broken");
    function* broken(): Generator<ContactInit> {
      for (const item of flawedPeople()) {
        if (item.id === "N50000") {
          throw fault;
        }
        yield item;
      }
    }
    await assert.rejects(client.importContacts(broken(), options), (error) => error === fault);
    const fewer = await failure(client.importContacts(people(10), options));
    assert.equal(fewer.code, Code.FailedPrecondition);
    const rejections: ContactRejection[] = [];
    const onRejection = (it: ContactRejection) => void rejections.push(it);
    const result = await client.importContacts(flawedPeople(), { ...options, onRejection });
    assert.deepEqual([result.processedCount, result.createdCount], [COUNT, COUNT - flaws.length]);
    assert.deepEqual(indexes(rejections), flaws);
    assert.deepEqual([rejections[0]?.item, result.rejections.length], [undefined, 0]);

    const again = await client.importContacts(flawedPeople(), options);
    assert.deepEqual([again.createdCount, indexes(again.rejections)], [COUNT - flaws.length, flaws]);
    const other = await failure(client.importContacts(people(10), options));
    assert.equal(other.code, Code.FailedPrecondition);
    const reused = await failure(client.importContacts(people(10), { ...options, fingerprint: "v2" }));
    assert.equal(reused.reason, ErrorReason.IMPORT_ID_REUSED);
  });

  it("pass on what a callback throws, and close the items", async () => {
    const fault = new Error("no room");
    let isClosed = false;
    function* items(): Generator<ContactInit> {
      try {
        yield* flawedPeople();
      } finally {
        isClosed = true;
      }
    }
    const onRejection = () => Promise.reject(fault);
    const running = newClient(server).importContacts(items(), { onRejection });
    await assert.rejects(running, (error) => error === fault);
    assert(isClosed);
  });

  it("can be cancelled", async () => {
    const stop = new AbortController();
    async function* items(): AsyncGenerator<ContactInit> {
      yield person(1);
      stop.abort();
      await new Promise(() => undefined);
    }
    const error = await failure(newClient(server).importContacts(items(), { signal: stop.signal }));
    assert.equal(error.code, Code.Canceled);
  });

  it("write nothing if they only validate", async () => {
    const client = newClient(server);
    const result = await client.importContacts([person(1), person(2, "")], { validateOnly: true });
    assert.deepEqual([result.createdCount, result.rejectedCount], [1, 1]);
    assert.equal(await countMembers(client, "kind = PERSON"), 0);
  });

  it("replace only the fields of the mask", async () => {
    const client = newClient(server);
    await client.importContacts([{ ...person(1), email: "a@example.org", privacyBlocked: true }]);
    await client.importContacts([{ id: "N1", name: "New" }], { updateMask: ["name"] });
    const { contact } = await client.contacts.getContact({ id: "N1" });
    assert.deepEqual([contact?.name, contact?.email, contact?.privacyBlocked], ["New", "a@example.org", true]);
  });

  it("are not continued without time for it", async () => {
    let streams = 0;
    const client = new BaseClient(
      (transport) =>
        createRouterTransport(
          ({ service }) => {
            service(Contacts, {
              importContacts() {
                streams++;
                throw new ConnectError("away", Code.Unavailable);
              },
            });
          },
          { transport },
        ),
      { retryForMs: 0 },
    );
    const error = await failure(client.importContacts(people(1)));
    assert.deepEqual([error.code, streams], [Code.Unavailable, 1]);
  });

  it("notice that the service has lost items", async () => {
    let streams = 0;
    const client = new BaseClient((transport) =>
      createRouterTransport(
        ({ service }) => {
          service(Contacts, {
            async *importContacts(requests) {
              streams++;
              yield { message: { case: "progress", value: {} } };
              for await (const { message } of requests) {
                if (message.case === "chunk") {
                  yield { message: { case: "progress", value: { processedCount: 1000n } } };
                  throw new ConnectError("away", Code.Unavailable);
                }
              }
            },
          });
        },
        { transport },
      ),
    );
    const error = await failure(client.importContacts(people(5000)));
    assert.deepEqual([error.code, streams], [Code.DataLoss, 2]);
  });
});

async function drain(items: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of items) {
    count++;
  }
  return count;
}
