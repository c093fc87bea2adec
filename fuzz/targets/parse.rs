//! Any text becomes a tree and messages, soon and without a panic.
#![no_main]

use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target};
use netwright_compiler::diagnostic::Sink;
use netwright_compiler::source::SourceMap;
use netwright_compiler::syntax::parse;
use netwright_fuzz::{fixes, messages, mutate, text};

fuzz_target!(|data: &[u8]| {
    let Some(text) = text(data) else { return };
    let mut map = SourceMap::new();
    let source = map.add("main.net", text);
    let mut sink = Sink::new();
    let tree = parse(source, &map, &mut sink);
    // Later passes recurse over the tree as `Clone` does.
    drop(tree.clone());
    messages(&sink, &map);
    fixes(source, text, &sink);
    if !sink.has_errors() {
        // What the grammar accepts can stand in `model!`.
        assert!(text.trim_start_matches('\u{feff}').parse::<proc_macro2::TokenStream>().is_ok(), "not tokens of Rust");
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed)
});
fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| { mutate::cross(one, other, out, seed) });
