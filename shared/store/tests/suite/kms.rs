//! Seals under a master key of KMS, on what stands in for it.

use aws_sdk_kms::config::BehaviorVersion;
use libtest_mimic::Trial;
use store::{Sealer, StoreError};

use super::Outcome;
use super::bench::{aws_keys, named_in, region};

const ENDPOINTS: &str = "MASTERSTOCK_TEST_KMS_ENDPOINTS";

/// Says so where there are none.
pub fn trials() -> Vec<Trial> {
    let endpoints = named_in(ENDPOINTS);
    if endpoints.is_empty() {
        eprintln!("skipped: seals under KMS, because {ENDPOINTS} names no endpoint");
    }
    let trial = |(name, url): (String, String)| {
        let law = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            Ok(runtime.block_on(a_seal_opens_in_its_own_place_under_its_own_key(&url))?)
        };
        Trial::test(format!("{name}::kms::a_seal_opens_in_its_own_place_under_its_own_key"), law)
    };
    endpoints.into_iter().map(trial).collect()
}

fn client(url: &str) -> aws_sdk_kms::Client {
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region())
        .credentials_provider(aws_keys())
        .endpoint_url(url)
        .build();
    aws_sdk_kms::Client::from_conf(config)
}

async fn new_key(client: &aws_sdk_kms::Client) -> anyhow::Result<String> {
    let made = client.create_key().description("masterstock test").send().await?;
    Ok(made.key_metadata.ok_or_else(|| anyhow::anyhow!("no key"))?.key_id)
}

async fn a_seal_opens_in_its_own_place_under_its_own_key(url: &str) -> Outcome {
    let client = client(url);
    let sealer = Sealer::kms(client.clone(), new_key(&client).await?);
    let first = sealer.seal("org_1/credentials/con_1", b"cs_clear").await?;
    let second = sealer.seal("org_1/credentials/con_1", b"cs_clear").await?;
    assert_eq!(sealer.open("org_1/credentials/con_1", &first).await?, b"cs_clear");
    assert_eq!(sealer.open("org_1/credentials/con_1", &second).await?, b"cs_clear");
    assert_ne!(first, second);

    let moved = sealer.open("org_2/credentials/con_1", &first).await;
    assert!(matches!(moved, Err(StoreError::Seal(_))), "{moved:?}");
    let mut changed = first.clone();
    *changed.last_mut().expect("bytes") ^= 1;
    let changed = sealer.open("org_1/credentials/con_1", &changed).await;
    assert!(matches!(changed, Err(StoreError::Seal(_))), "{changed:?}");
    let other = Sealer::kms(client.clone(), new_key(&client).await?);
    let other = other.open("org_1/credentials/con_1", &first).await;
    assert!(matches!(other, Err(StoreError::Seal(_))), "{other:?}");
    let local = Sealer::local([7; 32]).open("org_1/credentials/con_1", &first).await;
    assert!(matches!(local, Err(StoreError::Seal(_))), "{local:?}");

    let nowhere = Sealer::kms(client, "no-such-key".to_owned()).seal("x", b"x").await;
    assert!(matches!(nowhere, Err(StoreError::Unavailable { .. })), "{nowhere:?}");
    Ok(())
}
