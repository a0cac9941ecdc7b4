package com.mailinggroups.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.mailinggroups.v1.ErrorReason;
import com.mailinggroups.v1.GetMailingGroupRequest;
import io.grpc.Status.Code;
import java.io.IOException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class RetryIT {
  private final Server server = Server.plaintext();
  private final String tenant = Server.newTenant();

  @Test
  void aChangeWhoseAnswerIsLostIsMadeOnce() throws Exception {
    try (var proxy = new Proxy(server.port());
        var direct = server.client(tenant);
        var client = server.builder(tenant, proxy.port()).build()) {
      Sample.createGroup(client, "FIRST");
      proxy.loseAnswers();
      var created = CompletableFuture.supplyAsync(() -> Sample.createGroup(client, "SECOND"));
      while (!exists(direct, "SECOND")) {
        Thread.sleep(10);
      }
      proxy.cut();
      // Without a request id this would be ALREADY_EXISTS.
      assertEquals(2, created.get(1, TimeUnit.MINUTES).getRevision());
      assertEquals(3, Sample.createGroup(direct, "THIRD").getRevision());
    }
  }

  private static boolean exists(MailingGroupsClient client, String code) {
    var request = GetMailingGroupRequest.newBuilder().setCode(code).build();
    try {
      return client.mailingGroups().getMailingGroup(request).hasMailingGroup();
    } catch (io.grpc.StatusRuntimeException e) {
      return false;
    }
  }

  @Test
  void aDeadlineEndsACall() throws IOException {
    try (var proxy = new Proxy(server.port());
        var client =
            server.builder(tenant, proxy.port()).deadline(Duration.ofMillis(300)).build()) {
      proxy.loseAnswers();
      var error = Behaviour.error(() -> Sample.createGroup(client, "A"));
      assertEquals(Code.DEADLINE_EXCEEDED, error.code());
    }
    try (var client = server.client(tenant)) {
      var hurried = client.mailingGroups().withDeadlineAfter(1, TimeUnit.NANOSECONDS);
      var request = Sample.groupRequest("B").build();
      var error = Behaviour.error(() -> hurried.createMailingGroup(request));
      assertEquals(Code.DEADLINE_EXCEEDED, error.code());
    }
  }

  @Test
  void aServiceThatIsAwayIsGivenUp() throws IOException {
    int nobody;
    try (var free = new ServerSocket(0)) {
      nobody = free.getLocalPort();
    }
    try (var client = server.builder(tenant, nobody).retryFor(Duration.ofSeconds(1)).build();
        var members = client.members("A")) {
      var error = assertThrows(MailingGroupsException.class, members::hasNext);
      assertEquals(Code.UNAVAILABLE, error.code());
      assertEquals(ErrorReason.ERROR_REASON_UNSPECIFIED, error.reason());
      assertTrue(error.getMessage().contains("without progress"), error.getMessage());
      var options = ImportOptions.defaults();
      var persons = Sample.persons(1, 0);
      var failed =
          assertThrows(MailingGroupsException.class, () -> client.importContacts(persons, options));
      assertEquals(Code.UNAVAILABLE, failed.code());
    }
  }
}
