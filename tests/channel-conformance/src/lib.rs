//! channel-conformance
