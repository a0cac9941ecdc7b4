//! Selecting: counts, streams, readers, actions on segments, and long work.

pub(crate) mod actions;
pub(crate) mod attributes;
pub(crate) mod companies;
pub(crate) mod counts;
pub(crate) mod fill;
pub(crate) mod long_work;
mod raw;
pub(crate) mod readers;
pub(crate) mod streams;

use mailing_groups::pb::mailing_groups_client::MailingGroupsClient;
use tonic::transport::Channel;

use crate::support::service::Service;

async fn connect(service: &Service) -> MailingGroupsClient<Channel> {
    MailingGroupsClient::connect(service.endpoint.clone())
        .await
        .expect("connects")
}
