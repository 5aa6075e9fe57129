//! `ClientRequestToken`: a transaction repeated under its token is done once.
//!
//! dynoxide remembers tokens too, but looks at each of the last ten minutes with every transaction, so that a busy hour
//! grows slower and larger with all that was done in it. Here a transaction costs the same however many went before.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::time::{Duration, Instant};

use dynoxide::DynoxideError;
use serde::Deserialize;

/// As long as DynamoDB.
const REMEMBERED_FOR: Duration = Duration::from_secs(600);
/// And at most so many: the client that repeats is in this process, and does so within its next calls.
const REMEMBERED_MAX: usize = 10_000;
/// What DynamoDB takes for a token, in characters. Others are left to dynoxide, which refuses them.
const LENGTH_MAX: usize = 36;

#[derive(Default)]
pub(crate) struct Tokens {
    done: HashMap<String, Done>,
    oldest_first: VecDeque<(Instant, String)>,
}

struct Done {
    request: u64,
    answer: String,
}

#[derive(Deserialize)]
struct Named {
    #[serde(rename = "ClientRequestToken")]
    token: Option<String>,
}

impl Tokens {
    /// Does `work` where the body's token is new, and does not tell dynoxide of it; else the answer of then, without its
    /// units. A failure is not remembered.
    pub(crate) fn once(
        &mut self,
        body: &str,
        work: impl FnOnce(&str) -> dynoxide::Result<String>,
    ) -> dynoxide::Result<String> {
        let named: Option<Named> = serde_json::from_str(body).ok();
        let token = named.and_then(|named| named.token).filter(|token| is_token(token));
        let Some(token) = token else { return work(body) };
        let now = Instant::now();
        self.forget(now);
        let request = hash(body);
        match self.done.get(&token) {
            Some(done) if done.request == request => return Ok(done.answer.clone()),
            Some(_) => {
                return Err(DynoxideError::IdempotentParameterMismatchException(
                    "the token was used for another request".to_owned(),
                ));
            }
            None => {}
        }
        let answer = work(body)?;
        self.done.insert(token.clone(), Done { request, answer: without_units(&answer) });
        self.oldest_first.push_back((now, token));
        Ok(answer)
    }

    fn forget(&mut self, now: Instant) {
        while let Some((since, token)) = self.oldest_first.front() {
            let is_old = now.duration_since(*since) >= REMEMBERED_FOR;
            if !is_old && self.oldest_first.len() < REMEMBERED_MAX {
                return;
            }
            self.done.remove(token);
            self.oldest_first.pop_front();
        }
    }
}

/// Whether dynoxide would take it.
pub(crate) fn is_token(token: &str) -> bool {
    (1..=LENGTH_MAX).contains(&token.chars().count())
}

fn hash(body: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}

fn without_units(answer: &str) -> String {
    let parsed = serde_json::from_str::<serde_json::Value>(answer).ok();
    let left = parsed.and_then(|mut parsed| {
        parsed.as_object_mut()?.remove("ConsumedCapacity");
        Some(parsed.to_string())
    });
    left.unwrap_or_else(|| answer.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(token: &str, rest: u32) -> String {
        format!(r#"{{"TransactItems":[{rest}],"ClientRequestToken":"{token}"}}"#)
    }

    #[test]
    fn a_repeat_is_answered_and_not_done() {
        let mut tokens = Tokens::default();
        let mut done = 0;
        for _ in 0..3 {
            let answer = tokens.once(&body("a", 1), |_| {
                done += 1;
                Ok(r#"{"ConsumedCapacity":[1],"Other":2}"#.to_owned())
            });
            assert!(answer.unwrap().contains(r#""Other":2"#));
        }
        assert_eq!(done, 1);
        let other = tokens.once(&body("a", 2), |_| Ok(String::new()));
        assert!(matches!(other, Err(DynoxideError::IdempotentParameterMismatchException(_))));
    }

    #[test]
    fn a_failure_is_tried_again() {
        let mut tokens = Tokens::default();
        let refused = tokens.once(&body("a", 1), |_| Err(DynoxideError::InternalServerError(String::new())));
        assert!(refused.is_err());
        assert_eq!(tokens.once(&body("a", 1), |_| Ok("{}".to_owned())).unwrap(), "{}");
    }

    #[test]
    fn what_is_remembered_does_not_grow() {
        let mut tokens = Tokens::default();
        for n in 0..REMEMBERED_MAX + 500 {
            tokens.once(&body(&n.to_string(), 1), |_| Ok("{}".to_owned())).unwrap();
        }
        assert_eq!((tokens.done.len(), tokens.oldest_first.len()), (REMEMBERED_MAX, REMEMBERED_MAX));
        tokens.forget(Instant::now() + REMEMBERED_FOR);
        assert!(tokens.done.is_empty());
    }
}
