//! Netwright's SIMD kernels behind safe, checked entry points.
