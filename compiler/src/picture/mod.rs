//! Pictures of a network: an SVG file drawn here, or a text for graphviz.
//!
//! ```text
//! Graph -> scene (boxes with their texts, edges, groups) -> fold (blocks closed) -> layout (places) -> svg
//!                                                                                -> dot
//! ```
//!
//! The layout is Sugiyama's ("Methods for Visual Understanding of Hierarchical System Structures", 1981): layers by longest
//! path, an order within each by barycentres, then places. Layers whose names share a prefix before a dot are drawn in a
//! frame, which is laid out by itself first.

mod dot;
mod fold;
mod layout;
mod order;
mod scene;
mod straighten;
mod svg;
#[cfg(test)]
mod tests;

use std::fmt;

pub use dot::dot;
pub use svg::svg;

/// A network with more layers and long connections than a picture can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the network has more layers and connections than a picture can show")
    }
}

impl std::error::Error for TooLarge {}
