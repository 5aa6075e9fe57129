//! stock-push
