//! What SQS takes, checked before anything is sent, so that both queues refuse the same and a call that is refused
//! has kept nothing.
//!
//! Limits: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>.

use std::time::Duration;

use crate::Outgoing;

/// Messages of one receive, and entries of one batch call.
pub const BATCH_MAX: usize = 10;

/// Bytes of one body, and of all the bodies of one batch call. SQS takes up to 1 MiB since 2025; kept at what every
/// region and every queue set up before takes.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// Characters of a message group and of a deduplication id.
const ID_MAX: usize = 128;

/// The longest that SQS keeps a message invisible, in seconds.
const VISIBILITY_SECONDS_MAX: u32 = 12 * 60 * 60;

/// How long a deduplication id is remembered, counted from the first message that had it.
pub const DEDUPLICATION_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// What is outside the limits. Never worth trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("a message group that is not 1 to 128 visible ASCII characters")]
    Group,
    #[error("a deduplication id that is not 1 to 128 visible ASCII characters")]
    DeduplicationId,
    #[error("an empty body")]
    EmptyBody,
    #[error("a body of {0} bytes, above 262144")]
    LongBody(usize),
    #[error("a body with a character that SQS does not take")]
    BodyCharacter,
    #[error("{0} messages at once, not 1 to 10")]
    Max(u32),
    #[error("{0} dead letters at once, not 1 to 100")]
    DeadLettersMax(u32),
    #[error("a visibility timeout above 12 hours")]
    Visibility,
}

fn is_id(text: &str) -> bool {
    (1..=ID_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The characters of XML 1.0, which is what SQS documents for a body.
fn is_body_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..)
}

pub(crate) fn check_outgoing(message: &Outgoing) -> Result<(), Refused> {
    if !is_id(&message.group) {
        return Err(Refused::Group);
    }
    if !is_id(&message.deduplication_id) {
        return Err(Refused::DeduplicationId);
    }
    match message.body.len() {
        0 => Err(Refused::EmptyBody),
        bytes if bytes > BODY_BYTES_MAX => Err(Refused::LongBody(bytes)),
        _ if !message.body.chars().all(is_body_character) => Err(Refused::BodyCharacter),
        _ => Ok(()),
    }
}

pub(crate) fn check_max(max: u32) -> Result<u32, Refused> {
    if (1..=10).contains(&max) { Ok(max) } else { Err(Refused::Max(max)) }
}

/// Dead letters of one look.
pub const DEAD_LETTERS_MAX: u32 = 100;

pub(crate) fn check_dead_letters_max(max: u32) -> Result<u32, Refused> {
    if (1..=DEAD_LETTERS_MAX).contains(&max) { Ok(max) } else { Err(Refused::DeadLettersMax(max)) }
}

/// In whole seconds, as SQS counts it; a fraction rounds up, so that no one is given less time than they asked for.
pub(crate) fn visibility_seconds(visibility: Duration) -> Result<u32, Refused> {
    let seconds = visibility.as_secs().saturating_add(u64::from(visibility.subsec_nanos() > 0));
    u32::try_from(seconds)
        .ok()
        .filter(|seconds| *seconds <= VISIBILITY_SECONDS_MAX)
        .ok_or(Refused::Visibility)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visibility_timeout_is_whole_seconds_up_to_twelve_hours() {
        let hours = 12 * 60 * 60;
        let cases = [
            (Duration::ZERO, Ok(0)),
            (Duration::from_millis(1), Ok(1)),
            (Duration::from_millis(1_000), Ok(1)),
            (Duration::from_millis(1_001), Ok(2)),
            (Duration::from_secs(hours), Ok(43_200)),
            (Duration::from_secs(hours) + Duration::from_nanos(1), Err(Refused::Visibility)),
            (Duration::MAX, Err(Refused::Visibility)),
        ];
        for (visibility, seconds) in cases {
            assert_eq!(visibility_seconds(visibility), seconds, "{visibility:?}");
        }
    }
}
