//! The definition of the two tables, for the one-machine runner and tests; `template.yaml` has the same, and a test
//! compares them.

use std::time::Duration;

use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType, TableStatus,
    TimeToLiveSpecification, TimeToLiveStatus,
};

use crate::keys::{EXPIRES_AT, INDEX, IPK, ISK, PK, SK};
use crate::retry::{Verdict, given_up, persistently};
use crate::{Store, StoreError};

/// A table as both the runner and the template make it. All keys are texts; capacity is on demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDefinition {
    pub partition_key: &'static str,
    pub sort_key: &'static str,
    pub index: Option<IndexDefinition>,
    /// With old and new images.
    pub stream: bool,
    /// Epoch seconds.
    pub ttl_attribute: &'static str,
}

/// A global secondary index of keys only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexDefinition {
    pub name: &'static str,
    pub partition_key: &'static str,
    pub sort_key: &'static str,
}

/// Everything but buyers' data.
pub const MAIN: TableDefinition = TableDefinition {
    partition_key: PK,
    sort_key: SK,
    index: Some(IndexDefinition { name: INDEX, partition_key: IPK, sort_key: ISK }),
    stream: true,
    ttl_attribute: EXPIRES_AT,
};

/// Buyers' data: no stream and no index, so that it goes nowhere else.
pub const PERSONAL: TableDefinition = TableDefinition {
    partition_key: PK,
    sort_key: SK,
    index: None,
    stream: false,
    ttl_attribute: EXPIRES_AT,
};

/// How long a new table is waited for: on AWS it takes some 10 seconds.
const LOOKS_MAX: u32 = 240;
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

impl Store {
    /// Creates the tables where they are missing, and waits until they can be used.
    pub async fn create_tables(&self) -> Result<(), StoreError> {
        for (name, definition) in [(&self.tables.main, &MAIN), (&self.tables.personal, &PERSONAL)] {
            self.create_table(name, definition).await?;
            self.await_table(name).await?;
            self.enable_ttl(name, definition.ttl_attribute).await?;
        }
        Ok(())
    }

    async fn create_table(&self, name: &str, definition: &TableDefinition) -> Result<(), StoreError> {
        let failed = |error| given_up("create a table", Verdict::Final, error);
        let mut request = self
            .client
            .create_table()
            .table_name(name)
            .billing_mode(BillingMode::PayPerRequest)
            .set_key_schema(Some(schema(definition.partition_key, definition.sort_key).map_err(failed)?));
        let mut attributes = vec![definition.partition_key, definition.sort_key];
        if let Some(index) = &definition.index {
            attributes.extend([index.partition_key, index.sort_key]);
            let projection = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
            let index = GlobalSecondaryIndex::builder()
                .index_name(index.name)
                .set_key_schema(Some(schema(index.partition_key, index.sort_key).map_err(failed)?))
                .projection(projection)
                .build()
                .map_err(failed)?;
            request = request.global_secondary_indexes(index);
        }
        for attribute in attributes {
            let attribute = AttributeDefinition::builder()
                .attribute_name(attribute)
                .attribute_type(ScalarAttributeType::S)
                .build()
                .map_err(failed)?;
            request = request.attribute_definitions(attribute);
        }
        if definition.stream {
            let stream = StreamSpecification::builder()
                .stream_enabled(true)
                .stream_view_type(StreamViewType::NewAndOldImages)
                .build()
                .map_err(failed)?;
            request = request.stream_specification(stream);
        }
        match Box::pin(request.send()).await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(CreateTableError::ResourceInUseException(_)) => Ok(()),
                _ => Err(given_up("create a table", Verdict::Final, error)),
            },
        }
    }

    async fn await_table(&self, name: &str) -> Result<(), StoreError> {
        for _ in 0..LOOKS_MAX {
            let request = || self.client.describe_table().table_name(name).send();
            let table = persistently("look for a table", self.requests.next()?, request).await?.table;
            if table.and_then(|table| table.table_status) == Some(TableStatus::Active) {
                return Ok(());
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        Err(StoreError::Busy(None))
    }

    async fn enable_ttl(&self, name: &str, attribute: &str) -> Result<(), StoreError> {
        let request = || self.client.describe_time_to_live().table_name(name).send();
        let found = persistently("look for a table's expiry", self.requests.next()?, request).await?;
        let found = found.time_to_live_description;
        let status = found.and_then(|found| found.time_to_live_status);
        if matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
            return Ok(());
        }
        let failed = |error| given_up("set a table's expiry", Verdict::Final, error);
        let specification = TimeToLiveSpecification::builder()
            .enabled(true)
            .attribute_name(attribute)
            .build()
            .map_err(failed)?;
        let request = || {
            let request = self.client.update_time_to_live().table_name(name);
            request.time_to_live_specification(specification.clone()).send()
        };
        persistently("set a table's expiry", self.requests.next()?, request).await.map(drop)
    }
}

fn schema(partition: &str, sort: &str) -> Result<Vec<KeySchemaElement>, aws_sdk_dynamodb::error::BuildError> {
    [(partition, KeyType::Hash), (sort, KeyType::Range)]
        .into_iter()
        .map(|(name, key_type)| KeySchemaElement::builder().attribute_name(name).key_type(key_type).build())
        .collect()
}
