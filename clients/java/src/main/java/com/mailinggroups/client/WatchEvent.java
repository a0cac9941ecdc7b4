package com.mailinggroups.client;

import com.mailinggroups.v1.WatchChangesResponse;

/** What a watch reports. */
public sealed interface WatchEvent {
  /**
   * A part of the snapshot with which a watch from the beginning starts.
   *
   * @param snapshot the part
   */
  record SnapshotPart(WatchChangesResponse.Snapshot snapshot) implements WatchEvent {}

  /** The connection broke during the snapshot: all of it comes again. Discard the parts before. */
  record SnapshotRestart() implements WatchEvent {}

  /**
   * The snapshot is complete.
   *
   * @param revision the revision of the snapshot
   * @param resumeToken another watch can go on after the snapshot
   */
  record SnapshotEnd(long revision, String resumeToken) implements WatchEvent {}

  /**
   * All changes of one revision.
   *
   * @param changes the changes, put together if the service sent them in several messages
   */
  record Revision(WatchChangesResponse.Changes changes) implements WatchEvent {
    @Override
    public String resumeToken() {
      return changes.getResumeToken();
    }
  }

  /**
   * Everything up to a revision was reported or filtered out.
   *
   * @param revision the revision
   * @param resumeToken another watch can go on after it
   */
  record Progress(long revision, String resumeToken) implements WatchEvent {}

  /**
   * Returns the token with which another watch goes on after this event.
   *
   * @return the token, empty during a snapshot
   */
  default String resumeToken() {
    return "";
  }
}
