// What happens to every call: metadata, request id, retries, errors.

import { Code, type Interceptor, type StreamResponse, type Transport } from "@connectrpc/connect";

import { MailingGroupsError } from "./errors.js";
import serviceConfig from "./gen/service_config.js";
import { sleep } from "./sleep.js";

/** A token, or a function that is called for each attempt of a call. */
export type TokenSource = string | (() => string | Promise<string>);

/** Adds the tenant and the token, unless the caller set others for this call. */
export function callMetadata(tenant: string | undefined, token: TokenSource | undefined): Interceptor {
  return (next) => async (request) => {
    // A copy: another attempt gets another token.
    const header = new Headers(request.header);
    if (tenant !== undefined && !header.has("x-tenant")) {
      header.set("x-tenant", tenant);
    }
    if (token !== undefined && !header.has("authorization")) {
      header.set("authorization", bearer(typeof token === "string" ? token : await token()));
    }
    return next({ ...request, header });
  };
}

/** The error of a wrong header would show the token. */
export function bearer(token: string): string {
  const trimmed = token.trim();
  if (!/^[\x21-\x7e]+$/.test(trimmed)) {
    throw new TypeError("the token is not one word of ASCII characters");
  }
  return `Bearer ${trimmed}`;
}

/**
 * Gives a request without a `request_id` a random one, so that a repetition has no second effect.
 * It changes a copy: the caller may send the same message again and mean it.
 */
export const requestId: Interceptor = (next) => (request) => {
  if (request.stream || !("requestId" in request.message) || request.message.requestId !== "") {
    return next(request);
  }
  const message = { ...request.message, requestId: crypto.randomUUID() };
  return next({ ...request, message });
};

interface RetryPolicy {
  maxAttempts: number;
  initialBackoff: string;
  maxBackoff: string;
  backoffMultiplier: number;
  retryableStatusCodes: readonly string[];
}

/** The policies of the service config, by `service/method`. */
const policies = new Map<string, RetryPolicy>(
  serviceConfig.methodConfig.flatMap(({ name, retryPolicy }) =>
    name.map(({ service, method }) => [`${service}/${method}`, retryPolicy] as const),
  ),
);

/** Repeats calls as the service config says. A stream is repeated until its first message. */
export const retry: Interceptor = (next) => async (request) => {
  const policy = policies.get(`${request.service.typeName}/${request.method.name}`);
  if (policy === undefined) {
    return next(request);
  }
  const messages = request.stream ? await collect(request.message) : [];
  for (let attempt = 1; ; attempt++) {
    try {
      return await next(request.stream ? { ...request, message: each(messages) } : request);
    } catch (thrown) {
      const error = MailingGroupsError.from(thrown);
      const delay = retryDelay(policy, attempt, error);
      if (delay === undefined) {
        throw error;
      }
      await sleep(delay, request.signal);
    }
  }
};

/** How many milliseconds to wait before the next attempt; undefined if there is none. */
export function retryDelay(policy: RetryPolicy, attempt: number, error: MailingGroupsError): number | undefined {
  const pushback = error.metadata.get("grpc-retry-pushback-ms");
  const refused = pushback !== null && !/^\d+$/.test(pushback);
  if (attempt >= policy.maxAttempts || refused || !policy.retryableStatusCodes.includes(codeName(error.code))) {
    return undefined;
  }
  if (pushback !== null) {
    return Number(pushback);
  }
  const grown = milliseconds(policy.initialBackoff) * policy.backoffMultiplier ** (attempt - 1);
  const backoff = Math.min(grown, milliseconds(policy.maxBackoff)) * (0.8 + 0.4 * Math.random());
  return Math.max(backoff, error.retryDelayMs ?? 0);
}

/** `UNAVAILABLE` for `Code.Unavailable`. */
function codeName(code: Code): string {
  return code === Code.Canceled ? "CANCELLED" : Code[code].replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}

/** `0.1s` is 100. */
function milliseconds(duration: string): number {
  return Number.parseFloat(duration) * 1000;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected = [];
  for await (const item of items) {
    collected.push(item);
  }
  return collected;
}

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) {
    yield await Promise.resolve(item);
  }
}

/**
 * Makes every error a {@link MailingGroupsError}. Streams get no deadline, unless the call has one.
 */
export function withTypedErrors(transport: Transport): Transport {
  return {
    unary: (...call) => transport.unary(...call).catch(rethrow),
    stream: (method, signal, timeoutMs, ...rest) =>
      transport.stream(method, signal, timeoutMs ?? 0, ...rest).then(typedStream, rethrow),
  };
}

function typedStream<T extends StreamResponse>(response: T): T {
  return { ...response, message: typedMessages(response.message) };
}

async function* typedMessages<T>(messages: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (thrown) {
    rethrow(thrown);
  }
}

function rethrow(thrown: unknown): never {
  throw MailingGroupsError.from(thrown);
}
