//! schedule-dispatch
