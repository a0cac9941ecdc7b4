// Servers for tests.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { Client, type ClientOptions } from "mailing-groups";

export function environment(name: string): string {
  const value = process.env[name];
  if (value === undefined) {
    throw new Error(`${name} is not set; run scripts/test-clients typescript`);
  }
  return value;
}

// Otherwise an interrupted test would leave its servers.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => process.exit(1));
}

/** A server with a data folder of its own. It can be stopped and started again. */
export class Server {
  readonly #folder = mkdtempSync(join(tmpdir(), "mg-ts-"));
  readonly #log = join(this.#folder, "log");
  readonly #flags: string[];
  readonly #options: ClientOptions;
  #process: ChildProcess | undefined;
  port = 0;

  /** The options of a client that waits for the server. */
  constructor(flags: string[] = [], options: ClientOptions = {}) {
    this.#flags = flags;
    this.#options = options;
    // The server that root starts runs PostgreSQL as another user, who has to reach the data.
    chmodSync(this.#folder, 0o755);
    process.on("exit", () => {
      if (this.#process === undefined) {
        rmSync(this.#folder, { recursive: true, force: true });
      } else {
        this.#process.kill("SIGTERM");
      }
    });
  }

  get address(): string {
    return `localhost:${this.port}`;
  }

  /** Starts the server, and waits until it answers. */
  async start(): Promise<this> {
    this.port ||= await freePort();
    const flags = ["--data-dir", join(this.#folder, "data"), "--listen", `127.0.0.1:${this.port}`];
    const log = openSync(this.#log, "a");
    const child = spawn(environment("MAILING_GROUPS"), [...flags, ...this.#flags], {
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    // The hooks that stop servers run when nothing else keeps the process alive.
    child.unref();
    this.#process = child;
    const client = new Client(this.address, this.#options);
    for (let attempt = 0; ; attempt++) {
      try {
        await client.identity.whoAmI({});
        break;
      } catch (error) {
        if (attempt > 200 || child.exitCode !== null) {
          throw new Error(`the server does not start:\n${readFileSync(this.#log, "utf8")}`, { cause: error });
        }
        await sleep(100);
      }
    }
    client.close();
    return this;
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child?.exitCode === null && child.signalCode === null) {
      child.ref();
      child.kill(signal);
      await once(child, "exit");
    }
    this.#process = undefined;
  }

  /** Stops the server, and removes its data. */
  async stop(): Promise<void> {
    await this.kill("SIGTERM");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

let tenants = 0;

/** A client of a new tenant. */
export function newClient(server: { address: string }, options: ClientOptions = {}): Client {
  return new Client(server.address, { tenant: newTenant(), ...options });
}

export function newTenant(): string {
  return `test-${++tenants}`;
}
