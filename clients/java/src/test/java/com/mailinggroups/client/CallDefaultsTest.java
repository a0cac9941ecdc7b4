package com.mailinggroups.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.mailinggroups.v1.CreateMailingGroupRequest;
import com.mailinggroups.v1.GetMailingGroupRequest;
import com.mailinggroups.v1.MailingGroupsGrpc;
import com.mailinggroups.v1.WatchChangesRequest;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class CallDefaultsTest {
  /** Keeps what a call is made with. */
  private static final class Recorder extends Channel {
    private CallOptions options;
    private Metadata headers;
    private Object message;

    @Override
    public <Q, P> ClientCall<Q, P> newCall(MethodDescriptor<Q, P> method, CallOptions given) {
      options = given;
      return new ClientCall<>() {
        @Override
        public void start(Listener<P> listener, Metadata sent) {
          headers = sent;
        }

        @Override
        public void sendMessage(Q sent) {
          message = sent;
        }

        @Override
        public void request(int count) {}

        @Override
        public void cancel(String why, Throwable cause) {}

        @Override
        public void halfClose() {}
      };
    }

    @Override
    public String authority() {
      return "";
    }
  }

  private final Recorder recorder = new Recorder();

  private <Q, P> void call(MethodDescriptor<Q, P> method, CallOptions options, Q request) {
    var defaults = new CallDefaults("acme", Duration.ofSeconds(60), null);
    ClientCall<Q, P> call = defaults.interceptCall(method, options, recorder);
    call.start(new ClientCall.Listener<>() {}, new Metadata());
    call.sendMessage(request);
  }

  @Test
  void unaryCallsHaveADeadlineAndARequestId() {
    var request = CreateMailingGroupRequest.getDefaultInstance();
    call(MailingGroupsGrpc.getCreateMailingGroupMethod(), CallOptions.DEFAULT, request);
    long seconds = recorder.options.getDeadline().timeRemaining(TimeUnit.SECONDS);
    assertTrue(seconds >= 58 && seconds <= 60, "" + seconds);
    var tenant = Metadata.Key.of("x-tenant", Metadata.ASCII_STRING_MARSHALLER);
    assertEquals("acme", recorder.headers.get(tenant));
    UUID.fromString(((CreateMailingGroupRequest) recorder.message).getRequestId());
  }

  @Test
  void whatTheCallerSetsStays() {
    var request = CreateMailingGroupRequest.newBuilder().setRequestId("mine").build();
    var options = CallOptions.DEFAULT.withDeadlineAfter(5, TimeUnit.SECONDS);
    call(MailingGroupsGrpc.getCreateMailingGroupMethod(), options, request);
    assertSame(options, recorder.options);
    assertSame(request, recorder.message);
    var read = GetMailingGroupRequest.getDefaultInstance();
    call(MailingGroupsGrpc.getGetMailingGroupMethod(), options, read);
    assertSame(read, recorder.message);
  }

  @Test
  void streamsHaveNoDeadline() {
    var request = WatchChangesRequest.getDefaultInstance();
    call(MailingGroupsGrpc.getWatchChangesMethod(), CallOptions.DEFAULT, request);
    assertNull(recorder.options.getDeadline());
  }
}
