package com.mailinggroups.client;

import io.grpc.Context;
import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/** How long to wait before a broken stream is continued, and when to give up. */
final class Retry {
  private static final long FIRST_MILLIS = 100;
  private static final long LONGEST_MILLIS = 2_500;

  private final Duration limit;
  private final CountDownLatch stopped = new CountDownLatch(1);

  /**
   * When the first failure since the last progress was; null before it. The time without progress
   * begins there, as a consumer or a source may be slow.
   */
  private Long failingSince;

  private long backoff = FIRST_MILLIS;
  private boolean hasProgressed;

  Retry(Duration limit) {
    this.limit = limit;
  }

  /** A new connection is made. */
  void opened() {
    hasProgressed = false;
  }

  /** Something came that need not be sent again: the time starts anew. */
  void progress() {
    failingSince = null;
    backoff = FIRST_MILLIS;
    hasProgressed = true;
  }

  /** Ends a wait. May be called by another thread. */
  void stop() {
    stopped.countDown();
  }

  boolean isStopped() {
    return stopped.getCount() == 0;
  }

  /**
   * Waits before the next attempt, at least as long as the service asks for. Throws the cause if it
   * is permanent or the time is over.
   */
  void pause(MailingGroupsException cause) {
    if (isStopped()) {
      throw closed();
    }
    if (limit.isZero()) {
      throw cause;
    }
    // The service limits the age of every stream, and ends it when its token expires; there may
    // be a new one by now.
    if (hasProgressed
        && (cause.code() == Status.Code.DEADLINE_EXCEEDED
            || cause.code() == Status.Code.UNAUTHENTICATED)) {
      return;
    }
    if (!cause.isTransient() || Context.current().isCancelled()) {
      throw cause;
    }
    long now = System.nanoTime();
    if (failingSince == null) {
      failingSince = now;
    }
    long wait = backoff + ThreadLocalRandom.current().nextLong(backoff);
    wait = Math.max(wait, cause.retryDelay().map(Duration::toMillis).orElse(0L));
    backoff = Math.min(2 * backoff, LONGEST_MILLIS);
    Duration waited = Duration.ofNanos(now - failingSince);
    if (waited.plusMillis(wait).compareTo(limit) > 0) {
      String text = "gave up after " + waited.toSeconds() + " s without progress";
      throw new MailingGroupsException(
          cause.getStatus().augmentDescription(text), cause.getTrailers());
    }
    try {
      if (stopped.await(wait, TimeUnit.MILLISECONDS)) {
        throw closed();
      }
    } catch (InterruptedException e) {
      throw interrupted();
    }
  }

  static MailingGroupsException closed() {
    return new MailingGroupsException(Status.CANCELLED.withDescription("the stream was closed"));
  }

  static MailingGroupsException interrupted() {
    Thread.currentThread().interrupt();
    return new MailingGroupsException(
        Status.CANCELLED.withDescription("the thread was interrupted"));
  }
}
