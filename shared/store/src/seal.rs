//! Sealing: AES-256-GCM under a data key of its own per seal, the data key wrapped by a master key (KMS on AWS, a key
//! file on one machine). The context (organization, purpose, id) is authenticated, so a seal cannot be moved to another row.
//!
//! A seal is `version (1) ‖ kind of master key (1) ‖ length of the wrapped key (2, big-endian) ‖ wrapped key ‖ nonce (12)
//! ‖ ciphertext with tag`. All before the nonce is authenticated together with the context.
//!
//! A local master key wraps under random nonces: good for 2^32 seals, beyond what one machine makes.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use secrecy::zeroize::Zeroizing;

use crate::StoreError;

const VERSION: u8 = 1;
const KIND_KMS: u8 = 1;
const KIND_LOCAL: u8 = 2;
/// Version, kind and the wrapped key's length.
const HEAD_BYTES: usize = 4;
const KEY_BYTES: usize = 32;
/// What KMS calls the context in its logs and grants.
const CONTEXT_NAME: &str = "masterstock";
/// Keeps the wrapping of a key apart from the sealing of a text, should both ever be under one key.
const WRAP_PREFIX: &str = "data-key:";

/// Why a seal stays shut.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("is not of a version that is known")]
    Version,
    #[error("was made under another kind of master key")]
    MasterKind,
    #[error("is cut off")]
    Short,
    #[error("does not fit its key or its place")]
    Refused,
    #[error("the key service gave no usable key")]
    NoKey,
}

fn broken(why: Broken) -> StoreError {
    StoreError::Seal(Box::new(why))
}

type PlainKey = Zeroizing<[u8; KEY_BYTES]>;

/// The master key.
#[derive(Clone)]
pub struct Sealer(Master);

#[derive(Clone)]
enum Master {
    Kms { client: aws_sdk_kms::Client, key_id: String },
    Local(Arc<PlainKey>),
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    pub fn kms(client: aws_sdk_kms::Client, key_id: String) -> Self {
        Self(Master::Kms { client, key_id })
    }

    /// 32 random bytes, kept by the caller.
    pub fn local(key: [u8; 32]) -> Self {
        Self(Master::Local(Arc::new(Zeroizing::new(key))))
    }

    /// Errors: [`StoreError::Unavailable`] where KMS does not answer, else [`StoreError::Seal`].
    pub async fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let (kind, key, wrapped) = match &self.0 {
            Master::Kms { client, key_id } => {
                let (key, wrapped) = generate_with_kms(client, key_id, context).await?;
                (KIND_KMS, key, wrapped)
            }
            Master::Local(master) => {
                let mut key: PlainKey = Zeroizing::new([0; KEY_BYTES]);
                aws_lc_rs::rand::fill(key.as_mut()).map_err(|_| broken(Broken::NoKey))?;
                let wrapped = encrypt(master, format!("{WRAP_PREFIX}{context}").as_bytes(), key.as_ref())?;
                (KIND_LOCAL, key, wrapped)
            }
        };
        let length = u16::try_from(wrapped.len()).map_err(|_| broken(Broken::NoKey))?;
        let mut sealed = vec![VERSION, kind];
        sealed.extend_from_slice(&length.to_be_bytes());
        sealed.extend_from_slice(&wrapped);
        let body = encrypt(&key, &authenticated(&sealed, context), plain)?;
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }

    /// Errors: [`StoreError::Unavailable`] where KMS does not answer; [`StoreError::Seal`] for a seal that was changed,
    /// moved to another context or made under another master key.
    pub async fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let Some((&[version, kind, high, low], _)) = sealed.split_first_chunk::<HEAD_BYTES>() else {
            return Err(broken(Broken::Short));
        };
        if version != VERSION {
            return Err(broken(Broken::Version));
        }
        let head_length = HEAD_BYTES + usize::from(u16::from_be_bytes([high, low]));
        let (head, body) = sealed.split_at_checked(head_length).ok_or_else(|| broken(Broken::Short))?;
        let wrapped = head.get(HEAD_BYTES..).unwrap_or_default();
        let key = match (&self.0, kind) {
            (Master::Kms { client, key_id }, KIND_KMS) => {
                unwrap_with_kms(client, key_id, context, wrapped).await?
            }
            (Master::Local(master), KIND_LOCAL) => {
                let plain =
                    Zeroizing::new(decrypt(master, format!("{WRAP_PREFIX}{context}").as_bytes(), wrapped)?);
                plain_key(&plain)?
            }
            _ => return Err(broken(Broken::MasterKind)),
        };
        decrypt(&key, &authenticated(head, context), body)
    }
}

fn authenticated(head: &[u8], context: &str) -> Vec<u8> {
    [head, context.as_bytes()].concat()
}

fn plain_key(bytes: &[u8]) -> Result<PlainKey, StoreError> {
    bytes.try_into().map(Zeroizing::new).map_err(|_| broken(Broken::NoKey))
}

/// `nonce ‖ ciphertext with tag`.
fn encrypt(key: &PlainKey, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
    let key = RandomizedNonceKey::new(&AES_256_GCM, key.as_ref()).map_err(|_| broken(Broken::NoKey))?;
    // With room for the tag, so that no copy of the plain text is left behind by a reallocation.
    let mut text = Vec::with_capacity(plain.len() + AES_256_GCM.tag_len());
    text.extend_from_slice(plain);
    let nonce =
        key.seal_in_place_append_tag(Aad::from(aad), &mut text).map_err(|_| broken(Broken::Refused))?;
    Ok([nonce.as_ref().as_slice(), &text].concat())
}

