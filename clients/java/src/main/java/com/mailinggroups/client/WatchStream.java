package com.mailinggroups.client;

import com.mailinggroups.v1.MailingGroupsGrpc;
import com.mailinggroups.v1.WatchChangesRequest;
import com.mailinggroups.v1.WatchChangesResponse;
import com.mailinggroups.v1.WatchChangesResponse.Changes;

/**
 * The changes of a tenant, each revision once, whole and in order. Goes on after the last complete
 * revision if the connection breaks, and has no end of its own.
 */
public final class WatchStream
    extends ResumableStream<WatchChangesRequest, WatchChangesResponse, WatchEvent> {
  private WatchChangesRequest request;

  /** The parts of a revision that is not complete. */
  private Changes.Builder parts;

  private boolean isInSnapshot;

  WatchStream(Connection connection, WatchChangesRequest request) {
    super(connection, MailingGroupsGrpc.getWatchChangesMethod());
    this.request = request;
  }

  @Override
  WatchChangesRequest request() {
    return request;
  }

  @Override
  void accept(WatchChangesResponse message) {
    switch (message.getMessageCase()) {
      case SNAPSHOT -> {
        isInSnapshot = true;
        emit(new WatchEvent.SnapshotPart(message.getSnapshot()));
      }
      case SNAPSHOT_END -> {
        isInSnapshot = false;
        var end = message.getSnapshotEnd();
        report(new WatchEvent.SnapshotEnd(end.getRevision(), end.getResumeToken()));
      }
      case CHANGES -> changes(message.getChanges());
      case PROGRESS -> {
        var it = message.getProgress();
        report(new WatchEvent.Progress(it.getRevision(), it.getResumeToken()));
      }
      case MESSAGE_NOT_SET -> {}
    }
    progress();
  }

  private void changes(Changes part) {
    if (parts == null && !part.getMore()) {
      report(new WatchEvent.Revision(part));
      return;
    }
    parts = parts == null ? part.toBuilder() : parts.addAllChanges(part.getChangesList());
    if (!part.getMore()) {
      parts.setMore(false).setResumeToken(part.getResumeToken());
      report(new WatchEvent.Revision(parts.build()));
      parts = null;
    }
  }

  private void report(WatchEvent event) {
    request = request.toBuilder().setResumeToken(event.resumeToken()).build();
    emit(event);
  }

  @Override
  void discard() {
    parts = null;
    if (isInSnapshot) {
      isInSnapshot = false;
      emit(new WatchEvent.SnapshotRestart());
    }
  }
}
