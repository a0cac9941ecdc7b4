// The package `mailing-groups`.

export { Client, type ClientOptions, type TlsOptions } from "./node.js";
export * from "./web.js";
