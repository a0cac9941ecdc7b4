//! The port for browsers and curl.

mod bounds;
mod cors;
mod errors;
mod grpc_web;
mod methods;
mod program;
mod streams;
mod unary;
