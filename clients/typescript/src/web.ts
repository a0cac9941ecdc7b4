// The package `mailing-groups/web`: what runs in browsers too.

export { Code } from "@connectrpc/connect";
export { BaseClient, type CallOptions, type TransportFactory } from "./client.js";
export type { TokenSource } from "./calls.js";
export { MailingGroupsError } from "./errors.js";
export type { Export, ExportOptions, ExportPart } from "./export.js";
export type { ImportOptions, Items } from "./import.js";
export type * from "./import_calls.js";
export type { MemberPages, Members, MembersOptions, SelectionInit } from "./members.js";
export type { ResumedStream } from "./resume.js";
export type { Watch, WatchEvent, WatchOptions } from "./watch.js";

export * from "./gen/mailinggroups/v1/access_pb.js";
export * from "./gen/mailinggroups/v1/changes_pb.js";
export * from "./gen/mailinggroups/v1/contacts_pb.js";
export * from "./gen/mailinggroups/v1/errors_pb.js";
export * from "./gen/mailinggroups/v1/identity_pb.js";
export * from "./gen/mailinggroups/v1/mailing_groups_pb.js";
export * from "./gen/mailinggroups/v1/memberships_pb.js";
export * from "./gen/mailinggroups/v1/segments_pb.js";
export * from "./gen/mailinggroups/v1/selection_pb.js";
export * from "./gen/mailinggroups/v1/tenants_pb.js";
export * as rpc from "./gen/google/rpc/error_details_pb.js";
