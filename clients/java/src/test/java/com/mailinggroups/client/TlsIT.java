package com.mailinggroups.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.mailinggroups.v1.ErrorReason;
import com.mailinggroups.v1.PrincipalKind;
import com.mailinggroups.v1.WhoAmIRequest;
import io.grpc.Status.Code;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class TlsIT extends Behaviour {
  @Override
  Server server() {
    return Server.tls();
  }

  @Test
  void theTokenIsAskedForAtEveryCall() {
    var asked = new AtomicInteger();
    var builder =
        server()
            .builder("default")
            .token(
                () -> {
                  asked.incrementAndGet();
                  return Server.token();
                });
    try (var client = builder.build()) {
      var who = client.identity().whoAmI(WhoAmIRequest.getDefaultInstance());
      assertEquals(PrincipalKind.PRINCIPAL_KIND_API_KEY, who.getKind());
      assertEquals("tests", who.getPrincipal());
      client.identity().whoAmI(WhoAmIRequest.getDefaultInstance());
      assertEquals(2, asked.get());
    }
  }

  @Test
  void aWrongTokenIsRefused() {
    try (var client = server().builder("default").token("wrong").build()) {
      var error = error(() -> Sample.createGroup(client, "A"));
      assertEquals(Code.UNAUTHENTICATED, error.code());
      assertEquals(ErrorReason.ERROR_REASON_CREDENTIALS_INVALID, error.reason());
      try (var watch = client.watch()) {
        var stream = assertThrows(MailingGroupsException.class, watch::next);
        assertEquals(ErrorReason.ERROR_REASON_CREDENTIALS_INVALID, stream.reason());
      }
    }
  }

  @Test
  void aSourceOfTokensThatFailsIsTheCause() {
    var failure = new IllegalStateException("no token");
    var builder =
        server()
            .builder("default")
            .token(
                () -> {
                  throw failure;
                });
    try (var client = builder.build()) {
      var error = error(() -> Sample.createGroup(client, "A"));
      assertEquals(Code.UNAUTHENTICATED, error.code());
      assertEquals(failure, error.getCause());
    }
  }
}
