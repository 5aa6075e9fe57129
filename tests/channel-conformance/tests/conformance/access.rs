//! Laws of access: consent, tokens that end, tokens that are taken back.
//!
//! That one worker at a time renews a token is the application's to see to, and is tested there.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use channel_conformance::{Stage, Subject};
use channels::{ConsentAnswer, ConsentRequest, ErrorKind, Retry};
use marketplace_sim::Fault;
use url::Url;

use crate::listings::mug;

crate::laws![
    an_ended_token_is_refused_and_renewed,
    a_renewed_token_is_renewed_again,
    a_renewal_whose_answer_is_lost_works_or_asks_for_consent,
    a_revoked_grant_is_not_renewed,
    consent_opens_the_shop,
    consent_that_is_denied_opens_nothing,
    consent_is_redeemed_once,
];

/// Whether there is a token that ends.
fn ends(subject: &Subject, stage: &Stage) -> bool {
    let ends = stage.adapter.tokens().is_some_and(|tokens| tokens.expires_at(&stage.credentials).is_some());
    if !ends {
        eprintln!("{}: its access does not end", subject.name);
    }
    ends
}

/// Beyond the token's end.
fn let_it_end(stage: &Stage) {
    let end = stage.adapter.tokens().and_then(|tokens| tokens.expires_at(&stage.credentials));
    while end.is_some_and(|end| end > stage.now()) {
        stage.pass(Duration::from_secs(600));
    }
    // What is renewed some minutes before its end has ended by now.
    stage.pass(Duration::from_secs(3_600));
}

async fn works(stage: &Stage) -> anyhow::Result<()> {
    let found = stage.listings().await?.len();
    ensure!(found == 1, "{found} listings came");
    Ok(())
}

/// An ended token is refused as such, whatever is asked with it, and works again once it is renewed.
async fn an_ended_token_is_refused_and_renewed(subject: &Subject) -> anyhow::Result<()> {
    let mut stage = subject.stage().await?;
    stage.shop.add(mug(1));
    if !ends(subject, &stage) {
        return Ok(());
    }
    works(&stage).await?;
    let_it_end(&stage);
    let error = stage.adapter.fetch_listings(&stage.shop(), None, None).await.err().map(|error| error.kind);
    ensure!(error == Some(ErrorKind::Unauthorized), "{error:?}");
    stage.renew().await?;
    works(&stage).await
}

/// What a renewal answers can be renewed in its turn, though the grant be spent by its use.
async fn a_renewed_token_is_renewed_again(subject: &Subject) -> anyhow::Result<()> {
    let mut stage = subject.stage().await?;
    stage.shop.add(mug(1));
    if !ends(subject, &stage) {
        return Ok(());
    }
    for _ in 0..3 {
        let_it_end(&stage);
        stage.renew().await?;
        works(&stage).await?;
    }
    Ok(())
}

/// A renewal whose answer is lost may have spent the grant: the next one works, or says that it takes a new consent.
async fn a_renewal_whose_answer_is_lost_works_or_asks_for_consent(subject: &Subject) -> anyhow::Result<()> {
    let mut stage = subject.stage().await?;
    stage.shop.add(mug(1));
    if !ends(subject, &stage) {
        return Ok(());
    }
    let_it_end(&stage);
    stage.shop.faults().push(Fault::DropAnswer);
    let lost = stage.renew().await.err().map(|error| (error.kind, error.retry));
    ensure!(
        lost.is_some_and(|(kind, retry)| kind == ErrorKind::Unavailable && retry != Retry::Never),
        "{lost:?}"
    );
    match stage.renew().await {
        Ok(()) => works(&stage).await,
        Err(error) => {
            eprintln!("{}: a lost renewal spends the grant", subject.name);
            ensure!(error.kind == ErrorKind::Unauthorized, "{error:?}");
            Ok(())
        }
    }
}

/// A grant that the merchant took back is refused for good.
async fn a_revoked_grant_is_not_renewed(subject: &Subject) -> anyhow::Result<()> {
    let mut stage = subject.stage().await?;
    if !ends(subject, &stage) {
        return Ok(());
    }
    stage.shop.revoke();
    let error = stage.renew().await.err().map(|error| (error.kind, error.retry));
    ensure!(error == Some((ErrorKind::Unauthorized, Retry::Never)), "{error:?}");
    Ok(())
}

const STATE: &str = "st-0123456789_abcdefghij";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

struct Asked {
    redirect_uri: Url,
    page: Url,
}

/// The page of consent, if the channel has one that the simulation knows.
async fn asked(subject: &Subject, stage: &Stage) -> anyhow::Result<Option<Asked>> {
    let Some(consent) = stage.adapter.consent() else {
        eprintln!("{}: has no page of consent", subject.name);
        return Ok(None);
    };
    let redirect_uri: Url = "https://sync.example/v1/oauth/callback".parse()?;
    let request = ConsentRequest { redirect_uri: &redirect_uri, state: STATE, code_challenge: CHALLENGE };
    let page = consent.page(&stage.shop(), &request)?;
    let shown = page.as_str();
    let secrets = stage.credentials.expose();
    let secrets = secrets.iter().filter(|(field, _)| field.contains("secret") || field.contains("token"));
    for (field, secret) in secrets {
        ensure!(!shown.contains(secret), "the page's address shows the {field}");
    }
    Ok(Some(Asked { redirect_uri, page }))
}

