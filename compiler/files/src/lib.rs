//! Where Netwright opens .net files: paths, limits, bundled texts.
