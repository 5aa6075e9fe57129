//! Records of a sync packed into the bodies of rows: JSON, deflated, behind a version byte.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::SyncRecord;
use crate::StoreError;

const VERSION: u8 = 1;
/// A row holds 400 KB with its keys and names.
const PACKED_BYTES_MAX: usize = 350 * 1024;
/// So that reading a page of a list never unpacks much more than it gives out.
const RECORDS_MAX: usize = 500;
/// Far above what [`RECORDS_MAX`] records make.
const UNPACKED_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// In characters. A reason is a sentence; a shop's error page must not make a row that no longer fits.
const REASON_LENGTH_MAX: usize = 2_000;

#[derive(Debug, thiserror::Error)]
enum BadChunk {
    #[error("is not of a version that is known")]
    Version,
    #[error("a record is too large for a row")]
    TooLarge,
}

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unreadable("records of a sync", Box::new(error))
}

/// As few bodies as the limits allow, in the order of the records.
pub(super) fn pack(records: &[&SyncRecord]) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut bodies = Vec::new();
    for part in records.chunks(RECORDS_MAX) {
        pack_halving(part, &mut bodies)?;
    }
    Ok(bodies)
}

/// Halves what is too large: at most log2([`RECORDS_MAX`]) deep.
fn pack_halving(records: &[&SyncRecord], bodies: &mut Vec<Vec<u8>>) -> Result<(), StoreError> {
    let body = deflate(records)?;
    if body.len() <= PACKED_BYTES_MAX {
        bodies.push(body);
        return Ok(());
    }
    if records.len() < 2 {
        return Err(unreadable(BadChunk::TooLarge));
    }
    let (first, second) = records.split_at(records.len() / 2);
    pack_halving(first, bodies)?;
    pack_halving(second, bodies)
}

fn deflate(records: &[&SyncRecord]) -> Result<Vec<u8>, StoreError> {
    let bounded: Vec<SyncRecord> = records.iter().map(|record| bounded(record)).collect();
    let json = serde_json::to_vec(&bounded).map_err(unreadable)?;
    let mut encoder = DeflateEncoder::new(vec![VERSION], Compression::default());
    encoder.write_all(&json).map_err(unreadable)?;
    encoder.finish().map_err(unreadable)
}

fn bounded(record: &SyncRecord) -> SyncRecord {
    let reason = record.reason.as_ref().map(|reason| reason.chars().take(REASON_LENGTH_MAX).collect());
    SyncRecord { reason, ..record.clone() }
}

pub(super) fn unpack(body: &[u8]) -> Result<Vec<SyncRecord>, StoreError> {
    let Some((&VERSION, deflated)) = body.split_first() else {
        return Err(unreadable(BadChunk::Version));
    };
    let mut json = Vec::new();
    DeflateDecoder::new(deflated).take(UNPACKED_BYTES_MAX).read_to_end(&mut json).map_err(unreadable)?;
    serde_json::from_slice(&json).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::sync::Outcome;

    fn record(n: usize, reason: Option<String>) -> SyncRecord {
        SyncRecord {
            external_id: n.to_string(),
            sku: Some(format!("SKU-{n}")),
            title: None,
            outcome: Outcome::Failed,
            code: Some("too_many_attributes".to_owned()),
            reason,
            listing_id: None,
            order_id: None,
        }
    }

    /// Text that does not deflate well: from a fixed sequence.
    fn noise(seed: usize, length: usize) -> String {
        let mut state = u64::try_from(seed).unwrap() * 2 + 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from_u32(0x4e00 + u32::try_from(state >> 33).unwrap_or(0) % 0x5000).unwrap()
        };
        (0..length).map(|_| next()).collect()
    }

    fn round_trip(records: &[SyncRecord]) -> Vec<Vec<u8>> {
        let bodies = pack(&records.iter().collect::<Vec<_>>()).unwrap();
        let unpacked: Vec<SyncRecord> = bodies.iter().flat_map(|body| unpack(body).unwrap()).collect();
        assert_eq!(unpacked, records);
        bodies
    }

    #[test]
    fn a_page_is_one_small_body() {
        let records: Vec<_> = (0..100).map(|n| record(n, None)).collect();
        let bodies = round_trip(&records);
        assert_eq!(bodies.len(), 1);
        assert!(bodies[0].len() < 2_048, "{}", bodies[0].len());
        assert!(pack(&[]).unwrap().is_empty());
    }

    #[test]
    fn what_does_not_fit_is_split() {
        let records: Vec<_> = (0..400).map(|n| record(n, Some(noise(n, 1_000)))).collect();
        let bodies = round_trip(&records);
        assert!(bodies.len() > 1);
        assert!(bodies.iter().all(|body| body.len() <= PACKED_BYTES_MAX));
    }

    #[test]
    fn a_reason_is_cut_at_a_character() {
        let bodies = pack(&[&record(1, Some("ä".repeat(5_000)))]).unwrap();
        let reason = unpack(&bodies[0]).unwrap()[0].reason.clone().unwrap();
        assert_eq!(reason, "ä".repeat(REASON_LENGTH_MAX));
    }

    #[test]
    fn rubbish_is_an_error() {
        for body in [b"".as_slice(), &[9], &[VERSION], &[VERSION, 1, 2, 3]] {
            assert!(matches!(unpack(body), Err(StoreError::Unreadable(..))), "{body:?}");
        }
    }
}
