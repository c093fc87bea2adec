//! What rustc says of mistakes in the forms of `model!` that need no file: in place, and bundled.
//!
//! The forms with a path are tested by `tests/tests/fixtures.rs`, in packages of their own. With `TRYBUILD=overwrite` the
//! texts beside the cases are written, for review.

#[test]
fn mistakes() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
