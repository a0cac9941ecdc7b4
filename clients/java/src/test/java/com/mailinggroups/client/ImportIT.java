package com.mailinggroups.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.mailinggroups.v1.Contact;
import com.mailinggroups.v1.ErrorReason;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Imports and streams of many, whose connections break. */
class ImportIT {
  private static final int MANY = 100_000;

  private final Server server = Server.plaintext();
  private final String tenant = Server.newTenant();

  @Test
  void manyAreFast() {
    try (var client = server.client(tenant)) {
      Sample.createGroup(client, "A");
      timed(
          "contacts imported",
          () -> client.importContacts(Sample.persons(MANY, 0), ImportOptions.defaults()));
      timed(
          "memberships imported",
          () -> client.importMemberships(Sample.pairs("A", MANY, 0), ImportOptions.defaults()));
      timed(
          "members streamed",
          () -> {
            try (var members = client.members("A")) {
              members.forEachRemaining(it -> {});
              assertEquals(MANY, members.summary().getSentCount());
              return null;
            }
          });
    }
  }

  private static <T> T timed(String what, Supplier<T> work) {
    long start = System.nanoTime();
    T result = work.get();
    double seconds = (System.nanoTime() - start) / 1e9;
    System.out.printf(
        Locale.ROOT, "java: %d %s in %.1f s: %.0f/s%n", MANY, what, seconds, MANY / seconds);
    return result;
  }

  @Test
  void everythingComesOnceThoughConnectionsBreak() throws IOException {
    try (var proxy = new Proxy(server.port());
        var client = server.builder(tenant, proxy.port()).build()) {
      Sample.createGroup(client, "A");
      proxy.cut();

      proxy.cutAfterRequests(300_000, 700_000, 50_000, 1_000_000);
      var rejected = new ArrayList<Long>();
      var contacts =
          client.importContacts(
              Sample.persons(MANY, 500),
              ImportOptions.defaults(),
              it -> rejected.add(it.getIndex()));
      assertEquals(MANY - MANY / 500, contacts.getCreatedCount());
      assertEquals(MANY, contacts.getProcessedCount());
      assertEquals(everyNth(500), rejected);

      proxy.cut();
      proxy.cutAfterRequests(300_000, 400_000, 50_000, 600_000);
      var unknown = new ArrayList<Long>();
      var memberships =
          client.importMemberships(
              Sample.pairs("A", MANY, 500),
              ImportOptions.defaults(),
              it -> {
                assertEquals("X" + it.getIndex(), it.getAssignment().getContactId());
                unknown.add(it.getIndex());
              });
      assertEquals(MANY - MANY / 500, memberships.getChangedCount());
      assertEquals(0, memberships.getUnchangedCount());
      assertEquals(everyNth(500), unknown);

      proxy.cut();
      proxy.cutAfterAnswers(200_000, 300_000, 10_000);
      var ids = new HashSet<String>();
      try (var members = client.members("A")) {
        members.forEachRemaining(it -> assertTrue(ids.add(it.getContactId()), it.getContactId()));
        assertEquals(ids.size(), members.summary().getMemberCount());
        assertEquals(ids.size(), members.summary().getSentCount());
      }
      assertEquals(MANY - MANY / 500, ids.size());

      proxy.cut();
      proxy.cutAfterAnswers(2_000_000, 3_000_000);
      var exported = new HashSet<String>();
      try (var export = client.exportContacts()) {
        export.stream()
            .flatMap(it -> it.contacts().stream())
            .forEach(it -> assertTrue(exported.add(it.getId()), it.getId()));
        assertEquals(ids.size(), export.summary().getAssignmentCount());
      }
      assertEquals(ids, exported);
      assertTrue(proxy.hasCut());
    }
  }

  private static List<Long> everyNth(int n) {
    return LongStream.range(0, MANY).filter(it -> it % n == n - 1).boxed().toList();
  }

  @Test
  void anExceptionOfTheSourceCancelsAndTheImportCanBeContinued() {
    try (var client = server.client(tenant)) {
      var failure = new IllegalStateException("the source failed");
      var options = ImportOptions.defaults().withFingerprint("persons");
      var pulled = new AtomicLong();
      Iterator<Contact> failing =
          Stream.<Iterator<Contact>>of(Sample.persons(20_000, 1_000), broken(failure))
              .flatMap(it -> stream(it).peek(item -> pulled.incrementAndGet()))
              .iterator();
      var rejected = new ArrayList<Long>();
      assertSame(
          failure,
          assertThrows(
              IllegalStateException.class,
              () -> client.importContacts(failing, options, it -> rejected.add(it.getIndex()))));
      assertEquals(20_000, pulled.get());

      var other = options.withFingerprint("others");
      var reused =
          assertThrows(
              MailingGroupsException.class,
              () -> client.importContacts(Sample.persons(1, 0), other));
      assertEquals(ErrorReason.ERROR_REASON_IMPORT_ID_REUSED, reused.reason());

      var result = client.importContacts(Sample.persons(30_000, 1_000), options);
      assertEquals(30_000, result.summary().getProcessedCount());
      assertEquals(30_000 - 30, result.summary().getCreatedCount());
      assertEquals(30, result.rejections().stream().map(it -> it.getIndex()).distinct().count());

      // Finished: answered with the same counts, if the items are as many.
      var again = client.importContacts(Sample.persons(30_000, 1_000), options);
      assertEquals(result.summary(), again.summary());
      var fewer =
          assertThrows(
              MailingGroupsException.class,
              () -> client.importContacts(Sample.persons(29_999, 1_000), options));
      assertTrue(fewer.getMessage().contains("30000 items"), fewer.getMessage());
    }
  }

  private static <T> Stream<T> stream(Iterator<T> iterator) {
    Iterable<T> once = () -> iterator;
    return java.util.stream.StreamSupport.stream(once.spliterator(), false);
  }

  private static Iterator<Contact> broken(RuntimeException failure) {
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return true;
      }

      @Override
      public Contact next() {
        throw failure;
      }
    };
  }

  @Test
  void anExceptionOfTheConsumerComesOut() {
    try (var client = server.client(tenant)) {
      var failure = new IllegalStateException("no more");
      var thrown =
          assertThrows(
              IllegalStateException.class,
              () ->
                  client.importContacts(
                      Sample.persons(10_000, 10),
                      ImportOptions.defaults(),
                      it -> {
                        throw failure;
                      }));
      assertSame(failure, thrown);
    }
  }

  @Test
  void optionsReachTheService() {
    try (var client = server.client(tenant)) {
      var options = ImportOptions.defaults();
      var dry = client.importContacts(Sample.persons(3, 0), options.withValidateOnly());
      assertEquals(3, dry.summary().getCreatedCount());
      assertEquals(0, dry.summary().getRevision());
      client.importContacts(List.of(Sample.person("P0", "Ada")).iterator(), options);
      var email = Contact.newBuilder().setId("P0").setEmail("ada@example.com").build();
      var named = ImportOptions.defaults().withUpdateMask("email");
      var result = client.importContacts(List.of(email).iterator(), named);
      assertEquals(1, result.summary().getUpdatedCount());
      assertThrows(
          IllegalArgumentException.class,
          () -> client.importMemberships(Sample.pairs("A", 1, 0), named));
      var limited = ImportOptions.defaults().withRejectionLimit(2);
      var rejected = client.importMemberships(Sample.pairs("NONE", 5, 0), limited);
      assertEquals(2, rejected.rejections().size());
      assertEquals(5, rejected.summary().getRejectedCount());
    }
  }
}
