//! stock-fanout
