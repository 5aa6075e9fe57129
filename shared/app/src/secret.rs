//! Secrets that we make, and the digest that an API key is found by.

use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;

use crate::AppError;

/// 256 random bits as 64 hex digits, behind a prefix that says what it opens.
pub fn random(prefix: &str) -> Result<SecretString, AppError> {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes).map_err(|_| AppError::Internal("the machine gives no random numbers"))?;
    Ok(format!("{prefix}{}", hex(&bytes)).into())
}

/// SHA-256 in hex. Secrets of [`random`] need no slower one: they cannot be guessed.
pub fn digest(secret: &str) -> String {
    digest_of(secret.as_bytes())
}

/// The same of any bytes.
pub fn digest_of(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// What a verifier is announced by (RFC 7636, S256): its SHA-256 in base64url.
pub fn pkce_challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn a_challenge_is_that_of_rfc_7636() {
        let challenge = pkce_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_digest_is_sha_256_and_no_two_secrets_are_one() {
        assert_eq!(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let (one, other) = (random("ms_").unwrap(), random("ms_").unwrap());
        assert_eq!(one.expose_secret().len(), 67);
        assert_ne!(one.expose_secret(), other.expose_secret());
    }
}
