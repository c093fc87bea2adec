//! What compiles becomes code that parses as Rust, in every mode and form, and the same bytes when it is compiled again;
//! what does not gives the same messages again.
#![no_main]

use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target};
use netwright_compiler::diagnostic::Sink;
use netwright_compiler::emit::{Int8Code, Target, emit, to_text};
use netwright_compiler::source::SourceMap;
use netwright_compiler::{Compiled, Settings, compile, picture, summary};
use netwright_fuzz::{Files, messages, mutate, text};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

fuzz_target!(|data: &[u8]| {
    let Some(text) = text(data) else { return };
    assert_eq!(compiled(text), compiled(text), "compiled twice, and not the same");
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed)
});
fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| { mutate::cross(one, other, out, seed) });

/// The messages, and all that can be made of the network.
fn compiled(text: &str) -> Vec<String> {
    let (main, mut files) = Files::of(text);
    let mut map = SourceMap::new();
    let source = map.add("main.net", main);
    let mut sink = Sink::new();
    let compiled = compile(source, &mut map, &Settings::default(), &mut files, &mut sink);
    let mut all = vec![messages(&sink, &map)];
    let Some(compiled) = compiled else {
        assert!(sink.has_errors(), "no network, and no message");
        return all;
    };
    // As `model!` has it, with the training code as the argument of a macro, and as text with the training code in place.
    let rename = Some(Ident::new("Renamed", Span::call_site()));
    let code =
        emit(&compiled, &Target { facade: quote!(::netwright), rename, weights: None, int8: None, is_text: false });
    parse(&code);
    all.push(code.to_string());
    let shown = emit(&compiled, &Target::text());
    parse(&shown);
    let shown = to_text(shown).unwrap_or_else(|problem| panic!("{problem}"));
    if let Err(error) = syn::parse_file(&shown) {
        panic!("the code that is shown does not parse: {error}\n{shown}");
    }
    all.push(shown);
    all.push(integers(&compiled));
    all.push(compiled.fingerprint.clone());
    all.extend(compiled.plans().map(ToString::to_string));
    all.push(format!("{:?}", summary::layers(&compiled.graph)));
    for depth in [None, Some(1), Some(2)] {
        all.push(picture::dot(&compiled.graph, depth));
        all.extend(picture::svg(&compiled.graph, depth));
    }
    all
}

/// The code with inference in integers and its calibration, as text; why there is none, where a network cannot have it.
fn integers(compiled: &Compiled) -> String {
    let plans = match compiled.int8() {
        Ok(plans) => plans,
        Err(problem) => {
            // Too large, or with a loss of layers that the output does not reach.
            let is_known = ["working memory", "the inference in integers"].iter().any(|known| problem.contains(known));
            assert!(is_known, "a bug on the way to integers: {problem}");
            return problem;
        }
    };
    let target = Target { int8: Some(Int8Code { plans, calibrates: true }), ..Target::text() };
    let code = emit(compiled, &target);
    parse(&code);
    to_text(code).unwrap_or_else(|problem| panic!("{problem}"))
}

fn parse(code: &TokenStream) {
    if let Err(error) = syn::parse2::<syn::File>(code.clone()) {
        panic!("the generated code does not parse: {error}\n{code}");
    }
}
