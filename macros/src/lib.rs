//! The model! macro of Netwright.
