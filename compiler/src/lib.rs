//! Netwright's compiler: .net text to checked graph to plan to Rust.
