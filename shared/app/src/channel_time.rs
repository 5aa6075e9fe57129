//! What time it is at the channel, heard from the `Date` of its answers.
//!
//! A channel's changes are asked for by the channel's clock, and requests are signed by it: ours may be wrong by
//! seconds, and on one machine by what it was moved on.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use channels::Transport;
use channels::transport::TransportError;
use domain::Timestamp;
use http::header::DATE;
use http::{Request, Response};
use jiff::SignedDuration;
use jiff::fmt::rfc2822::DateTimeParser;

use crate::Clock;

/// `Date` has whole seconds, and the answer took its time: a difference up to this is none.
const NOISE_MS: i64 = 10_000;

/// How far a channel's clock is ahead of ours; 0 until it was heard.
#[derive(Debug, Default)]
pub struct ChannelTime {
    ahead_ms: AtomicI64,
    /// 0 until it was heard.
    said_s: AtomicI64,
}

impl ChannelTime {
    pub fn ahead_ms(&self) -> i64 {
        self.ahead_ms.load(Ordering::Relaxed)
    }

    /// Our time as the channel would say it.
    pub fn at_channel(&self, ours: Timestamp) -> Timestamp {
        ours.checked_add(SignedDuration::from_millis(self.ahead_ms())).unwrap_or(ours)
    }

    /// What the channel itself said last, in whole seconds: what it dates by the same clock compares with it exactly,
    /// which our time, seconds apart, does not. `ours` where it said nothing.
    pub fn said(&self, ours: Timestamp) -> Timestamp {
        let said_s = match self.said_s.load(Ordering::Relaxed) {
            0 => ours.as_second(),
            said_s => said_s,
        };
        Timestamp::from_second(said_s).unwrap_or(ours)
    }

    fn hear(&self, said: Timestamp, ours: Timestamp) {
        self.said_s.store(said.as_second(), Ordering::Relaxed);
        let ahead_ms = i64::try_from(said.duration_since(ours).as_millis()).unwrap_or(0);
        self.ahead_ms.store(if ahead_ms.abs() <= NOISE_MS { 0 } else { ahead_ms }, Ordering::Relaxed);
    }
}

/// A transport that listens for the time on the way.
#[derive(Clone)]
pub struct Listening {
    pub transport: Arc<dyn Transport>,
    pub clock: Arc<dyn Clock>,
    pub time: Arc<ChannelTime>,
}

#[async_trait]
impl Transport for Listening {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let response = self.transport.send(request).await?;
        let said = response.headers().get(DATE).and_then(|date| date.to_str().ok());
        if let Some(Ok(said)) = said.map(|date| DateTimeParser::new().parse_timestamp(date)) {
            self.time.hear(said, self.clock.now());
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_noise_and_more_is_the_channel_s_clock() {
        let (time, ours) = (ChannelTime::default(), Timestamp::from_second(1_000_000).unwrap());
        let at = |seconds: i64| Timestamp::from_second(1_000_000 + seconds).unwrap();
        time.hear(at(-3), ours);
        assert_eq!(time.at_channel(ours), ours);
        time.hear(at(-1800), ours);
        assert_eq!(time.at_channel(ours), at(-1800));
        time.hear(at(2), ours);
        assert_eq!(time.at_channel(ours), ours);
    }

    #[test]
    fn what_the_channel_said_is_kept_to_the_second() {
        let ours = Timestamp::from_millisecond(1_000_999).unwrap();
        let time = ChannelTime::default();
        assert_eq!(time.said(ours), Timestamp::from_second(1_000).unwrap());
        time.hear(Timestamp::from_second(997).unwrap(), ours);
        assert_eq!(time.said(ours), Timestamp::from_second(997).unwrap());
        // Our clock is set while the answer is worked on: how far the channel was read does not move with it.
        let set = ours.checked_add(SignedDuration::from_mins(31)).unwrap();
        assert_eq!(time.said(set), Timestamp::from_second(997).unwrap());
        assert_ne!(time.at_channel(set), Timestamp::from_second(997).unwrap());
    }

    #[test]
    fn a_date_of_http_is_read() {
        let said = DateTimeParser::new().parse_timestamp("Sat, 21 Nov 2026 22:25:14 GMT").unwrap();
        assert_eq!(said.to_string(), "2026-11-21T22:25:14Z");
    }
}
