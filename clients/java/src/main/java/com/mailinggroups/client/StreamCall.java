package com.mailinggroups.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A streaming call over one connection. What arrives waits in a queue for the thread that reads; a
 * message is asked for whenever one is taken, so that the queue does not grow beyond its window.
 *
 * @param <Q> the requests
 * @param <P> the responses
 */
final class StreamCall<Q, P> {
  /** After this long without a message the stream counts as broken: heartbeats come every 15 s. */
  private static final Duration SILENCE = Duration.ofSeconds(50);

  private final ClientCall<Q, P> call;
  private final BlockingQueue<Arrival<P>> arrived = new LinkedBlockingQueue<>();

  /** A message, or the end. */
  private record Arrival<P>(P message, Status status, Metadata trailers) {}

  StreamCall(Channel channel, MethodDescriptor<Q, P> method, int window) {
    call = channel.newCall(method, CallOptions.DEFAULT);
    call.start(
        new ClientCall.Listener<P>() {
          @Override
          public void onMessage(P message) {
            arrived.add(new Arrival<>(message, null, null));
          }

          @Override
          public void onClose(Status status, Metadata trailers) {
            arrived.add(new Arrival<>(null, status, trailers));
          }
        },
        new Metadata());
    call.request(window);
  }

  /** Sends a message. The caller limits how many are on their way. Does nothing after the end. */
  void send(Q message) {
    call.sendMessage(message);
  }

  void halfClose() {
    call.halfClose();
  }

  /** Waits for the next message. Throws if there is none, for whatever reason. */
  P next() {
    try {
      var arrival = arrived.poll(SILENCE.toSeconds(), TimeUnit.SECONDS);
      if (arrival == null) {
        String text = "the service sent nothing for " + SILENCE.toSeconds() + " s";
        cancel(text);
        throw new MailingGroupsException(Status.UNAVAILABLE.withDescription(text));
      }
      return message(arrival);
    } catch (InterruptedException e) {
      cancel("interrupted");
      throw Retry.interrupted();
    }
  }

  /** The next message if it is there, or null. Throws at the end. */
  P poll() {
    var arrival = arrived.poll();
    return arrival == null ? null : message(arrival);
  }

  private P message(Arrival<P> arrival) {
    if (arrival.message != null) {
      call.request(1);
      return arrival.message;
    }
    if (arrival.status.isOk()) {
      throw new MailingGroupsException(
          Status.UNAVAILABLE.withDescription("the service ended the stream before its summary"));
    }
    throw new MailingGroupsException(arrival.status, arrival.trailers);
  }

  /** The last message was read: lets the call end by itself, within a second. */
  void end() {
    try {
      arrived.poll(1, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    cancel("nothing more is read");
  }

  /** Cancels the call. Has no effect after its end. May be called by another thread. */
  void cancel(String why) {
    call.cancel(why, null);
  }
}
