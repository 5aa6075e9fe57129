//! Members of a team: people who come with a token of their own identity provider instead of an API key.
//!
//! API Gateway verifies the token: its signature, issuer, audience and times. Here is what a verified token may do. Two
//! claims, which the deployment names, say the organization and the scopes; no other claim is asked, and nothing is assumed
//! where one of them is missing.

use std::collections::{BTreeSet, HashMap};

use domain::stock::Actor;
use domain::{OrganizationId, Timestamp};
use store::api_key::Scope;

use crate::organization::SCOPES;
use crate::{App, AppError};

/// Before each scope in its claim (`masterstock:read`): a word of another application's is none of ours.
pub const SCOPE_PREFIX: &str = "masterstock:";

/// Characters of a subject, by OpenID Connect.
const SUBJECT_MAX: usize = 255;

/// Whose tokens a deployment takes, and where in them it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenTrust {
    pub issuer: String,
    pub audience: String,
    pub organization_claim: String,
    pub scopes_claim: String,
}

/// The claims of a verified token, as API Gateway writes them: a list is `[a b]`.
pub type Claims = HashMap<String, String>;

/// Who a token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub organization_id: OrganizationId,
    pub scopes: BTreeSet<Scope>,
    pub actor: Actor,
    /// When the token ends.
    pub until: Timestamp,
}

/// Why a token opens nothing.
#[derive(Debug, thiserror::Error)]
pub enum TokenRefused {
    #[error("the token is not one that this deployment takes")]
    Foreign,
    #[error("the token has ended, or does not say when it ends")]
    Ended,
    #[error("the token's claim sub does not name a person")]
    NoSubject,
    #[error("the token's claim {0} does not name an organization that is here")]
    NoOrganization(String),
    #[error(
        "the token's claim {0} has none of masterstock:read, masterstock:write, masterstock:admin and masterstock:pii"
    )]
    NoScopes(String),
    #[error(transparent)]
    Failed(#[from] AppError),
}

/// One word or a list of them: `a`, `a b`, `[a b]`, `a,b`.
fn words(claim: &str) -> impl Iterator<Item = &str> {
    let inner = claim.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(claim);
    inner.split([' ', ',']).filter(|word| !word.is_empty())
}

/// What the claims say, before it is known whether there is such an organization.
fn read(trust: &TokenTrust, claims: &Claims, now: Timestamp) -> Result<Member, TokenRefused> {
    let claim = |name: &str| claims.get(name).map(String::as_str).unwrap_or_default();
    // API Gateway let it through for these; that it did so for another deployment's is not believed.
    let audience = if claims.contains_key("aud") { claim("aud") } else { claim("client_id") };
    if claim("iss") != trust.issuer || !words(audience).any(|one| one == trust.audience) {
        return Err(TokenRefused::Foreign);
    }
    let until = claim("exp").parse().ok().and_then(|second| Timestamp::from_second(second).ok());
    let until = until.filter(|until| *until > now).ok_or(TokenRefused::Ended)?;
    let subject = claim("sub");
    if !(1..=SUBJECT_MAX).contains(&subject.len()) || !subject.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(TokenRefused::NoSubject);
    }
    let organization_id = claim(&trust.organization_claim)
        .parse()
        .map_err(|_| TokenRefused::NoOrganization(trust.organization_claim.clone()))?;
    let named: BTreeSet<&str> =
        words(claim(&trust.scopes_claim)).filter_map(|word| word.strip_prefix(SCOPE_PREFIX)).collect();
    let scopes: BTreeSet<Scope> = SCOPES.into_iter().filter(|scope| named.contains(scope.as_str())).collect();
    if scopes.is_empty() {
        return Err(TokenRefused::NoScopes(trust.scopes_claim.clone()));
    }
    Ok(Member { organization_id, scopes, actor: Actor::subject(subject), until })
}

