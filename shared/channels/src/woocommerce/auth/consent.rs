//! The merchant's consent: the shop's own page for an application, and the keys that the shop makes then.
//!
//! This is no OAuth. The shop's server posts the keys to one address, unsigned, and sends the merchant's browser to another
//! without them. Both are our callback, with the state in its query; the post repeats the state as `user_id`, which nobody
//! knows but the shop that was asked.

use std::collections::BTreeMap;

use async_trait::async_trait;
use url::Url;

use crate::woocommerce::{Woocommerce, address};
use crate::{ChannelError, Consent, ConsentAnswer, ConsentRequest, Credentials, ErrorKind, Shop};

const PAGE: &str = "ask for the merchant's consent";
const REDEEM: &str = "redeem the merchant's consent";

/// What the merchant reads on the page, and finds later in the list of keys.
const APP_NAME: &str = "Masterstock";
const SCOPE: &str = "read_write";

#[async_trait]
impl Consent for Woocommerce {
    fn page(&self, shop: &Shop<'_>, request: &ConsentRequest<'_>) -> Result<Url, ChannelError> {
        let refused = |detail: &str| ChannelError::new(ErrorKind::Rejected, PAGE, detail);
        if request.redirect_uri.scheme() != "https" {
            return Err(refused("a shop sends keys to https alone, and the deployment's address is http"));
        }
        let mut callback = request.redirect_uri.clone();
        callback.query_pairs_mut().append_pair("state", request.state);
        let page = address(shop.endpoint, "wc-auth/v1/authorize").parse();
        let mut page: Url =
            page.map_err(|error| refused("the shop's address cannot be extended").caused_by(error))?;
        page.query_pairs_mut()
            .append_pair("app_name", APP_NAME)
            .append_pair("scope", SCOPE)
            .append_pair("user_id", request.state)
            .append_pair("return_url", callback.as_str())
            .append_pair("callback_url", callback.as_str());
        Ok(page)
    }

    fn is_denied(&self, query: &BTreeMap<String, String>) -> bool {
        query.get("success").is_some_and(|success| success == "0")
    }

    async fn redeem(
        &self,
        _shop: &Shop<'_>,
        answer: &ConsentAnswer<'_>,
    ) -> Result<Credentials, ChannelError> {
        let refused = |detail: &str| ChannelError::new(ErrorKind::Unauthorized, REDEEM, detail);
        let field = |name: &str| answer.query.get(name).map(String::as_str).filter(|text| !text.is_empty());
        let (Some(key), Some(secret)) = (field("consumer_key"), field("consumer_secret")) else {
            return Err(refused("the shop sent no keys"));
        };
        if field("user_id").is_none() || field("user_id") != field("state") {
            return Err(refused("the keys are no answer to what was asked"));
        }
        if field("key_permissions") != Some(SCOPE) {
            return Err(refused("the keys may not read and write"));
        }
        Ok(Credentials::default().with("consumer_key", key).with("consumer_secret", secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pace, ShopFacts};
    use domain::Timestamp;

    struct NoNetwork;

    #[async_trait]
    impl crate::Transport for NoNetwork {
        async fn send(
            &self,
            _request: http::Request<bytes::Bytes>,
        ) -> Result<http::Response<bytes::Bytes>, crate::transport::TransportError> {
            Err(crate::transport::TransportError::Connection(None))
        }
    }

    /// With a shop that lives in a folder of its host.
    async fn with_shop<T>(act: impl AsyncFnOnce(&Shop<'_>) -> T) -> T {
        let endpoint = "https://shop.example/store".parse().unwrap();
        let (credentials, facts, pace) = (Credentials::default(), ShopFacts::new(), Pace::default());
        let shop = Shop {
            endpoint: &endpoint,
            marketplaces: &[],
            credentials: &credentials,
            facts: &facts,
            currency: "EUR".parse().unwrap(),
            transport: &NoNetwork,
            pace: &pace,
            now: Timestamp::UNIX_EPOCH,
        };
        act(&shop).await
    }

    fn asked(shop: &Shop<'_>, redirect_uri: &str) -> Result<Url, ChannelError> {
        let redirect_uri = redirect_uri.parse().unwrap();
        let request = ConsentRequest { redirect_uri: &redirect_uri, state: "s-1", code_challenge: "unused" };
        Woocommerce.page(shop, &request)
    }

    #[tokio::test]
    async fn the_page_is_the_shop_s_own_and_sends_keys_to_https_alone() {
        with_shop(async |shop| {
            let page = asked(shop, "https://hub.example/v1/oauth/callback").unwrap();
            assert_eq!(
                page.as_str(),
                "https://shop.example/store/wc-auth/v1/authorize?app_name=Masterstock&scope=read_write&user_id=s-1\
                 &return_url=https%3A%2F%2Fhub.example%2Fv1%2Foauth%2Fcallback%3Fstate%3Ds-1\
                 &callback_url=https%3A%2F%2Fhub.example%2Fv1%2Foauth%2Fcallback%3Fstate%3Ds-1"
            );
            let error = asked(shop, "http://127.0.0.1:7878/v1/oauth/callback").unwrap_err();
            assert_eq!(error.kind, ErrorKind::Rejected);
        })
        .await;
    }

    #[tokio::test]
    async fn keys_count_only_as_the_answer_to_what_was_asked() {
        let whole = [
            ("state", "s-1"),
            ("user_id", "s-1"),
            ("consumer_key", "ck_1"),
            ("consumer_secret", "cs_1"),
            ("key_permissions", "read_write"),
        ];
        let table = [
            (("key_id", "7"), true),
            (("user_id", "s-2"), false),
            (("user_id", ""), false),
            (("consumer_key", ""), false),
            (("consumer_secret", ""), false),
            (("key_permissions", "read"), false),
        ];
        let redirect_uri = "https://hub.example/v1/oauth/callback".parse().unwrap();
        for ((name, value), taken) in table {
            let mut query: BTreeMap<String, String> =
                whole.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            query.insert(name.to_owned(), value.to_owned());
            let answer =
                ConsentAnswer { query: &query, redirect_uri: &redirect_uri, code_verifier: "unused" };
            let redeemed = with_shop(async |shop| Woocommerce.redeem(shop, &answer).await).await;
            match redeemed {
                Ok(credentials) => {
                    assert!(taken, "{name}={value}");
                    assert_eq!(credentials.expose().len(), 2);
                    assert_eq!(credentials.get("consumer_secret"), Some("cs_1"));
                }
                Err(error) => {
                    assert!(!taken, "{name}={value}");
                    assert_eq!(error.kind, ErrorKind::Unauthorized);
                }
            }
        }
    }

    #[test]
    fn who_says_no_comes_back_with_a_zero() {
        let query = |text: &str| BTreeMap::from([("success".to_owned(), text.to_owned())]);
        assert!(Woocommerce.is_denied(&query("0")));
        assert!(!Woocommerce.is_denied(&query("1")));
        assert!(!Woocommerce.is_denied(&BTreeMap::new()));
    }
}