fn decrypt(key: &PlainKey, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
    let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>().ok_or_else(|| broken(Broken::Short))?;
    let key = RandomizedNonceKey::new(&AES_256_GCM, key.as_ref()).map_err(|_| broken(Broken::NoKey))?;
    let mut text = text.to_vec();
    let length = key
        .open_in_place(Nonce::from(nonce), Aad::from(aad), &mut text)
        .map_err(|_| broken(Broken::Refused))?
        .len();
    text.truncate(length);
    Ok(text)
}

async fn generate_with_kms(
    client: &aws_sdk_kms::Client,
    key_id: &str,
    context: &str,
) -> Result<(PlainKey, Vec<u8>), StoreError> {
    let answer = client
        .generate_data_key()
        .key_id(key_id)
        .key_spec(DataKeySpec::Aes256)
        .encryption_context(CONTEXT_NAME, context)
        .send()
        .await
        .map_err(|source| StoreError::Unavailable {
            operation: "get a data key from KMS",
            source: source.into(),
        })?;
    let plain = Zeroizing::new(answer.plaintext.map(Blob::into_inner).ok_or_else(|| broken(Broken::NoKey))?);
    let wrapped = answer.ciphertext_blob.map(Blob::into_inner).ok_or_else(|| broken(Broken::NoKey))?;
    Ok((plain_key(&plain)?, wrapped))
}

async fn unwrap_with_kms(
    client: &aws_sdk_kms::Client,
    key_id: &str,
    context: &str,
    wrapped: &[u8],
) -> Result<PlainKey, StoreError> {
    let answer = client
        .decrypt()
        .key_id(key_id)
        .ciphertext_blob(Blob::new(wrapped))
        .encryption_context(CONTEXT_NAME, context)
        .send()
        .await
        .map_err(|failure| match failure.as_service_error() {
            Some(error) if error.is_invalid_ciphertext_exception() || error.is_incorrect_key_exception() => {
                StoreError::Seal(failure.into())
            }
            _ => StoreError::Unavailable { operation: "open a data key with KMS", source: failure.into() },
        })?;
    let plain = Zeroizing::new(answer.plaintext.map(Blob::into_inner).ok_or_else(|| broken(Broken::NoKey))?);
    plain_key(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"ck_secret";

    async fn sealed(context: &str) -> (Sealer, Vec<u8>) {
        let sealer = Sealer::local([7; 32]);
        let sealed = sealer.seal(context, TEXT).await.unwrap();
        (sealer, sealed)
    }

    #[track_caller]
    fn assert_refused(outcome: Result<Vec<u8>, StoreError>, case: &str) {
        assert!(matches!(outcome, Err(StoreError::Seal(_))), "{case}: {outcome:?}");
    }

    #[tokio::test]
    async fn what_was_sealed_comes_back() {
        let sealer = Sealer::local([7; 32]);
        for plain in [b"".as_slice(), TEXT, &[0xff; 100_000]] {
            let sealed = sealer.seal("org_1/credentials/con_1", plain).await.unwrap();
            assert_eq!(sealer.open("org_1/credentials/con_1", &sealed).await.unwrap(), plain);
            assert!(plain.is_empty() || !sealed.windows(plain.len()).any(|part| part == plain));
        }
    }

    #[tokio::test]
    async fn a_seal_opens_in_its_own_place_only() {
        let (sealer, sealed) = sealed("org_1/credentials/con_1").await;
        for context in ["org_2/credentials/con_1", "org_1/buyer/con_1", "org_1/credentials/con_2", ""] {
            assert_refused(sealer.open(context, &sealed).await, context);
        }
    }

    /// Every single bit counts: of the version, of the wrapped key, of the nonce, of the text and of the tag.
    #[tokio::test]
    async fn a_changed_or_cut_seal_is_refused() {
        let (sealer, sealed) = sealed("here").await;
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_refused(sealer.open("here", &changed).await, &format!("byte {at}"));
            assert_refused(sealer.open("here", &sealed[..at]).await, &format!("cut at {at}"));
        }
        let longer = [sealed.as_slice(), b"x"].concat();
        assert_refused(sealer.open("here", &longer).await, "longer");
    }

    #[tokio::test]
    async fn two_seals_of_one_text_share_nothing_but_their_head() {
        let (sealer, first) = sealed("here").await;
        let second = sealer.seal("here", TEXT).await.unwrap();
        assert_eq!(first[..HEAD_BYTES], second[..HEAD_BYTES]);
        assert_ne!(first[HEAD_BYTES..HEAD_BYTES + 60], second[HEAD_BYTES..HEAD_BYTES + 60]);
        assert_ne!(first[HEAD_BYTES + 60..], second[HEAD_BYTES + 60..]);
    }

    #[tokio::test]
    async fn another_master_key_does_not_open_it() {
        let (_, sealed) = sealed("here").await;
        assert_refused(Sealer::local([8; 32]).open("here", &sealed).await, "another key");
    }
}
