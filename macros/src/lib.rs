//! `model!`: reads where a description is, hands it to the compiler, and gives rustc the code or the messages.
//!
//! The facade's `macro_rules!` of the same name passes its own path along, so that generated code finds the runtime under
//! whatever name a user gives to the facade.

mod inline;
mod invocation;
mod report;

use netwright_compiler::diagnostic::Sink;
use netwright_compiler::emit::{Target, emit, skeleton};
use netwright_compiler::source::SourceMap;
use netwright_compiler::{Settings, compile, syntax};
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
    let Invocation { facade, source, rename, overrides } = invocation;
    let text = match source.read() {
        Ok(text) => text,
        Err(error) => return error.into_tokens(),
    };
    let mut map = SourceMap::new();
    let id = map.add(text.name, text.text);
    let mut sink = Sink::new();
    let settings = Settings { network: None, overrides };
    let target = Target { facade, rename, comments: false };
    let compiled = compile(id, &map, &settings, &mut sink);
    let tracked = text.path.map(|path| {
        let path = path.to_string_lossy().into_owned();
        // Rebuilds the crate when the file changes.
        quote!(
            const _: &[u8] = ::core::include_bytes!(#path);
        )
    });
    let code = match compiled {
        Some(compiled) => emit(&compiled, &target),
        None => {
            let errors = report::diagnostics(&sink, &map, &text.place);
            let file = syntax::parse(id, &map, &mut Sink::new());
            let skeleton = file.networks.first().map(|network| {
                let rank = network.items.iter().find_map(|item| match item {
                    syntax::ast::Item::Input(input) => Some(input.dims.len().clamp(1, 3)),
                    _ => None,
                });
                skeleton(&network.name.text, rank.unwrap_or(1), &target)
            });
            quote!(#errors #skeleton)
        }
    };
    quote!(#tracked #code)
}

/// A description's text, and how to point into it.
struct Text {
    name: String,
    text: String,
    path: Option<std::path::PathBuf>,
    place: Place,
}

impl Source {
    /// The text of a description: from a file, from those that come with Netwright, or from the invocation itself.
    fn read(self) -> Result<Text, report::Error> {
        match self {
            Source::Path { literal, path } => {
                let span = literal.span();
                let (file, root) = invocation::resolve(&path, span)?;
                let loaded = netwright_files::load_path(&file, root.as_deref())
                    .map_err(|error| report::Error::new(span, error.to_string()))?;
                Ok(Text { name: loaded.name, text: loaded.text, path: loaded.path, place: Place::Literal(span) })
            }
            Source::Bundled { name, first, last } => {
                let loaded = netwright_files::load_bundled(&name)
                    .map_err(|error| report::Error::between(first, last, error.to_string()))?;
                Ok(Text { name: loaded.name, text: loaded.text, path: None, place: Place::Tokens(first, last) })
            }
            Source::Inline(tokens) => {
                let printed = inline::print(tokens);
                Ok(Text {
                    name: "model!".to_owned(),
                    text: printed.text,
                    path: None,
                    place: Place::Inline(printed.table),
                })
            }
        }
    }
}
