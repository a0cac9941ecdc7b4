package com.mailinggroups.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.mailinggroups.v1.ErrorReason;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClientTest {
  @Test
  void theVersionIsThatOfTheService() throws IOException {
    var cargo = Files.readString(Path.of("../../Cargo.toml"));
    var pom = Files.readString(Path.of("pom.xml"));
    var version = cargo.replaceFirst("(?s).*?\nversion = \"([^\"]+)\".*", "$1");
    assertTrue(pom.contains("<version>" + version + "</version>\n  <packaging>"), version);
  }

  @Test
  void aTokenNeedsTlsExceptToThisMachine() {
    for (var address : List.of("localhost:1", "127.0.0.2:1", "[::1]:1", "dns:///localhost:1")) {
      MailingGroupsClient.builder(address, "acme").token("secret").build().close();
    }
    var elsewhere = List.of("localhost.example.com:1", "10.0.0.1:1", "dns://127.0.0.1/x:1", "x:1");
    for (var address : elsewhere) {
      var builder = MailingGroupsClient.builder(address, "acme").token("secret");
      assertThrows(IllegalStateException.class, builder::build);
      builder.allowPlaintextToken().build().close();
      MailingGroupsClient.builder(address, "acme").token("secret").tls().build().close();
    }
  }

  @Test
  void anAddressIsNoUrl() {
    assertThrows(
        IllegalArgumentException.class,
        () -> MailingGroupsClient.builder("https://groups.example.com", "acme"));
  }

  private static MailingGroupsException error(
      Status.Code code, com.google.protobuf.Message... details) {
    var status = com.google.rpc.Status.newBuilder().setCode(code.value());
    for (var detail : details) {
      status.addDetails(Any.pack(detail));
    }
    return MailingGroupsException.of(StatusProto.toStatusException(status.build()));
  }

  private static ErrorInfo info(String domain, String reason) {
    return ErrorInfo.newBuilder().setDomain(domain).setReason(reason).build();
  }

  @Test
  void detailsAreFoundByType() {
    var delay = com.google.protobuf.Duration.newBuilder().setSeconds(1).setNanos(500_000_000);
    var retry = RetryInfo.newBuilder().setRetryDelay(delay).build();
    var error = error(Status.Code.UNAVAILABLE, retry, info("mailinggroups", "OVERLOADED"));
    assertEquals(ErrorReason.ERROR_REASON_OVERLOADED, error.reason());
    assertEquals(Duration.ofMillis(1_500), error.retryDelay().orElseThrow());
    assertTrue(error.isTransient());
  }

  @Test
  void reasonsThatAreNewerKeepTheirText() {
    var newer = error(Status.Code.ABORTED, info("mailinggroups", "NEWER"));
    assertEquals(ErrorReason.UNRECOGNIZED, newer.reason());
    assertEquals("NEWER", newer.reasonName());
    var foreign = error(Status.Code.ABORTED, info("example.com", "OVERLOADED"));
    assertEquals(ErrorReason.ERROR_REASON_UNSPECIFIED, foreign.reason());
    assertEquals(Status.Code.UNKNOWN, MailingGroupsException.of(new IOException()).code());
  }

  @Test
  void onlyWhatMayPassIsRepeated() throws InterruptedException {
    assertTrue(error(Status.Code.UNAVAILABLE).isTransient());
    // A connection that broke within a message.
    assertTrue(error(Status.Code.INTERNAL).isTransient());
    assertFalse(error(Status.Code.INTERNAL, info("mailinggroups", "INTERNAL")).isTransient());
    assertFalse(error(Status.Code.NOT_FOUND).isTransient());

    var retry = new Retry(Duration.ofMillis(50));
    var cause = error(Status.Code.UNAVAILABLE);
    var end = assertThrows(MailingGroupsException.class, () -> retry.pause(cause));
    assertTrue(end.getMessage().contains("gave up"), end.getMessage());
    // The service limits the age of streams: those that got something go on at once.
    var aged = error(Status.Code.DEADLINE_EXCEEDED);
    assertThrows(MailingGroupsException.class, () -> retry.pause(aged));
    retry.progress();
    retry.pause(aged);
    // A consumer or a source may be slow: time counts from the first failure.
    var slow = new Retry(Duration.ofMillis(500));
    Thread.sleep(600);
    slow.pause(cause);
    // What may not be continued, such as a dry run, ends with every error.
    var never = new Retry(Duration.ZERO);
    never.progress();
    assertThrows(MailingGroupsException.class, () -> never.pause(aged));
  }

  @Test
  void itemsAreInFlightUntilTheyAreAcknowledged() {
    var items = new InFlight<Character>();
    items.skip();
    items.add(List.of('a', 'b', 'c'));
    items.add(List.of('d', 'e'));
    assertEquals(6, items.total());
    assertEquals('e', items.item(5));
    assertNull(items.item(0));
    assertTrue(items.acknowledge(3));
    assertFalse(items.acknowledge(3));
    assertEquals(List.of(List.of('c'), List.of('d', 'e')), List.copyOf(items.chunks()));
    assertNull(items.item(2));
    assertEquals('c', items.item(3));
    assertTrue(items.acknowledge(6));
    assertTrue(items.chunks().isEmpty());
  }
}
