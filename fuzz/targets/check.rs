//! Any text with the files that it uses is checked, soon and without a panic; a graph without mistakes holds what the
//! verifier asks of it; what a machine can mend leaves a text that parses.
#![no_main]

use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target};
use netwright_compiler::diagnostic::Sink;
use netwright_compiler::driver::{Settings, check};
use netwright_compiler::ir::verify;
use netwright_compiler::source::SourceMap;
use netwright_fuzz::{Files, fixes, messages, mutate, text};

fuzz_target!(|data: &[u8]| {
    let Some(text) = text(data) else { return };
    let (main, mut files) = Files::of(text);
    let mut map = SourceMap::new();
    let source = map.add("main.net", main);
    let mut sink = Sink::new();
    let settings = Settings { library: true, ..Settings::default() };
    let lowered = check(source, &mut map, &settings, &mut files, &mut sink);
    messages(&sink, &map);
    fixes(source, main, &sink);
    if let Some(lowered) = lowered.filter(|_| !sink.has_errors()) {
        if let Err(problem) = verify(&lowered.graph) {
            panic!("{problem}");
        }
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed)
});
fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| { mutate::cross(one, other, out, seed) });
