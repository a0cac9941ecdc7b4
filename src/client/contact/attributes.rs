//! The attributes that contacts have.

use super::{ContactSession, Error, Record, RecordFormatArgs, RecordPrinter, each_page};
use crate::pb::{AttributeValue, ListAttributeValuesRequest};

#[derive(Debug, clap::Args)]
pub(super) struct ListAttributesArgs {
    /// The attribute whose values are listed [default: lists the attributes]
    #[arg(value_name = "KEY")]
    attribute: Option<String>,
    /// The most to list [default: all]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    format: RecordFormatArgs,
}

impl ListAttributesArgs {
    pub(super) async fn run(self, session: &mut ContactSession) -> Result<(), Error> {
        let mut printer = RecordPrinter::new(self.format, self.limit);
        let key = self.attribute.unwrap_or_default();
        each_page(async |page_token| {
            let request = session.connection.unary(ListAttributeValuesRequest {
                page_token,
                key: key.clone(),
                page_size: 1_000,
            });
            let page = session
                .client
                .list_attribute_values(request)
                .await?
                .into_inner();
            let record = |it: AttributeValue| {
                let value = (!key.is_empty()).then(|| ("value", it.value.into()));
                let fields = [Some(("key", it.key.into())), value];
                let count = Some(("contact_count", it.contact_count.into()));
                Record(fields.into_iter().chain([count]).flatten().collect())
            };
            let records = page.attribute_values.into_iter().map(record).collect();
            printer.page(records, page.next_page_token)
        })
        .await
    }
}

/// Reads KEY=VALUE.
pub(super) fn parse(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=');
    let (key, value) = parts.ok_or("write KEY=VALUE, such as territory=CH")?;
    Ok((key.to_owned(), value.to_owned()))
}
