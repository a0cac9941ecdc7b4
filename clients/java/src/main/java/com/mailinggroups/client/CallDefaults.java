package com.mailinggroups.client;

import com.google.protobuf.Message;
import io.grpc.CallCredentials;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/** Gives calls what their callers do not: tenant, token, deadline and request id. */
final class CallDefaults implements ClientInterceptor {
  private static final Metadata.Key<String> TENANT =
      Metadata.Key.of("x-tenant", Metadata.ASCII_STRING_MARSHALLER);

  private final String tenant;
  private final Duration deadline;
  private final CallCredentials token;

  /** The token may be null. */
  CallDefaults(String tenant, Duration deadline, CallCredentials token) {
    this.tenant = tenant;
    this.deadline = deadline;
    this.token = token;
  }

  @Override
  public <Q, P> ClientCall<Q, P> interceptCall(
      MethodDescriptor<Q, P> method, CallOptions given, Channel next) {
    boolean isUnary = method.getType() == MethodDescriptor.MethodType.UNARY;
    var options = given;
    if (isUnary && options.getDeadline() == null) {
      options = options.withDeadlineAfter(deadline.toNanos(), TimeUnit.NANOSECONDS);
    }
    if (token != null && options.getCredentials() == null) {
      options = options.withCallCredentials(token);
    }
    return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
      @Override
      public void start(Listener<P> listener, Metadata headers) {
        if (!headers.containsKey(TENANT)) {
          headers.put(TENANT, tenant);
        }
        super.start(listener, headers);
      }

      @Override
      public void sendMessage(Q message) {
        super.sendMessage(isUnary ? withRequestId(message) : message);
      }
    };
  }

  /** Retries happen below, so that all attempts of a call have the same id. */
  @SuppressWarnings("unchecked")
  private static <Q> Q withRequestId(Q request) {
    if (request instanceof Message message) {
      var field = message.getDescriptorForType().findFieldByName("request_id");
      if (field != null && message.getField(field).equals("")) {
        String id = UUID.randomUUID().toString();
        return (Q) message.toBuilder().setField(field, id).build();
      }
    }
    return request;
  }
}
