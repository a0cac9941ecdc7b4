//! The command line's client part: it talks gRPC to a running service.
