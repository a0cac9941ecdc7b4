// Imports any number of items, over as many connections as it takes.

import { Code } from "@connectrpc/connect";

import { end, ItemReader, type Chunk } from "./chunks.js";
import { MailingGroupsError } from "./errors.js";
import { type Retry, readOn } from "./resume.js";

/** Enough to keep the service busy while an answer travels, few enough that memory stays small. */
const MAX_CHUNKS_IN_FLIGHT = 8;
const MAX_REJECTIONS = 10_000;

/** Items, at hand or read while the import runs. */
export type Items<I> = Iterable<I> | AsyncIterable<I>;

/** How to import. */
export interface ImportOptions<R> {
  /**
   * Names the import: a random UUID, if absent. With an id of your own an import that failed, or
   * whose process died, goes on after its last committed item for 7 days: call again with the same
   * items. 1 to 64 of A-Z a-z 0-9 . _ : -.
   */
  importId?: string;
  /** Identifies the content, such as a digest: at most 128 bytes. Guards an import that goes on. */
  fingerprint?: string;
  /** Writes nothing: says what the import would do. It does not survive a broken connection. */
  validateOnly?: boolean;
  /** Gets each rejected item; waited for. Without it they are in the result. */
  onRejection?: (rejection: R) => void | Promise<void>;
  /** How many rejected items the result holds at most; 10,000 if absent. */
  maxRejections?: number;
  /** Gets the number of items committed or rejected so far. */
  onProgress?: (processedCount: number) => void;
  /** Cancels the import when it is aborted. What was acknowledged is committed. */
  signal?: AbortSignal;
}

/** One of the two import RPCs. `Q` is its request; `R` what a rejection becomes. */
export interface ImportCall<I, Q, M extends { index: bigint }, S extends { processedCount: bigint }, R> {
  open(requests: AsyncIterable<Q>, signal: AbortSignal): AsyncIterable<ImportResponse<M, S>>;
  start(start: { importId: string; knownCount: bigint; fingerprint: string; validateOnly: boolean }): Q;
  chunk(items: I[]): Q;
  finish(): Q;
  /** At most how many bytes the item has, encoded. */
  sizeOf(item: I): number;
  /** The item is undefined if an earlier run of the import sent it. */
  rejection(message: M, item: I | undefined): R;
}

interface ImportResponse<M, S> {
  message:
    | { case: "progress"; value: { processedCount: bigint; finished: boolean } }
    | { case: "rejection"; value: M }
    | { case: "summary"; value: S }
    | { case: undefined };
}

/** A connection of an import. */
interface Connection {
  /** Whether the service has said what is committed. */
  isReady: boolean;
  /** Whether nothing may be sent any more. */
  isOver: boolean;
}

/** An import, over as many connections as it takes. */
export class ImportSession<I, Q, M extends { index: bigint }, S extends { processedCount: bigint }, R> {
  readonly #call: ImportCall<I, Q, M, S, R>;
  readonly #options: ImportOptions<R>;
  readonly #importId: string;
  readonly #items: ItemReader<I>;
  readonly #retry: Retry;
  readonly #stop = new AbortController();
  /** Chunks that were sent, or are to be sent again, and are not acknowledged. */
  #inFlight: Chunk<I>[] = [];
  /** Items committed or rejected, as the service says. */
  #acknowledged = 0;
  /** Items whose results are known: rejections come before their acknowledgement. */
  #known = 0;
  #connection: Connection = { isReady: false, isOver: true };
  #isFinishSent = false;
  /** A chunk being read. It outlives its connection. */
  #reading: Promise<Chunk<I> | undefined> | undefined;
  /** What the items or a callback have thrown. */
  #failure: { error: unknown } | undefined;
  #wake = (): void => undefined;
  readonly #rejections: R[] = [];

  constructor(call: ImportCall<I, Q, M, S, R>, items: Items<I>, options: ImportOptions<R>, retry: Retry) {
    this.#call = call;
    this.#options = options;
    this.#retry = retry;
    this.#importId = options.importId ?? crypto.randomUUID();
    this.#items = new ItemReader(items, (item) => call.sizeOf(item));
  }

  /** Returns the summary, and the rejections unless a callback takes them. */
  async run(): Promise<[S, R[]]> {
    const { signal } = this.#options;
    const abort = (): void => {
      this.#stop.abort(signal?.reason);
    };
    signal?.addEventListener("abort", abort);
    if (signal?.aborted === true) {
      abort();
    }
    try {
      return [await this.#receive(), this.#rejections];
    } catch (error) {
      throw this.#failure === undefined ? error : this.#failure.error;
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#disconnect();
      await this.#items.close();
    }
  }

  async #receive(): Promise<S> {
    const source = {
      open: (signal: AbortSignal, alive: () => void) => this.#open(signal, alive),
      isWaiting: () => !this.#connection.isReady || this.#inFlight.length > 0 || this.#isFinishSent,
      broken: (error: MailingGroupsError) => {
        this.#broken(error);
      },
    };
    for await (const { message } of readOn(source, this.#retry, this.#stop.signal)) {
      switch (message.case) {
        case "rejection":
          await this.#reject(message.value);
          break;
        case "progress":
          this.#progress(Number(message.value.processedCount), message.value.finished);
          break;
        case "summary":
          await this.#complete(Number(message.value.processedCount));
          return message.value;
        case undefined:
      }
    }
    throw new Error("unreachable");
  }

  #open(signal: AbortSignal, alive: () => void): AsyncIterable<ImportResponse<M, S>> {
    this.#connection = { isReady: false, isOver: false };
    this.#isFinishSent = false;
    return this.#call.open(this.#requests(this.#connection, alive), signal);
  }