impl App {
    /// Who a token speaks for that API Gateway has verified.
    pub async fn member(&self, trust: &TokenTrust, claims: &Claims) -> Result<Member, TokenRefused> {
        let member = read(trust, claims, self.clock.now())?;
        match self.store.organization(&member.organization_id).await.map_err(AppError::from)? {
            Some(_) => Ok(member),
            None => Err(TokenRefused::NoOrganization(trust.organization_claim.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust() -> TokenTrust {
        TokenTrust {
            issuer: "https://id.example".to_owned(),
            audience: "stock".to_owned(),
            organization_claim: "custom:organization".to_owned(),
            scopes_claim: "custom:scopes".to_owned(),
        }
    }

    fn organization() -> String {
        format!("org_{}", "a".repeat(32))
    }

    /// What a good token's claims become with these changes; an empty one is missing.
    fn read_with(changes: &[(&str, &str)]) -> Result<Member, TokenRefused> {
        let organization = organization();
        let good = [
            ("iss", "https://id.example"),
            ("aud", "stock"),
            ("exp", "2000"),
            ("sub", "auth0|ada"),
            ("custom:organization", organization.as_str()),
            ("custom:scopes", "[masterstock:read masterstock:pii]"),
        ];
        let mut claims: Claims = good
            .into_iter()
            .chain(changes.iter().copied())
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        claims.retain(|_, value| !value.is_empty());
        read(&trust(), &claims, Timestamp::from_second(1_000).unwrap())
    }

    #[test]
    fn two_claims_say_the_organization_and_the_scopes() {
        let member = read_with(&[]).unwrap();
        assert_eq!(member.organization_id.to_string(), organization());
        assert_eq!(member.scopes, [Scope::Read, Scope::Pii].into());
        assert_eq!(String::from(member.actor), "sub_auth0|ada");
        assert_eq!(member.until.as_second(), 2_000);
        let access =
            read_with(&[("aud", ""), ("client_id", "stock"), ("custom:scopes", "masterstock:write openid")]);
        assert_eq!(access.unwrap().scopes, [Scope::Write].into());
        let several =
            read_with(&[("aud", "[other stock]"), ("custom:scopes", "masterstock:read,masterstock:admin")]);
        assert_eq!(several.unwrap().scopes, [Scope::Read, Scope::Admin].into());
    }

    #[test]
    fn nothing_is_assumed_of_what_is_missing_foreign_or_wrong() {
        let organization = organization();
        let list = format!("[{organization}]");
        let two = format!("{organization} {organization}");
        for (claim, value, refused) in [
            ("iss", "", "Foreign"),
            ("iss", "https://evil.example", "Foreign"),
            ("iss", "https://id.example/", "Foreign"),
            ("aud", "", "Foreign"),
            ("aud", "other", "Foreign"),
            ("aud", "stock2", "Foreign"),
            ("exp", "", "Ended"),
            ("exp", "1000", "Ended"),
            ("exp", "soon", "Ended"),
            ("sub", "", "NoSubject"),
            ("sub", "Ada Lovelace", "NoSubject"),
            ("custom:organization", "", "NoOrganization"),
            ("custom:organization", "My company", "NoOrganization"),
            ("custom:organization", list.as_str(), "NoOrganization"),
            ("custom:organization", two.as_str(), "NoOrganization"),
            ("custom:scopes", "", "NoScopes"),
            ("custom:scopes", "read write admin pii", "NoScopes"),
            ("custom:scopes", "[masterstock:owner]", "NoScopes"),
            ("custom:scopes", "MASTERSTOCK:READ", "NoScopes"),
            ("custom:scopes", "xmasterstock:read", "NoScopes"),
        ] {
            let got = format!("{:?}", read_with(&[(claim, value)]).unwrap_err());
            assert!(got.starts_with(refused), "{claim} {value:?}: {got}");
        }
        // Only the claims that were named: others that look alike are not asked.
        let elsewhere = read_with(&[
            ("custom:scopes", ""),
            ("scope", "masterstock:admin"),
            ("scopes", "masterstock:admin"),
        ]);
        assert!(matches!(elsewhere, Err(TokenRefused::NoScopes(_))));
    }
}
