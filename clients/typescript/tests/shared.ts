// The server of most tests.
import { after } from "node:test";

import { Client, ContactKind, type ContactInit } from "mailing-groups";

import { Server } from "./server.js";

export const server = await new Server().start();
after(() => server.stop());

export function person(number: number, name = `Person ${number}`): ContactInit {
  return { id: `N${number}`, kind: ContactKind.PERSON, name };
}

export function* people(count: number): Generator<ContactInit> {
  for (let number = 0; number < count; number++) {
    yield person(number);
  }
}

export async function createGroup(client: Client, code: string): Promise<void> {
  await client.mailingGroups.createMailingGroup({ mailingGroup: { code } });
}

export async function countMembers(client: Client, expression: string): Promise<number> {
  const { memberCount } = await client.mailingGroups.countSegmentMembers({
    selection: { source: { case: "expression", value: expression } },
  });
  return Number(memberCount);
}

/** Prints how many rows a second something handles. */
export async function measure<T>(what: string, rows: number, run: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await run();
  console.log(`${what}: ${Math.round((rows * 1000) / (performance.now() - start))} rows/s`);
  return result;
}
