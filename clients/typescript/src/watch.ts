// The feed of changes.

import type { Client } from "@connectrpc/connect";
import { create } from "@bufbuild/protobuf";

import {
  WatchChangesRequestSchema,
  type ChangeKind,
  type WatchChangesRequest,
  type WatchChangesResponse,
  type WatchChangesResponse_Changes,
} from "./gen/mailinggroups/v1/changes_pb.js";
import type { MailingGroups } from "./gen/mailinggroups/v1/mailing_groups_pb.js";
import { append } from "./export.js";
import { type Retry, readOn, ResumedStream } from "./resume.js";

/** What to watch. */
export interface WatchOptions {
  /**
   * Where to start: `now`, the default; `beginning`, with a snapshot of everything; after a
   * revision; or after the event with a token, which also tells if the history was replaced since.
   */
  start?: "now" | "beginning" | bigint | { resumeToken: string };
  /** Only changes of these kinds; all, if absent. */
  kinds?: ChangeKind[];
  /** Only groups and memberships with these codes. At most 10,000. */
  codes?: string[];
  /** Cancels the call when it is aborted. */
  signal?: AbortSignal;
}

/**
 * A `snapshot` part, the `snapshotEnd`, the `changes` of one whole revision, or `progress`. All but
 * snapshot parts have a `resumeToken`. After a `snapshotRestart` the snapshot is sent from its start
 * again, because the connection broke: forget the parts that you have.
 */
export type WatchEvent =
  Exclude<WatchChangesResponse["message"], { case: undefined }> | { case: "snapshotRestart"; value?: undefined };

/** The events of a watch. It has no end of its own. */
export type Watch = ResumedStream<WatchEvent>;

export function watch(stub: Client<typeof MailingGroups>, options: WatchOptions, retry: Retry): Watch {
  return new ResumedStream((signal) => readEvents(stub, options, retry, signal), options.signal);
}

interface WatchState {
  /** Whether a snapshot has begun, and is not complete. */
  inSnapshot: boolean;
  /** Whether the snapshot is sent from its start again. */
  isRestart: boolean;
  /** The first parts of a revision. */
  parts: WatchChangesResponse_Changes | undefined;
}

async function* readEvents(
  stub: Client<typeof MailingGroups>,
  { start = "now", kinds = [], codes = [] }: WatchOptions,
  retry: Retry,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, undefined> {
  const request = create(WatchChangesRequestSchema, { start: position(start), kinds, codes });
  const state: WatchState = { inSnapshot: false, isRestart: false, parts: undefined };
  const source = {
    open: (signal: AbortSignal) => stub.watchChanges(request, { signal }),
    // It is sent again.
    broken: () => {
      state.parts = undefined;
      state.isRestart ||= state.inSnapshot;
      state.inSnapshot = false;
    },
  };
  for await (const { message } of readOn(source, retry, signal)) {
    retry.progress();
    if (state.isRestart) {
      state.isRestart = false;
      yield { case: "snapshotRestart" };
    }
    switch (message.case) {
      case "snapshot":
        state.inSnapshot = true;
        yield message;
        break;
      case "changes":
        state.parts = merge(state.parts, message.value);
        if (!state.parts.more) {
          const value = state.parts;
          state.parts = undefined;
          request.start = position(value);
          yield { case: "changes", value };
        }
        break;
      case "snapshotEnd":
      case "progress":
        state.inSnapshot &&= message.case === "progress";
        request.start = position(message.value);
        yield message;
        break;
      // A kind of a later version.
      case undefined:
    }
  }
  return undefined;
}

function position(start: NonNullable<WatchOptions["start"]>): WatchChangesRequest["start"] {
  switch (start) {
    case "now":
    case "beginning":
      return create(WatchChangesRequestSchema, { start: { case: start, value: {} } }).start;
    default:
      return typeof start === "bigint"
        ? { case: "revision", value: start }
        : { case: "resumeToken", value: start.resumeToken };
  }
}

/** The parts of a revision differ in their changes; only the last one has a token. */
function merge(
  parts: WatchChangesResponse_Changes | undefined,
  next: WatchChangesResponse_Changes,
): WatchChangesResponse_Changes {
  if (parts === undefined) {
    return next;
  }
  append(parts.changes, next.changes);
  parts.more = next.more;
  parts.resumeToken = next.resumeToken;
  return parts;
}
