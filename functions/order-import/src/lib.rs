//! order-import
