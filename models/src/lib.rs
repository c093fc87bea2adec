//! Netwright's bundled networks, as texts.
