//! `Idempotency-Key`: the first answer, kept 24 hours.

use std::io::{Read, Write};

use domain::{OrganizationId, Timestamp};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use jiff::SignedDuration;

use crate::keys::Key;
use crate::row::{Reader, b, n, s, time};
use crate::transact::{Refused, Step};
use crate::{Store, StoreError, keys};

/// An answer to give again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    pub status: u16,
    /// `name: value` of the headers worth keeping.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Go on. `first_at`: when the first attempt began, for this is it, or one after attempts that died and may have
    /// done their work all the same; what is made by the request takes its id from that, so that it is made once.
    First { first_at: Timestamp },
    /// Done before with the same content.
    Answered(KeptAnswer),
    /// Being done now. An attempt older than 60 seconds counts as dead, and the caller goes on for it.
    Running,
    /// Used before with other content.
    OtherContent,
}

/// How long an answer is kept, counted from the first attempt.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// After this long, an attempt that has not answered counts as dead: the longest request is shorter.
const DEAD_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// A row holds 400 KB, headers and names included.
const BODY_BYTES_MAX: usize = 300 * 1024;
/// Bounds what a row is inflated to; answers are far smaller.
const INFLATED_BYTES_MAX: u64 = 64 * 1024 * 1024;

const WHAT: &str = "idempotency key";
const FIRST_AT: &str = "first_at";
/// The last attempt failed in a way that may be tried again.
const ABANDONED: &str = "abandoned";
const STATUS: &str = "answer_status";
const HEADERS: &str = "answer_headers";
const BODY: &str = "answer_body";

/// Reads that find the key gone between the failed write and the look at it.
const TRIES_MAX: u32 = 3;

impl Store {
    /// `digest` is of method, path and body. One conditional write; one read more where the key is known.
    pub async fn begin_idempotent(
        &self,
        organization: &OrganizationId,
        key: &str,
        digest: &str,
        now: Timestamp,
    ) -> Result<Begun, StoreError> {
        let operation = "begin an idempotent request";
        let key = keys::idempotency(organization, key);
        for _ in 0..TRIES_MAX {
            if self.write_if(operation, attempt(&key, digest, now, None)?).await? {
                return Ok(Begun::First { first_at: now });
            }
            let Some(row) = self.get(operation, &key).await? else { continue };
            let reader = Reader::new(WHAT, &row);
            if reader.has_expired(now)? {
                continue;
            }
            let same = reader.text("content")? == digest;
            if !same && !reader.has(ABANDONED) {
                return Ok(Begun::OtherContent);
            }
            if reader.has(STATUS) {
                return Ok(Begun::Answered(kept(&reader)?));
            }
            let first_at = if same { reader.time(FIRST_AT)? } else { now };
            return Ok(if self.write_if(operation, attempt(&key, digest, now, Some(first_at))?).await? {
                Begun::First { first_at }
            } else {
                Begun::Running
            });
        }
        Err(StoreError::Busy(None))
    }

    /// The first answer stays. One whose body exceeds 300 KiB deflated is kept without the body: a repeated request
    /// then has no second effect, and is answered with the status and headers alone. Nothing where the key is gone.
    pub async fn finish_idempotent(
        &self,
        organization: &OrganizationId,
        key: &str,
        answer: &KeptAnswer,
    ) -> Result<(), StoreError> {
        let headers = serde_json::to_string(&answer.headers).map_err(unreadable)?;
        let mut body = deflated(&answer.body)?;
        if body.len() > BODY_BYTES_MAX {
            body = deflated(&[])?;
        }
        let expression = format!("SET {STATUS} = :status, {HEADERS} = :headers, {BODY} = :body");
        let step = Step::update(keys::idempotency(organization, key), expression)
            .only_if(
                format!(
                    "attribute_exists(pk) AND attribute_not_exists({STATUS}) AND attribute_not_exists({ABANDONED})"
                ),
                Refused::Conflict(WHAT),
            )
            .value(":status", n(answer.status))
            .value(":headers", s(headers))
            .value(":body", b(body));
        self.write_if("finish an idempotent request", step).await.map(drop)
    }

    /// Gives the key free, where the attempt failed in a way that may be tried again: the failed attempt may have done its
    /// work all the same, so the same content goes on with its first time. An answer that is kept stays.
    pub async fn abandon_idempotent(
        &self,
        organization: &OrganizationId,
        key: &str,
    ) -> Result<(), StoreError> {
        let free = format!("attribute_exists(pk) AND attribute_not_exists({STATUS})");
        let step = Step::update(keys::idempotency(organization, key), format!("SET {ABANDONED} = :yes"))
            .only_if(free, Refused::Conflict(WHAT))
            .value(":yes", n(1));
        self.write_if("abandon an idempotent request", step).await.map(drop)
    }
}

/// Takes the key where it is new or expired; or, with the time of the first attempt, where the last one at the same
/// content is dead.
fn attempt(key: &Key, digest: &str, now: Timestamp, first_at: Option<Timestamp>) -> Result<Step, StoreError> {
    // Tells this attempt from another of the same instant, where a write is repeated after a lost answer.
    let mut nonce = [0; 16];
    aws_lc_rs::rand::fill(&mut nonce).map_err(unreadable)?;
    let mut row = key.to_row();
    row.insert("content".to_owned(), s(digest));
    row.insert("attempt".to_owned(), b(nonce));
    row.insert("started_at".to_owned(), time(now));
    row.insert(FIRST_AT.to_owned(), time(first_at.unwrap_or(now)));
    let expires_at = now.checked_add(KEPT).unwrap_or(Timestamp::MAX);
    row.insert(keys::EXPIRES_AT.to_owned(), n(expires_at.as_second()));
    if first_at.is_none() {
        return Ok(Step::put(row)
            .only_if("attribute_not_exists(pk) OR expires_at <= :now", Refused::Exists(WHAT))
            .value(":now", n(now.as_second())));
    }
    let dead = format!(
        "attribute_not_exists({STATUS}) AND \
         (attribute_exists({ABANDONED}) OR (#content = :content AND started_at <= :dead))"
    );
    Ok(Step::put(row)
        .only_if(dead, Refused::Exists(WHAT))
        .name("#content", "content")
        .value(":content", s(digest))
        .value(":dead", time(now.checked_sub(DEAD_AFTER).unwrap_or(Timestamp::MIN))))
}

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unreadable(WHAT, Box::new(error))
}

fn deflated(body: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).map_err(unreadable)?;
    encoder.finish().map_err(unreadable)
}

fn kept(reader: &Reader<'_>) -> Result<KeptAnswer, StoreError> {
    let mut body = Vec::new();
    let decoder = DeflateDecoder::new(reader.bytes(BODY)?);
    decoder.take(INFLATED_BYTES_MAX).read_to_end(&mut body).map_err(unreadable)?;
    Ok(KeptAnswer {
        status: reader.number(STATUS)?,
        headers: serde_json::from_str(reader.text(HEADERS)?).map_err(unreadable)?,
        body,
    })
}
