package com.mailinggroups.client;

import com.google.protobuf.MessageLite;
import io.grpc.MethodDescriptor;
import java.util.List;

/**
 * The messages of an import RPC. The two RPCs have different types and the same form.
 *
 * @param <T> the items
 * @param <Q> the requests
 * @param <P> the responses
 * @param <S> the summary
 * @param <R> the rejections
 */
interface ImportKind<T extends MessageLite, Q, P, S, R> {
  MethodDescriptor<Q, P> method();

  Q start(ImportOptions options, long knownCount);

  Q chunk(List<T> items);

  Q finish();

  /** Reads a message; null if it is empty. */
  Event<S, R> event(P response);

  /** Adds the item to a rejection that is sent again. */
  R withItem(R rejection, T item);

  /**
   * A message of the service.
   *
   * @param <S> the summary
   * @param <R> the rejections
   */
  sealed interface Event<S, R> {
    /** The number of items that are committed or rejected. */
    record Progress<S, R>(long processed, boolean finished) implements Event<S, R> {}

    /** The item of an index is rejected. */
    record Rejection<S, R>(long index, R rejection) implements Event<S, R> {}

    /** The end. */
    record Summary<S, R>(long processed, S summary) implements Event<S, R> {}
  }
}
