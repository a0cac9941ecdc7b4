package com.mailinggroups.client;

import com.google.protobuf.MessageLite;
import com.mailinggroups.v1.Assignment;
import com.mailinggroups.v1.Contact;
import com.mailinggroups.v1.ContactsGrpc;
import com.mailinggroups.v1.ExportContactsRequest;
import com.mailinggroups.v1.IdentityGrpc;
import com.mailinggroups.v1.ImportContactsResponse;
import com.mailinggroups.v1.ImportMembershipsResponse;
import com.mailinggroups.v1.MailingGroupsGrpc;
import com.mailinggroups.v1.SegmentsGrpc;
import com.mailinggroups.v1.Selection;
import com.mailinggroups.v1.StreamSegmentMembersRequest;
import com.mailinggroups.v1.TenantsGrpc;
import com.mailinggroups.v1.WatchChangesRequest;
import io.grpc.Channel;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A connection to the service, for one tenant. Threads may share it; make one and keep it.
 *
 * <p>The stubs call the RPCs of the contract. They throw {@link io.grpc.StatusRuntimeException}, of
 * which {@link MailingGroupsException#of} reads the reason. Calls have a deadline of 60 seconds
 * unless the stub has another ({@code withDeadlineAfter}), a {@code request_id}, and are repeated
 * if the service is unavailable. Streams have no deadline.
 *
 * <p>Imports and streams go on by themselves if the connection breaks, until there was no progress
 * for 60 seconds, and throw {@link MailingGroupsException}.
 */
public final class MailingGroupsClient implements AutoCloseable {
  private final Connection connection;

  MailingGroupsClient(Connection connection) {
    this.connection = connection;
  }

  /**
   * Begins to configure a client.
   *
   * @param address the host and port of the service, such as {@code localhost:50051}
   * @param tenant whose data the calls work on: 1 to 63 of a-z 0-9 and '-'
   * @return a builder
   * @throws IllegalArgumentException if the address is a URL
   */
  public static ClientBuilder builder(String address, String tenant) {
    return new ClientBuilder(address, tenant);
  }

  /**
   * Returns the calls of mailing groups and memberships.
   *
   * @return a stub that waits for answers
   */
  public MailingGroupsGrpc.MailingGroupsBlockingStub mailingGroups() {
    return MailingGroupsGrpc.newBlockingStub(channel());
  }

  /**
   * Returns the calls of contacts.
   *
   * @return a stub that waits for answers
   */
  public ContactsGrpc.ContactsBlockingStub contacts() {
    return ContactsGrpc.newBlockingStub(channel());
  }

  /**
   * Returns the calls of segments and saved criteria.
   *
   * @return a stub that waits for answers
   */
  public SegmentsGrpc.SegmentsBlockingStub segments() {
    return SegmentsGrpc.newBlockingStub(channel());
  }

  /**
   * Returns the calls of tenants.
   *
   * @return a stub that waits for answers
   */
  public TenantsGrpc.TenantsBlockingStub tenants() {
    return TenantsGrpc.newBlockingStub(channel());
  }

  /**
   * Returns the call that says who calls.
   *
   * @return a stub that waits for answers
   */
  public IdentityGrpc.IdentityBlockingStub identity() {
    return IdentityGrpc.newBlockingStub(channel());
  }

  /**
   * Returns the channel, for stubs of other kinds, such as {@code MailingGroupsGrpc.newFutureStub}.
   * Their calls have the same defaults.
   *
   * @return the channel
   */
  public Channel channel() {
    return connection.channel();
  }

  /**
   * Imports any number of contacts. Waits until all are committed.
   *
   * @param contacts the contacts, companies before their persons; pulled by the calling thread only
   *     as fast as the service takes them. What it throws comes out as it is
   * @param options how to import
   * @return the counts and the first rejections
   * @throws MailingGroupsException if the import fails. What was acknowledged is committed, and can
   *     be continued by the {@code importId} of the options
   */
  public ImportResult<ImportContactsResponse.Summary, ImportContactsResponse.Rejection>
      importContacts(Iterator<? extends Contact> contacts, ImportOptions options) {
    return collect(new ContactImport(), contacts, options);
  }

  /**
   * Imports any number of contacts, and hands over all rejections.
   *
   * @param contacts as in the other method
   * @param options how to import
   * @param rejections called by the calling thread for each rejected contact, once, by index. What
   *     it throws comes out as it is
   * @return the counts
   * @throws MailingGroupsException as in the other method
   */
  public ImportContactsResponse.Summary importContacts(
      Iterator<? extends Contact> contacts,
      ImportOptions options,
      Consumer<? super ImportContactsResponse.Rejection> rejections) {
    return upload(new ContactImport(), contacts, options, rejections);
  }

  /**
   * Assigns any number of groups to contacts. Waits until all are committed.
   *
   * @param assignments the pairs; pulled by the calling thread only as fast as the service takes
   *     them. What it throws comes out as it is
   * @param options how to import
   * @return the counts and the first rejections
   * @throws MailingGroupsException if the import fails. What was acknowledged is committed, and can
   *     be continued by the {@code importId} of the options
   * @throws IllegalArgumentException if the options are for contacts only
   */
  public ImportResult<ImportMembershipsResponse.Summary, ImportMembershipsResponse.Rejection>
      importMemberships(Iterator<? extends Assignment> assignments, ImportOptions options) {
    checkForMemberships(options);
    return collect(new MembershipImport(), assignments, options);
  }

  /**
   * Assigns any number of groups to contacts, and hands over all rejections.
   *
   * @param assignments as in the other method
   * @param options how to import
   * @param rejections called by the calling thread for each rejected pair, once, by index. What it
   *     throws comes out as it is
   * @return the counts
   * @throws MailingGroupsException as in the other method
   * @throws IllegalArgumentException if the options are for contacts only
   */
  public ImportMembershipsResponse.Summary importMemberships(
      Iterator<? extends Assignment> assignments,
      ImportOptions options,
      Consumer<? super ImportMembershipsResponse.Rejection> rejections) {
    checkForMemberships(options);
    return upload(new MembershipImport(), assignments, options, rejections);
  }

  private static void checkForMemberships(ImportOptions options) {
    if (!options.updateMask().isEmpty() || options.reuseFormer()) {
      throw new IllegalArgumentException("only contacts have updateMask and reuseFormer");
    }
  }

  private <T extends MessageLite, Q, P, S, R> ImportResult<S, R> collect(
      ImportKind<T, Q, P, S, R> kind, Iterator<? extends T> source, ImportOptions options) {
    var rejections = new ArrayList<R>();
    Consumer<R> collector =
        it -> {
          if (rejections.size() < options.rejectionLimit()) {
            rejections.add(it);
          }
        };
    S summary = upload(kind, source, options, collector);
    return new ImportResult<>(summary, rejections);
  }

  private <T extends MessageLite, Q, P, S, R> S upload(
      ImportKind<T, Q, P, S, R> kind,
      Iterator<? extends T> source,
      ImportOptions options,
      Consumer<? super R> rejections) {
    return new ImportSession<>(connection, kind, options, source, rejections).run();
  }

  /**
   * Selects contacts by their groups.
   *
   * @param expression an expression over group codes, such as {@code (MOVE OR GIFT) AND NOT OPTOUT}
   * @return the ids of the members; close it unless it is read to its end
   */
  public MemberStream members(String expression) {
    return members(Selection.newBuilder().setExpression(expression).build());
  }

  /**
   * Reads the members of a segment.
   *
   * @param segmentId the id of the segment
   * @return the ids of the members; close it unless it is read to its end
   */
  public MemberStream segmentMembers(String segmentId) {
    return members(Selection.newBuilder().setSegmentId(segmentId).build());
  }

  private MemberStream members(Selection selection) {
    return members(StreamSegmentMembersRequest.newBuilder().setSelection(selection).build());
  }

  /**
   * Selects contacts, with all options.
   *
   * @param request what to select, and how much of each member to send
   * @return the members; close it unless it is read to its end
   */
  public MemberStream members(StreamSegmentMembersRequest request) {
    return new MemberStream(connection, request);
  }

  /**
   * Reads all groups, contacts and memberships.
   *
   * @return the parts of the export; close it unless it is read to its end
   */
  public ExportStream exportContacts() {
    return exportContacts(ExportContactsRequest.getDefaultInstance());
  }

  /**
   * Reads all groups, contacts and memberships, with all options.
   *
   * @param request the size of the pages, and the token of the part after which to continue
   * @return the parts of the export; close it unless it is read to its end
   */
  public ExportStream exportContacts(ExportContactsRequest request) {
    return new ExportStream(connection, request);
  }

  /**
   * Watches changes that are made after the call.
   *
   * @return the changes; close it at last
   */
  public WatchStream watch() {
    var now = WatchChangesRequest.Now.getDefaultInstance();
    return watch(WatchChangesRequest.newBuilder().setNow(now).build());
  }

  /**
   * Watches what changes, with all options.
   *
   * @param request where to start, such as after the {@code resumeToken} of a {@link WatchEvent},
   *     and what to report
   * @return the changes; close it at last
   */
  public WatchStream watch(WatchChangesRequest request) {
    return new WatchStream(connection, request);
  }

  /** Cancels all calls and streams that are open, and closes the connection. */
  @Override
  public void close() {
    connection.transport().shutdownNow();
    try {
      connection.transport().awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
