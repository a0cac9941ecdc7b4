// The two import RPCs. They have different types and the same form.

import type { Client } from "@connectrpc/connect";
import type { MessageInitShape } from "@bufbuild/protobuf";

import type {
  Contacts,
  ContactSchema,
  ImportContactsRequestSchema,
  ImportContactsResponse_Rejection,
  ImportContactsResponse_Summary,
} from "./gen/mailinggroups/v1/contacts_pb.js";
import type {
  AssignmentOutcome,
  ImportMembershipsRequestSchema,
  ImportMembershipsResponse_Rejection,
  ImportMembershipsResponse_Summary,
  MailingGroups,
} from "./gen/mailinggroups/v1/mailing_groups_pb.js";
import type { AssignmentSchema } from "./gen/mailinggroups/v1/memberships_pb.js";
import { ImportSession, type ImportCall, type ImportOptions, type Items } from "./import.js";
import type { Retry } from "./resume.js";

/** A contact to import. A flag that is absent stays as it is. */
export type ContactInit = MessageInitShape<typeof ContactSchema>;
/** A contact and a group to assign. */
export type AssignmentInit = MessageInitShape<typeof AssignmentSchema>;

/** The fields that an import of contacts can replace. */
export type ContactField =
  | "kind"
  | "name"
  | "company_id"
  | "email"
  | "exclude_from_segments"
  | "privacy_blocked"
  | "attributes"
  | `attributes.${string}`
  | "*";

/** What all rejections have. */
export interface Rejection<I> {
  /** The index of the item among all items of the import, from 0. */
  index: number;
  /** The item as given; undefined if an earlier run of the import sent it. */
  item: I | undefined;
  /** Why it was rejected, in English. */
  message: string;
  /** `former` and `current`, if the contact was merged or the group renamed. */
  metadata: Record<string, string>;
}

/** A contact that was not imported. */
export interface ContactRejection extends Rejection<ContactInit> {
  /** The invalid field, such as `company_id`. */
  field: string;
}

/** A pair that was not assigned. */
export interface AssignmentRejection extends Rejection<AssignmentInit> {
  /** Why, for programs. */
  outcome: AssignmentOutcome;
}

/** How to import contacts. */
export interface ImportContactsOptions extends ImportOptions<ContactRejection> {
  /** The fields to replace; all of them, if absent. */
  updateMask?: readonly ContactField[];
  /** Takes the ids of merged contacts for new ones. If absent, such items are rejected. */
  reuseFormer?: boolean;
}

/** How to import memberships. */
export type ImportMembershipsOptions = ImportOptions<AssignmentRejection>;

/** The counts of an import, over all its runs. */
export interface ImportResult<R> {
  /** Items received. */
  processedCount: number;
  /** Items that were as they are already. */
  unchangedCount: number;
  /** Items rejected. */
  rejectedCount: number;
  /** The first of the rejected items, unless `onRejection` took them. */
  rejections: R[];
  /** The tenant's revision after the import; 0 if nothing was to be written. */
  revision: bigint;
}

/** What an import of contacts did. */
export interface ImportContactsResult extends ImportResult<ContactRejection> {
  /** Contacts created. */
  createdCount: number;
  /** Contacts updated. */
  updatedCount: number;
  /** Unchanged items that a later item of the same id and chunk contradicted. */
  supersededCount: number;
}

/** What an import of memberships did. */
export interface ImportMembershipsResult extends ImportResult<AssignmentRejection> {
  /** Pairs assigned. */
  changedCount: number;
}

type ContactsCall = ImportCall<
  ContactInit,
  MessageInitShape<typeof ImportContactsRequestSchema>,
  ImportContactsResponse_Rejection,
  ImportContactsResponse_Summary,
  ContactRejection
>;

type MembershipsCall = ImportCall<
  AssignmentInit,
  MessageInitShape<typeof ImportMembershipsRequestSchema>,
  ImportMembershipsResponse_Rejection,
  ImportMembershipsResponse_Summary,
  AssignmentRejection
>;

export async function importContacts(
  stub: Client<typeof Contacts>,
  items: Items<ContactInit>,
  options: ImportContactsOptions,
  retry: Retry,
): Promise<ImportContactsResult> {
  const { updateMask, reuseFormer = false } = options;
  const mask = updateMask && { updateMask: { paths: [...updateMask] } };
  const call: ContactsCall = {
    open: (requests, signal) => stub.importContacts(requests, { signal }),
    start: (start) => ({ message: { case: "start", value: { ...start, reuseFormer, ...mask } } }),
    chunk: (contacts) => ({ message: { case: "chunk", value: { contacts } } }),
    finish: () => ({ message: { case: "finish", value: {} } }),
    sizeOf: ({ id, name, companyId, email, etag, attributes = {} }) => {
      const texts = Object.entries(attributes).flatMap((entry) => [...entry, ENTRY]);
      return size(id, name, companyId, email, etag, ...texts);
    },
    rejection: ({ index, field, message, metadata }, item) => {
      return { index: Number(index), item, field, message, metadata };
    },
  };
  const [summary, rejections] = await new ImportSession(call, items, options, retry).run();
  return {
    ...counts(summary, rejections),
    createdCount: Number(summary.createdCount),
    updatedCount: Number(summary.updatedCount),
    supersededCount: Number(summary.supersededCount),
  };
}

export async function importMemberships(
  stub: Client<typeof MailingGroups>,
  items: Items<AssignmentInit>,
  options: ImportMembershipsOptions,
  retry: Retry,
): Promise<ImportMembershipsResult> {
  const call: MembershipsCall = {
    open: (requests, signal) => stub.importMemberships(requests, { signal }),
    start: (value) => ({ message: { case: "start", value } }),
    chunk: (assignments) => ({ message: { case: "chunk", value: { assignments } } }),
    finish: () => ({ message: { case: "finish", value: {} } }),
    sizeOf: ({ contactId, code }) => size(contactId, code),
    rejection: ({ index, outcome, message, metadata }, item) => {
      return { index: Number(index), item, outcome, message, metadata };
    },
  };
  const [summary, rejections] = await new ImportSession(call, items, options, retry).run();
  return { ...counts(summary, rejections), changedCount: Number(summary.changedCount) };
}

function counts<R>(
  summary: ImportContactsResponse_Summary | ImportMembershipsResponse_Summary,
  rejections: R[],
): ImportResult<R> {
  return {
    processedCount: Number(summary.processedCount),
    unchangedCount: Number(summary.unchangedCount),
    rejectedCount: Number(summary.rejectedCount),
    rejections,
    revision: summary.revision,
  };
}

/** As long as what an attribute has besides its texts. */
const ENTRY = "    ";

/** A UTF-16 unit has at most three bytes in UTF-8; the rest of an item has at most 128. */
function size(...texts: (string | undefined)[]): number {
  return texts.reduce((sum, text) => sum + 3 * (text?.length ?? 0), 128);
}
