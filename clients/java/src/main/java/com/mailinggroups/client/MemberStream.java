package com.mailinggroups.client;

import com.mailinggroups.v1.MailingGroupsGrpc;
import com.mailinggroups.v1.SegmentMember;
import com.mailinggroups.v1.StreamSegmentMembersRequest;
import com.mailinggroups.v1.StreamSegmentMembersResponse;

/**
 * The members of a selection, each once, in the order in which the contacts were created. Goes on
 * after the last page if the connection breaks.
 */
public final class MemberStream
    extends ResumableStream<
        StreamSegmentMembersRequest, StreamSegmentMembersResponse, SegmentMember> {
  private StreamSegmentMembersRequest request;
  private long received;
  private StreamSegmentMembersResponse.Summary summary;

  MemberStream(Connection connection, StreamSegmentMembersRequest request) {
    super(connection, MailingGroupsGrpc.getStreamSegmentMembersMethod());
    this.request = request;
  }

  /**
   * Returns the totals, and the revision of the members.
   *
   * @return the summary; {@code sent_count} is that of all connections together
   * @throws IllegalStateException if {@code hasNext} has not returned false yet
   */
  public StreamSegmentMembersResponse.Summary summary() {
    if (summary == null) {
      throw new IllegalStateException("the stream has not ended");
    }
    return summary;
  }

  @Override
  StreamSegmentMembersRequest request() {
    return request;
  }

  @Override
  void accept(StreamSegmentMembersResponse message) {
    switch (message.getMessageCase()) {
      case PAGE -> {
        var page = message.getPage();
        page.getMembersList().forEach(this::emit);
        received += page.getMembersCount();
        continueFrom(page.getResumeToken());
        progress();
      }
      case HEARTBEAT -> continueFrom(message.getHeartbeat().getResumeToken());
      case SUMMARY -> {
        summary = message.getSummary().toBuilder().setSentCount(received).build();
        done();
      }
      case MESSAGE_NOT_SET -> {}
    }
  }

  private void continueFrom(String token) {
    if (!token.isEmpty()) {
      request = request.toBuilder().setResumeToken(token).build();
    }
  }
}
