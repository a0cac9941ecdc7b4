// The members of a selection.

import type { Client } from "@connectrpc/connect";
import { create, type MessageInitShape } from "@bufbuild/protobuf";

import {
  SegmentPart,
  StreamSegmentMembersRequestSchema,
  type MailingGroups,
  type StreamSegmentMembersResponse_Page,
  type StreamSegmentMembersResponse_Summary,
} from "./gen/mailinggroups/v1/mailing_groups_pb.js";
import {
  SegmentMemberView,
  type SegmentMember,
  type SelectionOptionsSchema,
} from "./gen/mailinggroups/v1/selection_pb.js";
import { type Retry, readOn, ResumedStream } from "./resume.js";

/** Which contacts: those that match an expression, or the members of a segment. */
export type SelectionInit = string | { segmentId: string };

/** What to read of a selection. */
export interface MembersOptions extends Pick<
  MessageInitShape<typeof StreamSegmentMembersRequestSchema>,
  "part" | "view" | "pageSize" | "resumeToken"
> {
  /** How companies and excluded contacts are treated; only with an expression. */
  options?: MessageInitShape<typeof SelectionOptionsSchema>;
  /** Cancels the call when it is aborted. */
  signal?: AbortSignal;
}

/** Pages of members, each with the token that continues after it. */
export type MemberPages = ResumedStream<StreamSegmentMembersResponse_Page, StreamSegmentMembersResponse_Summary>;
/** Members, one by one. */
export type Members = ResumedStream<SegmentMember, StreamSegmentMembersResponse_Summary>;

type Stub = Client<typeof MailingGroups>;

export function memberPages(stub: Stub, selection: SelectionInit, options: MembersOptions, retry: Retry): MemberPages {
  return new ResumedStream((signal) => readPages(stub, selection, options, retry, signal), options.signal);
}

export function members(stub: Stub, selection: SelectionInit, options: MembersOptions, retry: Retry): Members {
  return new ResumedStream((signal) => readMembers(stub, selection, options, retry, signal), options.signal);
}

async function* readMembers(
  stub: Stub,
  selection: SelectionInit,
  options: MembersOptions,
  retry: Retry,
  signal: AbortSignal,
): AsyncGenerator<SegmentMember, StreamSegmentMembersResponse_Summary> {
  const pages = readPages(stub, selection, options, retry, signal);
  try {
    for (;;) {
      const page = await pages.next();
      if (page.done === true) {
        return page.value;
      }
      yield* page.value.members;
    }
  } finally {
    await pages.return(undefined as never);
  }
}

async function* readPages(
  stub: Stub,
  selection: SelectionInit,
  {
    part = SegmentPart.UNSPECIFIED,
    view = SegmentMemberView.UNSPECIFIED,
    pageSize = 0,
    resumeToken = "",
    options,
  }: MembersOptions,
  retry: Retry,
  signal: AbortSignal,
): AsyncGenerator<StreamSegmentMembersResponse_Page, StreamSegmentMembersResponse_Summary> {
  const request = create(StreamSegmentMembersRequestSchema, {
    part,
    view,
    pageSize,
    resumeToken,
    selection: {
      source:
        typeof selection === "string"
          ? { case: "expression", value: selection }
          : { case: "segmentId", value: selection.segmentId },
      ...(options && { options }),
    },
  });
  const source = {
    open: (signal: AbortSignal) => stub.streamSegmentMembers(request, { signal }),
  };
  for await (const { message } of readOn(source, retry, signal)) {
    switch (message.case) {
      case "page":
        request.resumeToken = message.value.resumeToken;
        retry.progress();
        yield message.value;
        break;
      case "heartbeat":
        request.resumeToken = message.value.resumeToken || request.resumeToken;
        break;
      case "summary":
        return message.value;
    }
  }
  throw new Error("unreachable");
}
