package com.mailinggroups.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.mailinggroups.v1.DeleteMailingGroupRequest;
import com.mailinggroups.v1.ErrorReason;
import com.mailinggroups.v1.GetMailingGroupRequest;
import com.mailinggroups.v1.RenameMailingGroupRequest;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** What works the same over plaintext and over TLS. */
abstract class Behaviour {
  private MailingGroupsClient client;

  abstract Server server();

  @BeforeEach
  void connect() {
    client = server().client(Server.newTenant());
  }

  @AfterEach
  void close() {
    client.close();
  }

  static MailingGroupsException error(Executable call) {
    return MailingGroupsException.of(assertThrows(StatusRuntimeException.class, call));
  }

  @Test
  void errorsHaveReasonsAndDetails() {
    var groups = client.mailingGroups();
    var invalid = error(() -> Sample.createGroup(client, "not a code"));
    assertEquals(Code.INVALID_ARGUMENT, invalid.code());
    assertEquals(ErrorReason.ERROR_REASON_INVALID_FIELD, invalid.reason());
    assertEquals("mailing_group.code", invalid.fieldViolations().get(0).getField());
    assertTrue(invalid.requestId().isPresent());

    Sample.createGroup(client, "OLD");
    groups.renameMailingGroup(
        RenameMailingGroupRequest.newBuilder().setCode("OLD").setNewCode("NEW").build());
    var get = GetMailingGroupRequest.newBuilder().setCode("OLD").build();
    var renamed = error(() -> groups.getMailingGroup(get));
    assertEquals(Code.NOT_FOUND, renamed.code());
    assertEquals(ErrorReason.ERROR_REASON_MAILING_GROUP_RENAMED, renamed.reason());
    assertEquals("NEW", renamed.metadata().get("current"));
    assertEquals("OLD", renamed.resource().orElseThrow().getResourceName());

    assertEquals(
        ErrorReason.ERROR_REASON_MAILING_GROUP_ALREADY_EXISTS,
        error(() -> Sample.createGroup(client, "NEW")).reason());

    client.importContacts(Sample.persons(1, 0), ImportOptions.defaults());
    client.importMemberships(Sample.pairs("NEW", 1, 0), ImportOptions.defaults());
    var delete = DeleteMailingGroupRequest.newBuilder().setCode("NEW").build();
    var used = error(() -> groups.deleteMailingGroup(delete));
    assertEquals(ErrorReason.ERROR_REASON_MAILING_GROUP_HAS_MEMBERS, used.reason());
    assertEquals("1", used.metadata().get("count"));
    assertEquals(1, used.preconditionViolations().size());
  }

  @Test
  void streamsThrowErrorsToo() {
    try (var members = client.members("NOTHING OR (")) {
      var error = assertThrows(MailingGroupsException.class, members::hasNext);
      assertEquals(ErrorReason.ERROR_REASON_INVALID_FIELD, error.reason());
      assertEquals("selection.expression", error.fieldViolations().get(0).getField());
      assertEquals(error, assertThrows(MailingGroupsException.class, members::next));
    }
    var options = ImportOptions.defaults().withUpdateMask("nonsense");
    var error =
        assertThrows(
            MailingGroupsException.class,
            () -> client.importContacts(Sample.persons(1, 0), options));
    assertEquals(ErrorReason.ERROR_REASON_INVALID_FIELD, error.reason());
  }

  @Test
  void importsMembersAndExports() {
    Sample.createGroup(client, "A");
    var contacts = client.importContacts(Sample.persons(2_500, 1_000), ImportOptions.defaults());
    assertEquals(2_498, contacts.summary().getCreatedCount());
    assertEquals(2, contacts.summary().getRejectedCount());
    assertEquals(
        List.of(999L, 1_999L), contacts.rejections().stream().map(it -> it.getIndex()).toList());
    assertEquals("P999", contacts.rejections().get(0).getId());
    assertEquals("name", contacts.rejections().get(0).getField());

    var rejected = new ArrayList<String>();
    var memberships =
        client.importMemberships(
            Sample.pairs("A", 2_500, 0),
            ImportOptions.defaults(),
            it -> rejected.add(it.getAssignment().getContactId()));
    assertEquals(2_498, memberships.getChangedCount());
    assertEquals(List.of("P999", "P1999"), rejected);

    try (var members = client.members("A")) {
      assertThrows(IllegalStateException.class, members::summary);
      assertEquals(2_498, members.stream().map(it -> it.getContactId()).distinct().count());
      assertEquals(2_498, members.summary().getMemberCount());
      assertEquals(2_498, members.summary().getSentCount());
    }
    try (var export = client.exportContacts()) {
      var parts = new ArrayList<ExportPart>();
      export.forEachRemaining(parts::add);
      assertEquals(1, parts.get(0).mailingGroups().size());
      assertEquals(2_498, parts.stream().mapToInt(it -> it.contacts().size()).sum());
      assertEquals(2_498, parts.stream().mapToInt(it -> it.assignments().size()).sum());
      assertEquals(2_498, export.summary().getContactCount());
    }
  }

  @Test
  void aWatchReportsSnapshotAndChanges() {
    Sample.createGroup(client, "A");
    var request =
        com.mailinggroups.v1.WatchChangesRequest.newBuilder()
            .setBeginning(com.mailinggroups.v1.WatchChangesRequest.Beginning.getDefaultInstance());
    String token;
    try (var watch = client.watch(request.build())) {
      var part = assertInstanceOf(WatchEvent.SnapshotPart.class, watch.next());
      assertEquals("A", part.snapshot().getMailingGroups(0).getCode());
      token = assertInstanceOf(WatchEvent.SnapshotEnd.class, watch.next()).resumeToken();
    }
    Sample.createGroup(client, "B");
    try (var watch = client.watch(request.setResumeToken(token).build())) {
      var revision = assertInstanceOf(WatchEvent.Revision.class, watch.next());
      var change = revision.changes().getChanges(0);
      assertEquals("B", change.getMailingGroupCreated().getCode());
      assertTrue(!revision.resumeToken().isEmpty());
    }
  }
}
