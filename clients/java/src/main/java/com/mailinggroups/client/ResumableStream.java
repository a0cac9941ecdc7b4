package com.mailinggroups.client;

import io.grpc.MethodDescriptor;
import java.util.ArrayDeque;
import java.util.NoSuchElementException;
import java.util.Queue;

/**
 * Reads a stream to its end, over as many connections as it takes.
 *
 * @param <Q> the request
 * @param <P> the messages of the stream
 * @param <T> the elements that they are made into
 */
abstract class ResumableStream<Q, P, T> implements CloseableIterator<T> {
  /** How many messages are received ahead. */
  private static final int WINDOW = 4;

  private final Connection connection;
  private final MethodDescriptor<Q, P> method;
  private final Retry retry;
  private final Queue<T> ready = new ArrayDeque<>();
  private volatile StreamCall<Q, P> call;
  private boolean isDone;
  private MailingGroupsException failure;

  ResumableStream(Connection connection, MethodDescriptor<Q, P> method) {
    this.connection = connection;
    this.method = method;
    retry = new Retry(connection.retryFor());
  }

  /** The request for what has not been received yet. */
  abstract Q request();

  /** Handles a message: calls {@link #emit}, {@link #progress} and {@link #done}. */
  abstract void accept(P message);

  /** Discards what will be sent again. */
  void discard() {}

  /** Hands out an element. */
  final void emit(T element) {
    ready.add(element);
  }

  /** A resumed stream would start later than before. */
  final void progress() {
    retry.progress();
  }

  /** This was the last message. */
  final void done() {
    isDone = true;
  }

  @Override
  public final boolean hasNext() {
    while (ready.isEmpty() && !isDone) {
      read();
    }
    return !ready.isEmpty();
  }

  @Override
  public final T next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return ready.remove();
  }

  private void read() {
    if (failure != null) {
      throw failure;
    }
    P message;
    try {
      if (call == null) {
        open();
      }
      message = call.next();
    } catch (MailingGroupsException broken) {
      resume(broken);
      return;
    }
    accept(message);
    if (isDone) {
      call.end();
    }
  }

  private void open() {
    retry.opened();
    call = connection.open(method, WINDOW);
    call.send(request());
    call.halfClose();
    if (retry.isStopped()) {
      close();
    }
  }

  private void resume(MailingGroupsException broken) {
    call = null;
    try {
      retry.pause(broken);
    } catch (MailingGroupsException end) {
      failure = end;
      throw end;
    }
    discard();
  }

  @Override
  public final void close() {
    retry.stop();
    var open = call;
    if (open != null) {
      open.cancel("closed");
    }
  }
}
