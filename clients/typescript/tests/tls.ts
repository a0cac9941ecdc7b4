// TLS and tokens.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { Client, Code, ErrorReason, PrincipalKind } from "mailing-groups";

import { failure } from "./calls.js";
import { environment, newClient, Server } from "./server.js";
import { countMembers, createGroup, people } from "./shared.js";

describe("TLS", () => {
  const file = (name: string) => join(environment("MAILING_GROUPS_TLS"), name);
  // As any bytes, not only as a Buffer.
  const ca = new Uint8Array(readFileSync(file("ca.pem")));
  const token = () => readFileSync(file("token"), "utf8");
  const options = { tls: { ca }, token };
  const flags = ["--tls-cert", file("server.pem"), "--tls-key", file("server.key"), "--auth-config", file("auth.toml")];
  const server = new Server(flags, options);
  before(() => server.start());
  after(() => server.stop());

  it("works with a token", async () => {
    const client = newClient(server, options);
    const { kind } = await client.identity.whoAmI({});
    assert.equal(kind, PrincipalKind.API_KEY);
    await createGroup(client, "MOVE");
    const { createdCount } = await client.importContacts(people(20_000));
    const pairs = Array.from({ length: 20_000 }, (_, number) => ({
      contactId: `N${number}`,
      code: "MOVE",
    }));
    const { changedCount } = await client.importMemberships(pairs);
    assert.deepEqual([createdCount, changedCount], [20_000, 20_000]);
    let members = 0;
    for await (const page of client.memberPages("MOVE")) {
      members += page.members.length;
    }
    assert.deepEqual([members, await countMembers(client, "MOVE")], [20_000, 20_000]);
    const error = await failure(client.mailingGroups.getMailingGroup({ code: "NONE" }));
    assert.equal(error.reason, ErrorReason.MAILING_GROUP_NOT_FOUND);
  });

  it("refuses other tokens, and none", async () => {
    const wrong = await failure(newClient(server, { tls: { ca }, token: "wrong" }).identity.whoAmI({}));
    assert.deepEqual([wrong.code, wrong.reason], [Code.Unauthenticated, ErrorReason.CREDENTIALS_INVALID]);
    const missing = await failure(newClient(server, { tls: { ca } }).members("MOVE").next());
    assert.deepEqual([missing.code, missing.reason], [Code.Unauthenticated, ErrorReason.CREDENTIALS_MISSING]);
  });

  it("trusts only known authorities", async () => {
    const client = new Client(server.address, { tls: true });
    const error = await failure(client.members("MOVE").next());
    assert.match(error.message, /certificate/);
  });
});
