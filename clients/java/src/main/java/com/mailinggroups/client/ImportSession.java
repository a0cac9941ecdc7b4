package com.mailinggroups.client;

import com.google.protobuf.MessageLite;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;

/**
 * An import, over as many connections as it takes. The thread of the caller sends and receives: it
 * pulls items from the source only while few chunks are in flight, and handles what has arrived in
 * between.
 */
final class ImportSession<T extends MessageLite, Q, P, S, R> {
  private static final int MAX_CHUNKS = 8;
  private static final int CHUNK_ITEMS = 1_000;
  private static final int CHUNK_BYTES = 1 << 20;

  /**
   * Holds the answers to all that is in flight, so that a slow source does not stop the service.
   */
  private static final int WINDOW = MAX_CHUNKS * CHUNK_ITEMS + 1_000;

  private final Connection connection;
  private final ImportKind<T, Q, P, S, R> kind;
  private final ImportOptions options;
  private final Iterator<? extends T> source;
  private final Consumer<? super R> rejections;
  private final Retry retry;
  private final InFlight<T> inFlight = new InFlight<>();
  private StreamCall<Q, P> call;

  /** An item that was pulled and did not fit into the last chunk. */
  private T pulled;

  /** Whether the service has answered the start. */
  private boolean isReady;

  /** Whether all items were pulled. */
  private boolean isExhausted;

  /** How many items an earlier run, or an earlier connection, committed. */
  private long resumedAt;

  /** The number of items whose results are known. */
  private long knownCount;

  ImportSession(
      Connection connection,
      ImportKind<T, Q, P, S, R> kind,
      ImportOptions options,
      Iterator<? extends T> source,
      Consumer<? super R> rejections) {
    this.connection = connection;
    this.kind = kind;
    this.options = options;
    this.source = source;
    this.rejections = rejections;
    // A dry run leaves nothing that could be continued.
    retry = new Retry(options.validateOnly() ? Duration.ZERO : connection.retryFor());
  }

  /** What the source or the consumer of rejections throws comes out as it is. */
  S run() {
    open();
    try {
      while (true) {
        P message;
        try {
          message = mustWait() ? call.next() : call.poll();
        } catch (MailingGroupsException broken) {
          retry.pause(broken);
          open();
          continue;
        }
        if (message == null) {
          sendChunk();
          continue;
        }
        S summary = handle(kind.event(message));
        if (summary != null) {
          call.end();
          return summary;
        }
      }
    } finally {
      call.cancel("the import has ended");
    }
  }

  private boolean mustWait() {
    return !isReady || isExhausted || inFlight.chunks().size() >= MAX_CHUNKS;
  }

  private void open() {
    isReady = false;
    retry.opened();
    call = connection.open(kind.method(), WINDOW);
    call.send(kind.start(options, knownCount));
  }

  private S handle(ImportKind.Event<S, R> event) {
    if (event instanceof ImportKind.Event.Rejection<S, R> it) {
      reject(it.index(), it.rejection());
    } else if (event instanceof ImportKind.Event.Progress<S, R> it) {
      if (isReady) {
        acknowledge(it.processed());
      } else {
        resume(it.processed(), it.finished());
      }
    } else if (event instanceof ImportKind.Event.Summary<S, R> it) {
      acknowledge(it.processed());
      checkTotal(it.processed());
      return it.summary();
    }
    return null;
  }

  private void reject(long index, R rejection) {
    if (index >= knownCount) {
      T item = inFlight.item(index);
      rejections.accept(item == null ? rejection : kind.withItem(rejection, item));
      knownCount = index + 1;
    }
  }

  /** The service has answered the start. What it has not committed is sent again. */
  private void resume(long processed, boolean isFinished) {
    long lost = knownCount - processed;
    if (lost > 0) {
      throw failure(
          Status.DATA_LOSS,
          "the service has lost %d items of this import that it had acknowledged: a backup of its"
              + " database was restored, or a standby took over",
          lost);
    }
    isReady = true;
    resumedAt = processed;
    acknowledge(Math.min(processed, inFlight.total()));
    if (isFinished) {
      // The service takes nothing more. The summary follows, which must be that of these items.
      isExhausted = true;
      while (hasItem()) {
        item();
        inFlight.skip();
      }
      return;
    }
    inFlight.chunks().forEach(chunk -> call.send(kind.chunk(chunk)));
    if (isExhausted) {
      finish();
    }
  }

  private void acknowledge(long processed) {
    if (processed > inFlight.total()) {
      throw failure(Status.INTERNAL, "the service acknowledged %d items, not sent yet", processed);
    }
    if (inFlight.acknowledge(processed)) {
      retry.progress();
    }
    knownCount = Math.max(knownCount, processed);
  }

  private void sendChunk() {
    while (inFlight.total() < resumedAt && hasItem()) {
      item();
      inFlight.skip();
    }
    var chunk = pull();
    if (chunk.isEmpty()) {
      isExhausted = true;
      checkTotal(Math.max(resumedAt, inFlight.total()));
      finish();
    } else {
      inFlight.add(chunk);
      call.send(kind.chunk(chunk));
    }
  }

  private List<T> pull() {
    var chunk = new ArrayList<T>();
    int bytes = 0;
    while (chunk.size() < CHUNK_ITEMS && hasItem()) {
      T item = item();
      // A tag, and at most four bytes for the length.
      bytes += item.getSerializedSize() + 5;
      if (bytes > CHUNK_BYTES && !chunk.isEmpty()) {
        pulled = item;
        break;
      }
      chunk.add(item);
    }
    return chunk;
  }

  private boolean hasItem() {
    return pulled != null || source.hasNext();
  }

  private T item() {
    T item = pulled != null ? pulled : source.next();
    pulled = null;
    return item;
  }

  private void finish() {
    call.send(kind.finish());
    call.halfClose();
  }

  private void checkTotal(long processed) {
    if (processed != inFlight.total()) {
      throw failure(
          Status.FAILED_PRECONDITION,
          "the service has %d items of the import "
              + options.importId()
              + ", which is not what this one has",
          processed);
    }
  }

  private static MailingGroupsException failure(Status status, String text, long number) {
    return new MailingGroupsException(status.withDescription(text.formatted(number)));
  }
}
