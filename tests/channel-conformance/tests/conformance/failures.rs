//! Laws of what goes wrong.

use std::time::Duration;

use anyhow::ensure;
use channel_conformance::{Stage, Subject};
use channels::{ChannelError, ErrorKind, OrderQuery, Retry, StockBatch};
use marketplace_sim::Fault;

use crate::listings::mug;

crate::laws![
    a_throttled_call_waits_as_told,
    a_broken_answer_is_tried_again,
    a_revoked_key_is_not_tried_again,
    an_error_keeps_secrets,
    after_a_fault_all_is_well,
];

/// Each operation that speaks to the shop, once; how each ended.
async fn each_operation(
    subject: &Subject,
    stage: &Stage,
    fault: &Fault,
) -> anyhow::Result<Vec<(&'static str, Option<ChannelError>)>> {
    let batch: StockBatch = {
        let sold = stage.shop.add(mug(1)).remove(0);
        stage.plan(stage.targets(&[(sold, 5)]).await?).remove(0)
    };
    // Our own pacing is not what is tried here.
    stage.pass_a_minute();
    let orders = OrderQuery::Changed(stage.all_time());
    let ids = OrderQuery::Ids(vec!["1".to_owned()]);
    let callback = "https://sync.example/hook".parse()?;
    let secret = "s3cret0123456789".to_owned().into();
    let shop = stage.shop();
    let faults = stage.shop.faults();
    let mut ends = Vec::new();
    faults.push(fault.clone());
    ends.push(("fetch_listings", stage.adapter.fetch_listings(&shop, None, None).await.err()));
    faults.push(fault.clone());
    ends.push(("fetch_orders", stage.adapter.fetch_orders(&shop, &orders, None).await.err()));
    faults.push(fault.clone());
    ends.push(("fetch_orders by id", stage.adapter.fetch_orders(&shop, &ids, None).await.err()));
    faults.push(fault.clone());
    ends.push(("push_stock", stage.adapter.push_stock(&shop, "key", &batch).await.err()));
    faults.push(fault.clone());
    ends.push(("read_stock", stage.adapter.read_stock(&shop, &batch.targets).await.err()));
    if subject.nature.subscribes {
        faults.push(fault.clone());
        ends.push(("ensure_webhooks", stage.adapter.ensure_webhooks(&shop, &callback, &secret).await.err()));
    }
    Ok(ends)
}

/// 429 is throttled: the wait is the shop's where it names one, and some wait where it does not.
async fn a_throttled_call_waits_as_told(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let cases = [
        (Fault::Throttle { retry_after_s: Some(17) }, Some(Retry::After(Duration::from_secs(17)))),
        (Fault::Throttle { retry_after_s: None }, None),
    ];
    for (fault, retry) in cases {
        for (operation, error) in each_operation(subject, &stage, &fault).await? {
            let found = error.map(|error| (error.kind, error.retry));
            let right = found.is_some_and(|(kind, found)| {
                kind == ErrorKind::Throttled && retry.map_or(found != Retry::Never, |retry| found == retry)
            });
            ensure!(right, "{operation} after {fault:?}: {found:?}");
        }
    }
    Ok(())
}

/// 5xx, HTML in place of JSON, an answer cut short and no answer are worth another try, and never a success.
async fn a_broken_answer_is_tried_again(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    for fault in [
        Fault::Status(500),
        Fault::Status(502),
        Fault::Status(503),
        Fault::Html,
        Fault::Cut,
        Fault::Hang,
        Fault::DropAnswer,
    ] {
        for (operation, error) in each_operation(subject, &stage, &fault).await? {
            // A short answer may be whole in its half: nothing to cut off an empty list.
            let Some(error) = error else { anyhow::bail!("{operation} took {fault:?} for an answer") };
            let kinds = [ErrorKind::Unavailable, ErrorKind::Malformed];
            ensure!(
                kinds.contains(&error.kind) && error.retry != Retry::Never,
                "{operation} after {fault:?}: {error:?}"
            );
        }
    }
    Ok(())
}

/// Credentials that were taken back are refused for good, and say so.
async fn a_revoked_key_is_not_tried_again(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    stage.shop.add(mug(1));
    stage.shop.revoke();
    let error = stage.adapter.fetch_listings(&stage.shop(), None, None).await.err();
    let found = error.map(|error| (error.kind, error.retry));
    ensure!(found == Some((ErrorKind::Unauthorized, Retry::Never)), "{found:?}");
    let error = stage.adapter.identify(&stage.shop()).await.err().map(|error| error.kind);
    ensure!(error == Some(ErrorKind::Unauthorized), "{error:?}");
    Ok(())
}

/// No error shows a credential, in whatever form it is printed.
async fn an_error_keeps_secrets(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let secrets: Vec<String> = stage.credentials.expose().values().map(|value| (*value).to_owned()).collect();
    for fault in
        [Fault::Status(401), Fault::Status(400), Fault::Status(500), Fault::Html, Fault::Cut, Fault::Hang]
    {
        for (operation, error) in each_operation(subject, &stage, &fault).await? {
            let text = format!("{error:?} {}", error.as_ref().map(ToString::to_string).unwrap_or_default());
            ensure!(
                !secrets.iter().any(|secret| text.contains(secret)),
                "{operation} after {fault:?} shows a secret"
            );
        }
    }
    Ok(())
}

/// A fault leaves nothing behind in the adapter: the next call is as good as any.
async fn after_a_fault_all_is_well(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    each_operation(subject, &stage, &Fault::Cut).await?;
    ensure!(stage.listings().await?.len() == 1, "the listing is not found");
    Ok(())
}
