package com.mailinggroups.client;

import com.mailinggroups.v1.Assignment;
import com.mailinggroups.v1.Contact;
import com.mailinggroups.v1.ContactsGrpc;
import com.mailinggroups.v1.ExportContactsRequest;
import com.mailinggroups.v1.ExportContactsResponse;
import com.mailinggroups.v1.MailingGroup;
import java.util.ArrayList;
import java.util.List;

/**
 * All data of a tenant. Goes on after the last part if the connection breaks. What was changed by
 * then and had been sent before comes again, as the contract says; nothing else comes twice.
 */
public final class ExportStream
    extends ResumableStream<ExportContactsRequest, ExportContactsResponse, ExportPart> {
  private ExportContactsRequest request;
  private List<MailingGroup> groups = new ArrayList<>();
  private List<Contact> contacts = new ArrayList<>();
  private List<Assignment> assignments = new ArrayList<>();
  private long groupCount;
  private long contactCount;
  private long assignmentCount;
  private ExportContactsResponse.Summary summary;

  ExportStream(Connection connection, ExportContactsRequest request) {
    super(connection, ContactsGrpc.getExportContactsMethod());
    this.request = request;
  }

  /**
   * Returns the totals, and the revision of the memberships.
   *
   * @return the summary; the counts of what was sent are those of all connections together
   * @throws IllegalStateException if {@code hasNext} has not returned false yet
   */
  public ExportContactsResponse.Summary summary() {
    if (summary == null) {
      throw new IllegalStateException("the export has not ended");
    }
    return summary;
  }

  @Override
  ExportContactsRequest request() {
    return request;
  }

  @Override
  void accept(ExportContactsResponse message) {
    switch (message.getMessageCase()) {
      case MAILING_GROUPS -> groups.addAll(message.getMailingGroups().getMailingGroupsList());
      case PAGE -> page(message.getPage());
      case SUMMARY -> {
        part();
        summary =
            message.getSummary().toBuilder()
                .setMailingGroupCount(groupCount)
                .setContactCount(contactCount)
                .setAssignmentCount(assignmentCount)
                .build();
        done();
      }
      case HEARTBEAT, MESSAGE_NOT_SET -> {}
    }
  }

  /** The token changes with the last page of the same contacts: until then, they come again. */
  private void page(ExportContactsResponse.Page page) {
    contacts.addAll(page.getContactsList());
    assignments.addAll(page.getAssignmentsList());
    if (!page.getResumeToken().equals(request.getResumeToken())) {
      request = request.toBuilder().setResumeToken(page.getResumeToken()).build();
      part();
      progress();
    }
  }

  private void part() {
    if (groups.isEmpty() && contacts.isEmpty() && assignments.isEmpty()) {
      return;
    }
    groupCount += groups.size();
    contactCount += contacts.size();
    assignmentCount += assignments.size();
    emit(new ExportPart(groups, contacts, assignments, request.getResumeToken()));
    discard();
  }

  @Override
  void discard() {
    groups = new ArrayList<>();
    contacts = new ArrayList<>();
    assignments = new ArrayList<>();
  }
}
