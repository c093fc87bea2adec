//! A declarative compiler for neural networks: .net files become specialised Rust, trained and run on the CPU.
