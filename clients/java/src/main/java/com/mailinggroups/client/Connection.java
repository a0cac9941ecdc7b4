package com.mailinggroups.client;

import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import java.time.Duration;

/**
 * What streams and imports need of a client.
 *
 * @param transport makes connections
 * @param channel makes calls, with their defaults
 * @param retryFor how long to continue without progress
 */
record Connection(ManagedChannel transport, Channel channel, Duration retryFor) {
  Connection(ManagedChannel transport, CallDefaults defaults, Duration retryFor) {
    this(transport, ClientInterceptors.intercept(transport, defaults), retryFor);
  }

  /**
   * Opens a stream. While a service is away, gRPC waits longer and longer before it connects again,
   * up to two minutes. Who calls this has waited already, so it connects at once.
   */
  <Q, P> StreamCall<Q, P> open(MethodDescriptor<Q, P> method, int window) {
    transport.resetConnectBackoff();
    return new StreamCall<>(channel, method, window);
  }
}
