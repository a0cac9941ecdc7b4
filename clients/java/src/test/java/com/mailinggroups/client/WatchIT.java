package com.mailinggroups.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.mailinggroups.v1.CreateTenantRequest;
import com.mailinggroups.v1.ErrorReason;
import com.mailinggroups.v1.Tenant;
import com.mailinggroups.v1.TenantLimits;
import com.mailinggroups.v1.WatchChangesRequest;
import io.grpc.Status.Code;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class WatchIT {
  private static final WatchChangesRequest START =
      WatchChangesRequest.newBuilder().setRevision(0).build();

  /** The next whole revision. */
  private static WatchEvent.Revision next(WatchStream watch) {
    while (true) {
      if (watch.next() instanceof WatchEvent.Revision revision) {
        return revision;
      }
    }
  }

  @Test
  void revisionsComeOnceAndInOrderThoughTheServerRestarts() {
    try (var server = new Server(false);
        var client = server.client("default");
        var watch = client.watch(START)) {
      var revisions = new ArrayList<Long>();
      for (var end : new Runnable[] {server::kill, server::stop, () -> {}}) {
        for (int i = 0; i < 5; i++) {
          Sample.createGroup(client, "G" + revisions.size());
          revisions.add(next(watch).changes().getRevision());
        }
        // Committed, and perhaps not yet read, when the server ends.
        Sample.createGroup(client, "G" + revisions.size());
        end.run();
        if (revisions.size() < 15) {
          server.start();
        }
        revisions.add(next(watch).changes().getRevision());
      }
      assertEquals(LongStream.rangeClosed(1, 18).boxed().toList(), revisions);
    }
  }

  @Test
  void largeRevisionsAreWholeThoughConnectionsBreak() throws IOException {
    var server = Server.plaintext();
    String tenant = Server.newTenant();
    try (var proxy = new Proxy(server.port());
        var direct = server.client(tenant);
        var client = server.builder(tenant, proxy.port()).build()) {
      Sample.createGroup(direct, "A");
      Sample.createGroup(direct, "B");
      direct.importContacts(Sample.persons(30_000, 0), ImportOptions.defaults());
      for (int i = 0; i < 30; i++) {
        direct.importMemberships(Sample.pairs("A", 1_000, 0), ImportOptions.defaults());
      }
      long last =
          direct
              .importMemberships(Sample.pairs("B", 30_000, 0), ImportOptions.defaults())
              .summary()
              .getRevision();

      proxy.cutAfterAnswers(100_000, 500_000, 900_000, 200_000);
      var contacts = new ArrayList<Integer>();
      long expected = 0;
      try (var watch = client.watch(START)) {
        while (expected < last) {
          var changes = next(watch).changes();
          assertEquals(++expected, changes.getRevision());
          assertTrue(!changes.getMore() && !changes.getResumeToken().isEmpty());
          changes
              .getChangesList()
              .forEach(it -> contacts.add(it.getContactsCreated().getContactsCount()));
        }
      }
      assertEquals(30_000, contacts.stream().mapToInt(it -> it).sum());
      assertTrue(proxy.hasCut());

      // A snapshot that breaks starts again, and says so.
      proxy.cut();
      proxy.cutAfterAnswers(1_000_000);
      var beginning = WatchChangesRequest.Beginning.getDefaultInstance();
      var request = WatchChangesRequest.newBuilder().setBeginning(beginning).build();
      int members = 0;
      int restarts = 0;
      try (var watch = client.watch(request)) {
        WatchEvent event;
        while (!((event = watch.next()) instanceof WatchEvent.SnapshotEnd)) {
          if (event instanceof WatchEvent.SnapshotRestart) {
            restarts++;
            members = 0;
          } else {
            var part = assertInstanceOf(WatchEvent.SnapshotPart.class, event).snapshot();
            members += part.getMembersList().stream().mapToInt(it -> it.getContactIdsCount()).sum();
          }
        }
        assertEquals(last, ((WatchEvent.SnapshotEnd) event).revision());
      }
      assertEquals(1, restarts);
      assertEquals(31_000, members);
    }
  }

  @Test
  void closingCancelsTheCallAtTheServer() {
    var server = Server.plaintext();
    String tenant = Server.newTenant();
    try (var client = server.client(tenant);
        var impatient = server.builder(tenant).retryFor(Duration.ZERO).build()) {
      var limits = TenantLimits.newBuilder().setMaxStreams(1);
      var limited = Tenant.newBuilder().setName(tenant).setLimits(limits);
      client.tenants().createTenant(CreateTenantRequest.newBuilder().setTenant(limited).build());
      var first = client.watch();
      first.next();
      var refused = refused(impatient);
      assertEquals(ErrorReason.ERROR_REASON_TENANT_LIMIT_REACHED, refused.reason());
      assertEquals("max_streams", refused.metadata().get("limit"));
      assertEquals(1, refused.quotaViolations().size());
      assertTrue(refused.retryDelay().isPresent());
      var waiting =
          CompletableFuture.supplyAsync(
              () -> assertThrows(MailingGroupsException.class, () -> next(first)));
      first.close();
      assertEquals(Code.CANCELLED, waiting.join().code());
      // Waits until the server has seen the end of the first.
      try (var third = client.watch()) {
        assertInstanceOf(WatchEvent.Progress.class, third.next());
      }
    }
  }

  /** The server follows a new limit within 5 seconds. */
  private static MailingGroupsException refused(MailingGroupsClient client) {
    while (true) {
      try (var watch = client.watch()) {
        watch.next();
      } catch (MailingGroupsException e) {
        return e;
      }
    }
  }

  @Test
  void anInterruptEndsTheWait() {
    try (var client = Server.plaintext().client(Server.newTenant());
        var watch = client.watch()) {
      watch.next();
      Thread.currentThread().interrupt();
      var error = assertThrows(MailingGroupsException.class, () -> next(watch));
      assertEquals(Code.CANCELLED, error.code());
      assertTrue(Thread.interrupted());
    }
  }
}
