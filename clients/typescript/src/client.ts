// The client, without the parts that need Node.js.

import { createClient, type Client as Stub, type Interceptor, type Transport } from "@connectrpc/connect";

import { bearer, callMetadata, requestId, retry, withTypedErrors, type TokenSource } from "./calls.js";
import { exportContacts, type Export, type ExportOptions } from "./export.js";
import { Contacts } from "./gen/mailinggroups/v1/contacts_pb.js";
import { Identity } from "./gen/mailinggroups/v1/identity_pb.js";
import { MailingGroups } from "./gen/mailinggroups/v1/mailing_groups_pb.js";
import { Segments } from "./gen/mailinggroups/v1/segments_pb.js";
import { Tenants } from "./gen/mailinggroups/v1/tenants_pb.js";
import type { Items } from "./import.js";
import {
  importContacts,
  importMemberships,
  type AssignmentInit,
  type ContactInit,
  type ImportContactsOptions,
  type ImportContactsResult,
  type ImportMembershipsOptions,
  type ImportMembershipsResult,
} from "./import_calls.js";
import {
  memberPages,
  members,
  type MemberPages,
  type Members,
  type MembersOptions,
  type SelectionInit,
} from "./members.js";
import { Retry, RETRY_FOR_MS } from "./resume.js";
import { watch, type Watch, type WatchOptions } from "./watch.js";

/** The deadline of a unary call that says no other. */
const DEFAULT_TIMEOUT_MS = 60_000;

/** What calls have in common. */
export interface CallOptions {
  /** Whose data the calls work on: 1 to 63 of a-z 0-9 and '-'. `default`, if absent. */
  tenant?: string;
  /** A token or an API key, or a function that returns one, called for each attempt of a call. */
  token?: TokenSource;
  /** The deadline of unary calls; 60,000 if absent. Streams have none. */
  timeoutMs?: number;
  /** How long a broken stream or import is continued without progress; 60,000 if absent. 0 continues none. */
  retryForMs?: number;
  /** Wrapped around every call, outside of retries. */
  interceptors?: readonly Interceptor[];
}

/** Makes a transport, such as `createGrpcTransport` or `createGrpcWebTransport`. */
export type TransportFactory = (options: { interceptors: Interceptor[]; defaultTimeoutMs: number }) => Transport;

/** A client over any transport. Streams of requests, which imports need, do not work in browsers. */
export class BaseClient {
  /** Groups, memberships, counts. */
  readonly mailingGroups: Stub<typeof MailingGroups>;
  /** Contacts. */
  readonly contacts: Stub<typeof Contacts>;
  /** Segments and saved criteria. */
  readonly segments: Stub<typeof Segments>;
  /** Tenants. */
  readonly tenants: Stub<typeof Tenants>;
  /** Who the caller is. */
  readonly identity: Stub<typeof Identity>;

  readonly #retryForMs: number;

  constructor(connect: TransportFactory, options: CallOptions = {}) {
    this.#retryForMs = options.retryForMs ?? RETRY_FOR_MS;
    const { tenant, token, timeoutMs = DEFAULT_TIMEOUT_MS, interceptors = [] } = options;
    if (typeof token === "string") {
      bearer(token);
    }
    const transport = withTypedErrors(
      connect({
        interceptors: [...interceptors, requestId, retry, callMetadata(tenant, token)],
        defaultTimeoutMs: timeoutMs,
      }),
    );
    this.mailingGroups = createClient(MailingGroups, transport);
    this.contacts = createClient(Contacts, transport);
    this.segments = createClient(Segments, transport);
    this.tenants = createClient(Tenants, transport);
    this.identity = createClient(Identity, transport);
  }

  /**
   * Creates or changes any number of contacts. Companies come before their persons. Items are read
   * as they are needed; if reading them fails, the import fails with the same error.
   */
  importContacts(contacts: Items<ContactInit>, options: ImportContactsOptions = {}): Promise<ImportContactsResult> {
    return importContacts(this.contacts, contacts, options, this.#retry());
  }

  /** Assigns any number of pairs, as {@link importContacts} imports contacts. */
  importMemberships(
    assignments: Items<AssignmentInit>,
    options: ImportMembershipsOptions = {},
  ): Promise<ImportMembershipsResult> {
    return importMemberships(this.mailingGroups, assignments, options, this.#retry());
  }

  /** The contacts that an expression or a segment selects, each once, in the order of creation. */
  members(selection: SelectionInit, options: MembersOptions = {}): Members {
    return members(this.mailingGroups, selection, options, this.#retry());
  }

  /** The same in pages, which is several times faster. */
  memberPages(selection: SelectionInit, options: MembersOptions = {}): MemberPages {
    return memberPages(this.mailingGroups, selection, options, this.#retry());
  }

  /** All groups, contacts and memberships. */
  exportContacts(options: ExportOptions = {}): Export {
    return exportContacts(this.contacts, options, this.#retry());
  }

  /** All changes, revision by revision, each once. */
  watch(options: WatchOptions = {}): Watch {
    return watch(this.mailingGroups, options, this.#retry());
  }

  #retry(): Retry {
    return new Retry(this.#retryForMs);
  }
}
