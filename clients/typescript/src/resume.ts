// Reads streams over as many connections as it takes.

import { Code } from "@connectrpc/connect";

import { MailingGroupsError } from "./errors.js";
import { sleep } from "./sleep.js";

/** After this long without a message a stream counts as broken: the service sends one every 15 s. */
const SILENCE_MS = 50_000;
/** How long a broken stream is continued without progress. */
export const RETRY_FOR_MS = 60_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_500;

/** How long to go on without progress. */
export class Retry {
  readonly #limitMs: number;
  #failingSince: number | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #hasProgress = false;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** A continued stream would start later than before. */
  progress(): void {
    this.#failingSince = undefined;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#hasProgress = true;
  }

  /** Waits before the next connection; throws the error if it is permanent or has lasted too long. */
  async wait(error: MailingGroupsError, signal: AbortSignal): Promise<void> {
    const hadProgress = this.#hasProgress;
    this.#hasProgress = false;
    if (this.#limitMs <= 0) {
      throw error;
    }
    // The service limits the age of a stream, and how long its answers may go unread. It ends a stream
    // when its token expires; there may be a new one by now.
    if (hadProgress && (error.code === Code.DeadlineExceeded || error.code === Code.Unauthenticated)) {
      return;
    }
    if (!error.isTransient) {
      throw error;
    }
    const now = performance.now();
    this.#failingSince ??= now;
    // The random part keeps many clients from returning at once.
    const pause = Math.max(this.#pauseMs * (1 + Math.random()), error.retryDelayMs ?? 0);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    if (now - this.#failingSince + pause > this.#limitMs) {
      throw error;
    }
    await sleep(pause, signal);
  }
}

/** A stream that can be continued. */
export interface Source<T> {
  /** Opens the stream at the current position. `alive` begins the limit of silence anew. */
  open(signal: AbortSignal, alive: () => void): AsyncIterable<T>;
  /** Whether a message of the service is due. Always, if absent. */
  isWaiting?(): boolean;
  /** The connection broke: discards what is incomplete. May throw, if the stream cannot continue. */
  broken?(error: MailingGroupsError): void;
}

/** Yields the messages of a stream. Ends only by an error, or when the caller stops. */
export async function* readOn<T>(source: Source<T>, retry: Retry, signal: AbortSignal): AsyncGenerator<T, never> {
  for (;;) {
    try {
      yield* readOnce(source, signal);
    } catch (thrown) {
      const error = MailingGroupsError.from(thrown);
      if (signal.aborted) {
        throw error;
      }
      source.broken?.(error);
      await retry.wait(error, signal);
    }
  }
}

async function* readOnce<T>(source: Source<T>, signal: AbortSignal): AsyncGenerator<T, never> {
  const call = new AbortController();
  const abort = (): void => {
    call.abort(signal.reason);
  };
  if (signal.aborted) {
    abort();
  }
  signal.addEventListener("abort", abort);
  let heard = performance.now();
  const alive = (): void => {
    heard = performance.now();
  };
  // Only while a message is awaited: the consumer may take its time.
  let isReading = false;
  const timer = setInterval(() => {
    if (!isReading || source.isWaiting?.() === false) {
      alive();
    } else if (performance.now() - heard > SILENCE_MS) {
      call.abort(new MailingGroupsError("the service sent nothing for 50 s", Code.Unavailable));
    }
  }, 1000);
  try {
    const messages = source.open(call.signal, alive)[Symbol.asyncIterator]();
    for (;;) {
      alive();
      isReading = true;
      const next = await messages.next();
      isReading = false;
      if (next.done === true) {
        throw new MailingGroupsError("the service ended the stream before its last message", Code.Unavailable);
      }
      yield next.value;
    }
  } finally {
    clearInterval(timer);
    signal.removeEventListener("abort", abort);
    call.abort();
  }
}

/**
 * Items of a stream that continues by itself when the connection breaks. It ends with an error if
 * there is no progress for too long, or if the error is permanent.
 *
 * Leaving a `for await` loop, or calling `return`, cancels the call, even while `next` waits.
 */
export class ResumedStream<T, S = undefined> implements AsyncIterableIterator<T, undefined> {
  readonly #items: AsyncGenerator<T, S>;
  readonly #stop = new AbortController();
  readonly #release: () => void;
  #isClosed = false;
  #summary: S | undefined;

  /** `read` yields the items, and returns the summary. */
  constructor(read: (signal: AbortSignal) => AsyncGenerator<T, S>, signal?: AbortSignal) {
    this.#items = read(this.#stop.signal);
    const abort = (): void => {
      this.#stop.abort(signal?.reason);
    };
    signal?.addEventListener("abort", abort);
    this.#release = (): void => {
      signal?.removeEventListener("abort", abort);
    };
    if (signal?.aborted === true) {
      abort();
    }
  }

  /** The last message of the service; undefined until the stream has come to its end. */
  get summary(): S | undefined {
    return this.#summary;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    try {
      const next = await this.#items.next();
      if (next.done !== true) {
        return next;
      }
      this.#summary ??= next.value;
    } catch (error) {
      if (!this.#isClosed) {
        this.#release();
        throw error;
      }
    }
    this.#release();
    return { done: true, value: undefined };
  }

  /** Cancels the call. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#isClosed = true;
    this.#release();
    this.#stop.abort();
    // The reason of the cancellation is of no interest.
    await this.#items.return(undefined as S).catch(() => undefined);
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
