package com.mailinggroups.client;

import java.util.Iterator;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * What comes from the service, one by one. Only one thread may iterate; any may close. {@code
 * hasNext} and {@code next} wait for the service and throw a {@link MailingGroupsException} if the
 * stream cannot be continued, was closed, or the thread was interrupted.
 *
 * @param <T> the elements
 */
public interface CloseableIterator<T> extends Iterator<T>, AutoCloseable {
  /**
   * Cancels the call, unless it has ended. A thread that waits for an element gets an exception.
   */
  @Override
  void close();

  /**
   * Returns the elements that are left as a sequential stream.
   *
   * @return a stream that closes this iterator when it is closed
   */
  default Stream<T> stream() {
    int traits = Spliterator.ORDERED | Spliterator.NONNULL;
    var elements = Spliterators.spliteratorUnknownSize(this, traits);
    return StreamSupport.stream(elements, false).onClose(this::close);
  }
}
