// Members, exports and watches.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import {
  Code,
  ContactKind,
  ErrorReason,
  MailingGroupsError,
  SegmentMemberView,
  type Client,
  type WatchChangesResponse_Changes,
  type WatchOptions,
} from "mailing-groups";

import { failure } from "./calls.js";
import { Proxy } from "./proxy.js";
import { newClient, newTenant, Server } from "./server.js";
import { createGroup, people, person, server } from "./shared.js";

const COUNT = 100_000;
const tenant = newTenant();

/** The revisions of a watch up to one. */
async function revisions(client: Client, options: WatchOptions, last: bigint): Promise<WatchChangesResponse_Changes[]> {
  const found = [];
  for await (const event of client.watch(options)) {
    if (event.case === "changes") {
      found.push(event.value);
    }
    if ("revision" in (event.value ?? {}) && (event.value as { revision: bigint }).revision >= last) {
      break;
    }
  }
  return found;
}

describe("streams", () => {
  it("of members go on where they broke", async () => {
    await newClient(server, { tenant }).importContacts(people(COUNT));
    const proxy = await Proxy.start(server, [{ down: 200_000 }, { down: 10 }, { down: 500_000 }, { down: 50_000 }]);
    const members = newClient(proxy, { tenant }).members("kind = PERSON");
    const ids = [];
    for await (const { contactId } of members) {
      ids.push(contactId);
    }
    assert.deepEqual(
      ids,
      Array.from({ length: COUNT }, (_, number) => `N${number}`),
    );
    assert.equal(members.summary?.memberCount, BigInt(COUNT));
    assert.equal(proxy.cuts, 4);
    proxy.stop();
  });

  it("of members have pages, views and tokens", async () => {
    const client = newClient(server, { tenant });
    await client.importContacts([1, 2].map((number) => ({ ...person(number), email: "two@example.org" })));
    const options = { view: SegmentMemberView.FULL, pageSize: 10 };
    const pages = client.memberPages('email = "two@example.org"', options);
    const { value: page } = await pages.next();
    assert.deepEqual(
      page?.members.map((it) => it.contact?.name),
      ["Person 1", "Person 2"],
    );
    assert.equal((await pages.next()).done, true);
    assert.equal(pages.summary?.sentCount, 2n);
    const rest = client.memberPages("kind = PERSON", { pageSize: 10_000 });
    const first = await rest.next();
    await rest.return();
    const resumeToken = first.value?.resumeToken ?? "";
    const continued = client.memberPages("kind = PERSON", { pageSize: 10_000, resumeToken });
    const second = await continued.next();
    await continued.return();
    assert.equal(second.value?.members[0]?.contactId, "N10000");
  });

  it("of an export have each contact and group once", async () => {
    const client = newClient(server, { tenant });
    await createGroup(client, "EXPORTED");
    await client.importMemberships([...people(COUNT)].map(({ id = "" }) => ({ contactId: id, code: "EXPORTED" })));
    const plans = [{ down: 600 }, { down: 3_000_000 }, { down: 10 }, { down: 1_000_000 }];
    const proxy = await Proxy.start(server, plans);
    const parts = newClient(proxy, { tenant }).exportContacts();
    const [groups, contacts, assignments] = [[], [], []] as [string[], string[], string[]];
    for await (const part of parts) {
      groups.push(...part.mailingGroups.map((it) => it.code));
      contacts.push(...part.contacts.map((it) => it.id));
      assignments.push(...part.assignments.map((it) => it.contactId));
    }
    assert.deepEqual(groups, ["EXPORTED"]);
    assert.equal(new Set(contacts).size, COUNT);
    assert.deepEqual([contacts.length, assignments.length], [COUNT, COUNT]);
    assert.equal(parts.summary?.revisionMoved, false);
    assert(proxy.cuts >= 3, `${proxy.cuts} cuts`);
    proxy.stop();
  });

  it("end when they are closed, also for the service", async () => {
    const name = newTenant();
    const client = newClient(server, { tenant: name });
    await client.tenants.createTenant({ tenant: { name, limits: { maxStreams: 1n } } });
    const watch = client.watch();
    assert.equal((await watch.next()).value?.case, "progress");
    const error = await refusal(client);
    assert.equal(error.reason, ErrorReason.TENANT_LIMIT_REACHED);
    assert.equal(error.reasonMetadata["maximum"], "1");
    // A second one waits for its turn.
    const other = client.watch();
    const waiting = other.next();
    const pending = watch.next();
    await watch.return();
    assert.equal((await pending).done, true);
    assert.equal((await waiting).value?.case, "progress");
    // Leaving a loop closes too.
    for await (const _ of other) {
      break;
    }
    assert.equal((await other.next()).done, true);
    const stop = new AbortController();
    const third = client.watch({ signal: stop.signal });
    await third.next();
    const last = failure(third.next());
    stop.abort();
    assert.equal((await last).code, Code.Canceled);
  });

  it("of changes have whole revisions", async () => {
    const long = newTenant();
    const client = newClient(server, { tenant: long });
    const contacts = Array.from({ length: 30_000 }, (_, number) => ({
      id: `N${number}`,
      kind: ContactKind.PERSON,
      name: "x".repeat(100),
      email: `${"y".repeat(200)}@example.org`,
    }));
    const { revision } = await client.importContacts(contacts);
    const plans = [{ down: 300_000 }, { down: 2_000_000 }, { down: 5_000_000 }];
    const proxy = await Proxy.start(server, plans);
    const found = await revisions(newClient(proxy, { tenant: long }), { start: 0n }, revision);
    assert.equal(proxy.cuts, 3);
    proxy.stop();
    assert.deepEqual(
      found.map((it) => it.revision),
      Array.from({ length: Number(revision) }, (_, index) => BigInt(index + 1)),
    );
    const created = found.flatMap(({ changes }) =>
      changes.flatMap(({ change }) => (change.case === "contactsCreated" ? change.value.contacts : [])),
    );
    assert.equal(created.length, 30_000);
    assert.equal(new Set(created.map((it) => it.id)).size, 30_000);
    assert(found.every((it) => !it.more && it.resumeToken !== ""));

    const resumeToken = found[0]?.resumeToken ?? "";
    const rest = await revisions(client, { start: { resumeToken } }, revision);
    assert.equal(rest[0]?.revision, 2n);
  });

  it("of changes can begin with a snapshot, and start that again", async () => {
    const proxy = await Proxy.start(server, [{ down: 2_000_000 }]);
    let ids: string[] = [];
    let restarts = 0;
    for await (const { case: kind, value } of newClient(proxy, { tenant }).watch({
      start: "beginning",
    })) {
      if (kind === "snapshotRestart") {
        ids = [];
        restarts++;
      } else if (kind === "snapshot") {
        ids.push(...value.contacts.map((it) => it.id));
      } else if (kind === "snapshotEnd") {
        break;
      }
    }
    assert.equal(restarts, 1);
    assert.deepEqual([ids.length, new Set(ids).size], [COUNT, COUNT]);
    proxy.stop();
  });

  it("of changes survive restarts of the service", async () => {
    const restarted = await new Server().start();
    try {
      const client = newClient(restarted);
      await createGroup(client, "FIRST");
      const writer = { isOver: false };
      const written = (async () => {
        let last = 0n;
        for (let number = 0; !writer.isOver || number < 100; number++) {
          const { revision } = await untilDone(() =>
            client.mailingGroups.createMailingGroup({
              mailingGroup: { code: `G${number}` },
              requestId: `r${number}`,
            }),
          );
          last = revision;
          await sleep(10);
        }
        return last;
      })();
      const watching = (async () => {
        const found: bigint[] = [];
        for await (const event of client.watch({ start: 0n })) {
          if (event.case === "changes") {
            found.push(event.value.revision);
          }
          const last = writer.isOver ? await written : undefined;
          if (last !== undefined && (found.at(-1) ?? 0n) >= last) {
            break;
          }
        }
        return found;
      })();
      for (const signal of ["SIGKILL", "SIGTERM"] as const) {
        await sleep(500);
        await restarted.kill(signal);
        await restarted.start();
      }
      await sleep(500);
      writer.isOver = true;
      const last = await written;
      const found = await watching;
      assert.deepEqual(
        found,
        Array.from({ length: Number(last) }, (_, index) => BigInt(index + 1)),
      );
    } finally {
      await restarted.stop();
    }
  });
});

/** The error of a stream that is one too many. The limit is followed within some seconds. */
async function refusal(client: Client): Promise<MailingGroupsError> {
  for (;;) {
    const stop = new AbortController();
    const refused = client.mailingGroups.watchChanges({ start: { case: "now", value: {} } }, { signal: stop.signal });
    try {
      await refused[Symbol.asyncIterator]().next();
      stop.abort();
      await sleep(500);
    } catch (error) {
      assert(error instanceof MailingGroupsError);
      return error;
    }
  }
}

/** Repeats a call longer than its retries do. */
async function untilDone<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch {
      await sleep(200);
    }
  }
}
