// The error of every call, with the details that the service sends.

import { Code, ConnectError } from "@connectrpc/connect";
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";

import {
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  QuotaFailureSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
  type BadRequest_FieldViolation,
  type PreconditionFailure_Violation,
  type QuotaFailure_Violation,
  type ResourceInfo,
} from "./gen/google/rpc/error_details_pb.js";
import { ErrorReason } from "./gen/mailinggroups/v1/errors_pb.js";

const DOMAIN = "mailinggroups";

/**
 * Why a call, a stream or an import failed. It is a `ConnectError`, so `code`, `rawMessage`,
 * `metadata` (headers and trailers), `cause` and `findDetails` are there too.
 *
 * A broken connection has the code `Unavailable`.
 */
export class MailingGroupsError extends ConnectError {
  /** The reason; UNSPECIFIED if the service gave none, or one that this package does not know. */
  readonly reason: ErrorReason;
  /** The reason as sent, such as `MAILING_GROUP_RENAMED`; empty if the service gave none. */
  readonly reasonName: string;
  /** The metadata of the reason, such as `former` and `current` of a renamed group. */
  readonly reasonMetadata: Readonly<Record<string, string>>;
  /** The fields of the request that break a rule. */
  readonly fieldViolations: readonly BadRequest_FieldViolation[];
  /** What has to be changed before the call can succeed. */
  readonly preconditionViolations: readonly PreconditionFailure_Violation[];
  /** The limits that were reached. */
  readonly quotaViolations: readonly QuotaFailure_Violation[];
  /** The resource that is missing, taken or changed. */
  readonly resource: ResourceInfo | undefined;
  /** After how many milliseconds to try again, if the service said so. */
  readonly retryDelayMs: number | undefined;
  /** The id of the call in the service's log, if it answered. */
  readonly requestId: string | undefined;

  constructor(message: string, code: Code, cause?: unknown, from?: ConnectError) {
    super(message, code, from?.metadata, undefined, cause);
    this.details = from?.details ?? [];
    const info = this.findDetails(ErrorInfoSchema).find((it) => it.domain === DOMAIN);
    this.reasonName = info?.reason ?? "";
    this.reason = reasonByName(this.reasonName);
    this.reasonMetadata = info?.metadata ?? {};
    this.fieldViolations = this.#first(BadRequestSchema)?.fieldViolations ?? [];
    this.preconditionViolations = this.#first(PreconditionFailureSchema)?.violations ?? [];
    this.quotaViolations = this.#first(QuotaFailureSchema)?.violations ?? [];
    this.resource = this.#first(ResourceInfoSchema);
    const delay = this.#first(RetryInfoSchema)?.retryDelay;
    this.retryDelayMs = delay === undefined ? undefined : durationMs(delay);
    this.requestId = this.metadata.get("x-request-id") ?? undefined;
  }

  /** Whether the same call may succeed a little later. */
  get isTransient(): boolean {
    return this.code === Code.Unavailable || this.retryDelayMs !== undefined;
  }

  #first<T extends Message>(schema: GenMessage<T>): T | undefined {
    return this.findDetails(schema)[0];
  }

  /** Converts whatever a call has thrown. */
  static override from(thrown: unknown, code?: Code): MailingGroupsError {
    if (thrown instanceof MailingGroupsError) {
      return thrown;
    }
    const error = ConnectError.from(thrown, code);
    const actual = isBrokenConnection(error) ? Code.Unavailable : error.code;
    const cause = error.cause ?? (thrown === error ? undefined : thrown);
    return new MailingGroupsError(error.rawMessage, actual, cause, error);
  }

  // Otherwise each ConnectError would be an instance: the inherited test compares fields.
  static override [Symbol.hasInstance](value: unknown): boolean {
    return Function.prototype[Symbol.hasInstance].call(this, value);
  }
}

function reasonByName(name: string): ErrorReason {
  const reasons: Readonly<Record<string, ErrorReason | string>> = ErrorReason;
  const reason = reasons[name];
  return typeof reason === "number" ? reason : ErrorReason.UNSPECIFIED;
}

/**
 * The transport reports broken connections with many codes, some of which the service uses too.
 * What the service sends has a status.
 */
function isBrokenConnection(error: ConnectError): boolean {
  return (
    !error.metadata.has("grpc-status") &&
    (/^(http\/2|protocol error:|sentinel) /.test(error.rawMessage) || hasNetworkCause(error.cause))
  );
}

/** Errors of sockets and of HTTP/2 have such codes, those of certificates have others. */
function hasNetworkCause(cause: unknown): boolean {
  return (
    cause instanceof Error &&
    (("code" in cause && /^(E[A-Z0-9]+|ERR_(HTTP2|STREAM)_\w+)$/.test(String(cause.code))) ||
      hasNetworkCause(cause.cause))
  );
}