/// What came to the callback: with the merchant's browser, or beside it from the channel's own server.
struct Brought {
    query: BTreeMap<String, String>,
    posted: bool,
}

fn brought(stage: &Stage, asked: &Asked, back: &Url) -> anyhow::Result<Brought> {
    let query = |url: &Url| -> BTreeMap<String, String> { url.query_pairs().into_owned().collect() };
    let leads_to_us = |url: &Url| url.as_str().starts_with(asked.redirect_uri.as_str());
    ensure!(leads_to_us(back), "the way back leads to {back}");
    let Some(delivery) = stage.shop.take_deliveries().pop() else {
        return Ok(Brought { query: query(back), posted: false });
    };
    let to: Url = delivery.url.parse()?;
    ensure!(leads_to_us(&to), "the channel posts to {to}");
    let posted: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&delivery.body)?;
    let text = |value: serde_json::Value| value.as_str().map_or(value.to_string(), str::to_owned);
    let posted = posted.into_iter().map(|(name, value)| (name, text(value)));
    Ok(Brought { query: posted.chain(query(&to)).collect(), posted: true })
}

async fn redeem(
    stage: &mut Stage,
    asked: &Asked,
    query: &BTreeMap<String, String>,
) -> anyhow::Result<Result<(), channels::ChannelError>> {
    let answer = ConsentAnswer { query, redirect_uri: &asked.redirect_uri, code_verifier: VERIFIER };
    let consent = stage.adapter.consent().context("there was one")?;
    match consent.redeem(&stage.shop(), &answer).await {
        Ok(credentials) => {
            stage.credentials = credentials;
            Ok(Ok(()))
        }
        Err(error) => Ok(Err(error)),
    }
}

/// A merchant who agrees is sent back with the state that was given, and what they brought back opens the shop, also
/// after the grant before it was revoked.
async fn consent_opens_the_shop(subject: &Subject) -> anyhow::Result<()> {
    let mut stage = subject.stage().await?;
    stage.shop.add(mug(1));
    let Some(asked) = asked(subject, &stage).await? else { return Ok(()) };
    stage.shop.revoke();
    let back = stage.shop.consent(&asked.page).context("the channel does not show the page")?;
    let state = back.query_pairs().find(|(name, _)| name == "state").map(|(_, state)| state.into_owned());
    ensure!(state.as_deref() == Some(STATE), "the state came back as {state:?}");
    let Brought { query, .. } = brought(&stage, &asked, &back)?;
    ensure!(query.get("state").is_some_and(|state| state == STATE), "the state is missing");
    redeem(&mut stage, &asked, &query).await??;
    works(&stage).await?;
    if ends(subject, &stage) {
        let_it_end(&stage);
        stage.renew().await?;
        works(&stage).await?;
    }
    Ok(())
}

/// A merchant who says no, or comes back with something else than they were given, opens nothing.
async fn consent_that_is_denied_opens_nothing(subject: &Subject) -> anyhow::Result<()> {
    let mut stage = subject.stage().await?;
    let Some(asked) = asked(subject, &stage).await? else { return Ok(()) };
    let refused = |outcome: Result<(), channels::ChannelError>| {
        let kind = outcome.err().map(|error| (error.kind, error.retry));
        ensure!(kind == Some((ErrorKind::Unauthorized, Retry::Never)), "{kind:?}");
        Ok(())
    };
    match stage.shop.deny(&asked.page) {
        Some(back) => {
            let Brought { query, .. } = brought(&stage, &asked, &back)?;
            ensure!(stage.adapter.consent().is_some_and(|page| page.is_denied(&query)), "{query:?}");
            refused(redeem(&mut stage, &asked, &query).await?)?;
        }
        None => eprintln!("{}: a merchant who says no does not come back", subject.name),
    }
    let genuine = stage.shop.consent(&asked.page).context("the channel does not show the page")?;
    let Brought { query: mut forged, .. } = brought(&stage, &asked, &genuine)?;
    ensure!(stage.adapter.consent().is_some_and(|page| !page.is_denied(&forged)), "{forged:?}");
    for (name, value) in &mut forged {
        if name.ends_with("code") || name == "user_id" {
            value.push('x');
        }
    }
    refused(redeem(&mut stage, &asked, &forged).await?)
}

/// What the merchant brought back is good for once.
async fn consent_is_redeemed_once(subject: &Subject) -> anyhow::Result<()> {
    let mut stage = subject.stage().await?;
    let Some(asked) = asked(subject, &stage).await? else { return Ok(()) };
    let back = stage.shop.consent(&asked.page).context("the channel does not show the page")?;
    let Brought { query, posted } = brought(&stage, &asked, &back)?;
    redeem(&mut stage, &asked, &query).await??;
    if posted {
        eprintln!(
            "{}: sends the keys themselves, which last; the state is what is good for once",
            subject.name
        );
        return Ok(());
    }
    let again = redeem(&mut stage, &asked, &query).await?.err().map(|error| error.kind);
    ensure!(again == Some(ErrorKind::Unauthorized), "{again:?}");
    Ok(())
}
