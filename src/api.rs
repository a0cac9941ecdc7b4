//! The wire: handlers and conversions. The only room that knows tonic and the generated types.

pub mod pb;
pub mod request_id;
