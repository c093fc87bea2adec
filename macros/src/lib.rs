//! `model!`: reads where a description is, hands it to the compiler, and gives rustc the code or the messages.
//!
//! The facade's `macro_rules!` of the same name passes its own path along, so that generated code finds the runtime under
//! whatever name a user gives to the facade.

mod inline;
mod invocation;
mod report;
mod weights;

use netwright_compiler::diagnostic::Sink;
use netwright_compiler::emit::{Int8Code, Sketch, Target, emit, skeleton};
use netwright_compiler::source::SourceMap;
use netwright_compiler::syntax::{self, ast};
use netwright_compiler::{Settings, compile};
use netwright_files::Disk;
use proc_macro2::TokenStream;
use quote::quote;

use invocation::{Invocation, Source};
use report::Place;

/// Behind `netwright::model!`: the facade's path in parentheses, then what the user wrote.
#[proc_macro]
#[doc(hidden)]
pub fn __model(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(input.into()).into()
}

fn expand(input: TokenStream) -> TokenStream {
    let invocation = match Invocation::parse(input) {
        Ok(invocation) => invocation,
        Err(error) => return error.into_tokens(),
    };
    let Invocation { facade, source, rename, overrides, weights, int8, cache } = invocation;
    let weights_placeholder = weights.as_ref().map(weights::placeholder);
    let mut target = Target { facade, rename, weights: weights_placeholder, int8: None, is_text: false };
    let text = match source.read() {
        Ok(text) => text,
        Err(error) => {
            let (error, skeleton) = (error.into_tokens(), renamed_skeleton(&target));
            return quote!(#error #skeleton);
        }
    };
    let mut map = SourceMap::new();
    let id = map.add(text.name, text.text);
    let mut sink = Sink::new();
    let given = overrides.iter().map(|given| (given.name.clone(), given.value.clone())).collect();
    let settings = Settings { overrides: given, quiet: true, cache, ..Settings::default() };
    let mut sources = text.sources;
    let compiled = compile(id, &mut map, &settings, &mut sources, &mut sink);
    let tracked: TokenStream = text
        .path
        .iter()
        .chain(sources.opened())
        .map(|path| {
            let path = path.to_string_lossy().into_owned();
            // Rebuilds the crate when the file changes.
            quote!(
                const _: &[u8] = ::core::include_bytes!(#path);
            )
        })
        .collect();
    let code = match compiled {
        Some(compiled) => {
            let error = match weights.map(|(literal, path)| weights::embed(&literal, &path, &compiled)) {
                None => None,
                Some(Ok((embedded, plans))) => {
                    target.weights = Some(embedded);
                    target.int8 = plans.map(|plans| Int8Code { plans, calibrates: false });
                    None
                }
                Some(Err(error)) => Some(error.into_tokens()),
            };
            // A network that cannot be planned so has none.
            if int8 && let Ok(plans) = compiled.int8() {
                target.int8 = Some(Int8Code { plans, calibrates: true });
            }
            let code = emit(&compiled, &target);
            quote!(#error #code)
        }
        None => {
            let errors = report::diagnostics(&sink, &map, id, &text.place, &overrides);
            let skeletons = skeletons(&syntax::parse(id, &map, &mut Sink::new()), &target);
            quote!(#errors #skeletons)
        }
    };
    quote!(#tracked #code)
}

/// What stands for the networks of a text with mistakes.
fn skeletons(file: &ast::File, target: &Target) -> TokenStream {
    if file.networks.is_empty() {
        return renamed_skeleton(target).unwrap_or_default();
    }
    let mut names = std::collections::BTreeSet::new();
    let networks = file.networks.iter().filter(|network| names.insert(&network.name.text));
    // Two structs cannot both have the name after `as`.
    let most = if target.rename.is_some() { 1 } else { file.networks.len() };
    networks.take(most).map(|network| skeleton(&sketch(network), target)).collect()
}

/// What stands for a network whose text cannot be read: its name is known where `as` gives it.
fn renamed_skeleton(target: &Target) -> Option<TokenStream> {
    let name = target.rename.as_ref()?.to_string();
    let sketch = Sketch { name: &name, inputs: Vec::new(), outputs: Vec::new(), is_regression: false };
    Some(skeleton(&sketch, target))
}

/// What the tree tells of a network: the axes of its inputs, those promised of its outputs, its loss.
fn sketch(network: &ast::Network) -> Sketch<'_> {
    let mut sketch = Sketch { name: &network.name.text, inputs: Vec::new(), outputs: Vec::new(), is_regression: false };
    for item in &network.items {
        match item {
            ast::Item::Input(input) => sketch.inputs.push(input.dims.len().clamp(1, 3)),
            ast::Item::Output(output) => {
                let promised = output.annotation.as_ref().map(|annotation| annotation.dims.len());
                sketch.outputs.push((output.name.text.as_str(), promised.unwrap_or(1).clamp(1, 3)));
            }
            ast::Item::Train(train) => {
                sketch.is_regression =
                    train.entries.iter().any(|entry| entry.key.text == "loss" && is_regression(&entry.value));
            }
            _ => {}
        }
    }
    sketch
}

/// Whether a loss, or one of a sum, compares with values.
fn is_regression(loss: &ast::Expr) -> bool {
    match &loss.kind {
        ast::ExprKind::Call(call) => {
            matches!(call.name.text.as_str(), "mean_squared_error" | "binary_cross_entropy" | "l1" | "huber")
        }
        ast::ExprKind::Binary(_, a, b) => is_regression(a) || is_regression(b),
        _ => false,
    }
}

/// A description's text, and how to point into it.
struct Text {
    name: String,
    text: String,
    path: Option<std::path::PathBuf>,
    /// Where it finds what it uses.
    sources: Disk,
    place: Place,
}

impl Source {
    /// The text of a description: from a file, from those that come with Netwright, or from the invocation itself.
    fn read(self) -> Result<Text, report::Error> {
        match self {
            Source::Path { literal, path } => {
                let span = literal.span();
                let (file, root) = invocation::resolve(&path, span)?;
                let loaded = netwright_files::load_path(&file, root.as_deref()).map_err(|error| {
                    report::Error::new(span, report::in_package(&error.to_string(), root.as_deref()))
                })?;
                let sources = Disk::beside(loaded.path.as_deref().unwrap_or(&file), root.as_deref());
                Ok(Text {
                    name: loaded.name,
                    text: loaded.text,
                    path: loaded.path,
                    sources,
                    place: Place::Literal(span),
                })
            }
            Source::Bundled { name, first, last } => {
                let loaded = netwright_files::load_bundled(&name)
                    .map_err(|error| report::Error::between(first, last, error.to_string()))?;
                let place = Place::Tokens(first, last);
                Ok(Text { name: loaded.name, text: loaded.text, path: None, sources: Disk::bundled(), place })
            }
            Source::Inline(tokens) => {
                let (file, root) = invocation::resolve("inline.net", proc_macro2::Span::call_site())?;
                let printed = inline::print(tokens);
                Ok(Text {
                    // Paths start at the folder of the source file, as those of `model!` do.
                    sources: Disk::below(file.parent().unwrap_or(&file), root.as_deref()),
                    name: "model!".to_owned(),
                    text: printed.text,
                    path: None,
                    place: Place::Inline(printed.table),
                })
            }
        }
    }
}
