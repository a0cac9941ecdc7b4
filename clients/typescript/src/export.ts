// The export of a tenant.

import type { Client } from "@connectrpc/connect";
import { create } from "@bufbuild/protobuf";

import {
  ExportContactsRequestSchema,
  type Contact,
  type Contacts,
  type ExportContactsResponse_Page,
  type ExportContactsResponse_Summary,
} from "./gen/mailinggroups/v1/contacts_pb.js";
import type { Assignment, MailingGroup } from "./gen/mailinggroups/v1/memberships_pb.js";
import { type Retry, readOn, ResumedStream } from "./resume.js";

/** How to export. */
export interface ExportOptions {
  /** Contacts in a page: 1 to 2,000; 1,000 if absent. */
  pageSize?: number;
  /** Continues an earlier export after the part with this token. */
  resumeToken?: string;
  /** Cancels the call when it is aborted. */
  signal?: AbortSignal;
}

/** Contacts with all their groups. The first part has all groups. */
export interface ExportPart {
  /** Groups; in a later part those that were changed since they were sent. */
  mailingGroups: MailingGroup[];
  /** Contacts: companies before persons. */
  contacts: Contact[];
  /** All groups of these contacts. */
  assignments: Assignment[];
  /** Continues after this part; empty if no contact has come yet. */
  resumeToken: string;
}

/** The parts of an export. */
export type Export = ResumedStream<ExportPart, ExportContactsResponse_Summary>;

export function exportContacts(stub: Client<typeof Contacts>, options: ExportOptions, retry: Retry): Export {
  return new ResumedStream((signal) => readParts(stub, options, retry, signal), options.signal);
}

async function* readParts(
  stub: Client<typeof Contacts>,
  { pageSize = 0, resumeToken = "" }: ExportOptions,
  retry: Retry,
  signal: AbortSignal,
): AsyncGenerator<ExportPart, ExportContactsResponse_Summary> {
  const request = create(ExportContactsRequestSchema, { pageSize, resumeToken });
  let part = emptyPart();
  const source = {
    open: (signal: AbortSignal) => stub.exportContacts(request, { signal }),
    // It is sent again.
    broken: () => {
      part = emptyPart();
    },
  };
  for await (const { message } of readOn(source, retry, signal)) {
    switch (message.case) {
      case "mailingGroups":
        append(part.mailingGroups, message.value.mailingGroups);
        break;
      case "page":
        addPage(part, message.value);
        // The token changes with the last page of the same contacts.
        if (part.resumeToken !== request.resumeToken) {
          request.resumeToken = part.resumeToken;
          retry.progress();
          yield part;
          part = emptyPart();
        }
        break;
      case "summary":
        if (part.mailingGroups.length + part.contacts.length > 0) {
          part.resumeToken = request.resumeToken;
          yield part;
        }
        return message.value;
      case "heartbeat":
    }
  }
  throw new Error("unreachable");
}

function emptyPart(): ExportPart {
  return { mailingGroups: [], contacts: [], assignments: [], resumeToken: "" };
}

function addPage(part: ExportPart, page: ExportContactsResponse_Page): void {
  append(part.contacts, page.contacts);
  append(part.assignments, page.assignments);
  part.resumeToken = page.resumeToken;
}

/** Not `push(...more)`: the number of arguments is limited. */
export function append<T>(items: T[], more: readonly T[]): void {
  for (const item of more) {
    items.push(item);
  }
}
