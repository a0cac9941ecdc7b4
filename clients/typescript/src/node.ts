// The parts that need Node.js: addresses, TLS and the connection.

import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";

import { BaseClient, type CallOptions } from "./client.js";

/** Between pings on a connection with open calls; before a call on an idle one. */
const PING_INTERVAL_MS = 20_000;
const PING_TIMEOUT_MS = 10_000;
/** How much the service may send of a stream before it is read. */
const STREAM_WINDOW_BYTES = 1 << 20;
/** For the messages of several imports at a time, in MB. */
const SESSION_MEMORY = 256;

/** Certificates, as PEM. */
export interface TlsOptions {
  /** The authorities to trust, instead of those that Node.js trusts. */
  ca?: string | Uint8Array;
  /** The certificate of this client, if the service asks for one. */
  cert?: string | Uint8Array;
  /** Its key. */
  key?: string | Uint8Array;
}

/** How to connect. */
export interface ClientOptions extends CallOptions {
  /** TLS: true, or certificates. Plaintext, if absent and the address is not `https://`. */
  tls?: boolean | TlsOptions;
  /** Sends the token to another computer without TLS, where others may read it. */
  allowPlaintextToken?: boolean;
}

/**
 * A client of the service, over one connection, which is opened by the first call, and again if it
 * breaks. All calls may run at the same time.
 */
export class Client extends BaseClient {
  readonly #connection: Http2SessionManager;

  /**
   * `address` is `host:port`, or a URL with `http:` or `https:`. Throws a `TypeError` if the options
   * contradict each other, or if the token would go to another computer without TLS.
   */
  constructor(address: string, options: ClientOptions = {}) {
    const url = endpoint(address, options);
    const tls = typeof options.tls === "object" ? options.tls : {};
    const connection = new Http2SessionManager(
      url.origin,
      { pingIntervalMs: PING_INTERVAL_MS, pingTimeoutMs: PING_TIMEOUT_MS },
      {
        ...tls,
        settings: { initialWindowSize: STREAM_WINDOW_BYTES },
        maxSessionMemory: SESSION_MEMORY,
      },
    );
    super((calls) => createGrpcTransport({ baseUrl: url.origin, sessionManager: connection, ...calls }), options);
    this.#connection = connection;
  }

  /** Closes the connection and cancels all calls. */
  close(): void {
    this.#connection.abort();
  }
}

function endpoint(address: string, { tls, token, allowPlaintextToken = false }: ClientOptions): URL {
  const wantsTls = tls !== undefined && tls !== false;
  const url = new URL(address.includes("://") ? address : `${wantsTls ? "https" : "http"}://${address}`);
  if (url.protocol !== "https:" && (url.protocol !== "http:" || wantsTls)) {
    throw new TypeError(`${address}: write https:// for TLS, http:// without`);
  }
  if (token !== undefined && url.protocol === "http:" && !isLoopback(url.hostname) && !allowPlaintextToken) {
    throw new TypeError(
      `the token would go to ${url.hostname} without TLS, where others may read it; ` +
        "use tls, or allowPlaintextToken in a network that you trust",
    );
  }
  return url;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || /^127(\.\d+){3}$|^\[(::1|::ffff:7f[\da-f]{2}:[\da-f]{1,4})\]$/.test(host);
}
