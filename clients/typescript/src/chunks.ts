// Reads the items of an import in chunks.

/** The service commits up to 10,000 items together, however they are chunked. */
const MAX_ITEMS = 1_000;
/** The service takes messages of up to 4 MiB. */
const MAX_BYTES = 1 << 20;

/** Items, and the index of the first one in the import. */
export interface Chunk<I> {
  first: number;
  items: I[];
}

export function end(chunk: Chunk<unknown>): number {
  return chunk.first + chunk.items.length;
}

/** The items of an import. Nothing is read before it is needed. */
export class ItemReader<I> {
  readonly #items: Iterator<I> | AsyncIterator<I>;
  readonly #sizeOf: (item: I) => number;
  /** An item that did not fit into the last chunk. */
  #held: I | undefined;
  #isReading = false;
  /** Items before this index are read and dropped. */
  skipTo = 0;
  /** The number of items in chunks or dropped. */
  total = 0;
  /** Whether there are no more items. */
  isDone = false;

  /** `sizeOf` says how many bytes an item has at most, encoded. */
  constructor(items: Iterable<I> | AsyncIterable<I>, sizeOf: (item: I) => number) {
    this.#items = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
    this.#sizeOf = sizeOf;
  }

  /** Reads a chunk; undefined at the end. Fails with the error of the items. */
  async read(): Promise<Chunk<I> | undefined> {
    const items: I[] = [];
    let bytes = 0;
    while (items.length < MAX_ITEMS) {
      const item = this.#held ?? (await this.#next());
      if (item === undefined) {
        break;
      }
      const size = this.#sizeOf(item);
      if (items.length > 0 && bytes + size > MAX_BYTES) {
        this.#held = item;
        break;
      }
      this.#held = undefined;
      this.total++;
      if (this.total > this.skipTo) {
        items.push(item);
        bytes += size;
      }
    }
    return items.length === 0 ? undefined : { first: this.total - items.length, items };
  }

  async #next(): Promise<I | undefined> {
    if (this.isDone) {
      return undefined;
    }
    this.#isReading = true;
    try {
      const next = await this.#items.next();
      this.isDone = next.done === true;
      return next.done === true ? undefined : next.value;
    } catch (error) {
      this.isDone = true;
      throw error;
    } finally {
      this.#isReading = false;
    }
  }

  /** Says that no more items are wanted. Does not wait for an item that is being awaited. */
  async close(): Promise<void> {
    if (this.isDone) {
      return;
    }
    this.isDone = true;
    const closed = this.#items.return?.();
    if (this.#isReading) {
      Promise.resolve(closed).catch(() => undefined);
    } else {
      await closed;
    }
  }
}