  #broken(error: MailingGroupsError): void {
    this.#disconnect();
    // A dry run is not recorded, so that the service would start from the first item.
    if (this.#options.validateOnly === true && this.#known > 0) {
      throw error;
    }
  }

  #disconnect(): void {
    this.#connection.isOver = true;
    this.#wake();
  }

  async *#requests(connection: Connection, alive: () => void): AsyncGenerator<Q> {
    const { fingerprint = "", validateOnly = false } = this.#options;
    yield this.#call.start({
      importId: this.#importId,
      knownCount: BigInt(this.#known),
      fingerprint,
      validateOnly,
    });
    let sent = 0;
    for (;;) {
      const next = await this.#nextChunk(connection, sent);
      if (connection.isOver) {
        return;
      }
      alive();
      if (next === undefined) {
        break;
      }
      sent = end(next);
      yield this.#call.chunk(next.items);
    }
    // The end of this generator closes the sending side.
    this.#isFinishSent = true;
    yield this.#call.finish();
  }

  /** The next chunk to send on a connection; undefined at the end, or if the connection is over. */
  async #nextChunk(connection: Connection, sent: number): Promise<Chunk<I> | undefined> {
    while (!connection.isOver) {
      const next = this.#inFlight.find((chunk) => end(chunk) > sent);
      if (!connection.isReady || (next === undefined && this.#inFlight.length >= MAX_CHUNKS_IN_FLIGHT)) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else if (next !== undefined) {
        return next;
      } else if (!(await this.#read(connection))) {
        return undefined;
      }
    }
    return undefined;
  }

  /** Reads a chunk for this connection or a later one. False at the end of the items. */
  async #read(connection: Connection): Promise<boolean> {
    this.#reading ??= this.#items.read();
    try {
      const chunk = await this.#reading;
      if (connection.isOver) {
        return false;
      }
      this.#reading = undefined;
      if (chunk === undefined && this.#items.total < this.#items.skipTo) {
        throw this.#otherItems(this.#items.skipTo);
      }
      if (chunk !== undefined) {
        this.#inFlight.push(chunk);
        this.#trim();
      }
      return chunk !== undefined;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  /** Ends the import with an error that is not the service's. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#disconnect();
    this.#stop.abort();
  }

  #progress(processed: number, isFinished: boolean): void {
    if (processed < this.#known) {
      const lost = String(this.#known - processed);
      throw new MailingGroupsError(
        `the service has lost ${lost} items of this import that it had acknowledged`,
        Code.DataLoss,
      );
    }
    // An earlier run may have sent items that are not read yet.
    this.#items.skipTo = processed;
    this.#connection.isReady ||= !isFinished;
    if (processed > this.#acknowledged) {
      this.#acknowledged = processed;
      this.#advance(processed);
      this.#trim();
      this.#options.onProgress?.(processed);
    }
    this.#wake();
  }

  async #reject(message: M): Promise<void> {
    const { onRejection, maxRejections = MAX_REJECTIONS } = this.#options;
    const index = Number(message.index);
    const chunk = this.#inFlight.find((it) => index >= it.first && index < end(it));
    const rejection = this.#call.rejection(message, chunk?.items[index - chunk.first]);
    this.#advance(index + 1);
    if (onRejection !== undefined) {
      await onRejection(rejection);
    } else if (this.#rejections.length < maxRejections) {
      this.#rejections.push(rejection);
    }
  }

  /** The results of all items before this index are known. */
  #advance(known: number): void {
    if (known > this.#known) {
      this.#known = known;
      this.#retry.progress();
    }
  }

  /** Drops what is acknowledged. */
  #trim(): void {
    this.#inFlight = this.#inFlight
      .filter((chunk) => end(chunk) > this.#acknowledged)
      .map(({ first, items }) => {
        const done = Math.max(this.#acknowledged - first, 0);
        return { first: first + done, items: done === 0 ? items : items.slice(done) };
      });
  }

  /** An import that an earlier run finished must have had as many items. */
  async #complete(processed: number): Promise<void> {
    await (this.#reading ?? this.#items.read());
    if (this.#items.total !== processed) {
      throw this.#otherItems(processed);
    }
  }

  #otherItems(processed: number): MailingGroupsError {
    return new MailingGroupsError(
      `import ${this.#importId} has ${String(processed)} items, and is now given others`,
      Code.FailedPrecondition,
    );
  }
}
