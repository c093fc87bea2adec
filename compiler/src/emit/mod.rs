//! Generated code: a struct with its methods, constants for every size, and straight-line steps.
//!
//! Everything that is not the struct itself stands in a `const _: () = { … };` block, so that nothing is added to the
//! user's scope, and every path starts from the facade's own path, so that nothing of the user's scope is used.

mod api;
mod bands;
mod geometry;
mod int8;
mod names;
mod net;
mod photo;
mod recipe;
mod skeleton;
mod spec;
mod step;
mod steps;
#[cfg(feature = "text")]
mod text;

use proc_macro2::{Group, Ident, Literal, Span, TokenStream, TokenTree};
use quote::{format_ident, quote};

use crate::Compiled;
use crate::ir::ParameterId;
use crate::ops::Op;

pub use geometry::Geometry;
pub use int8::Code as Int8Code;
pub use net::{flat_name, to_net};
pub use skeleton::{Sketch, skeleton};
pub use step::StepContext;
#[cfg(feature = "text")]
pub use text::to_text;

/// The version of what generated code and runtime have agreed on; the runtime refuses code of another.
pub const CONTRACT: u32 = 1;

/// How to emit.
#[derive(Debug, Clone)]
pub struct Target {
    /// The path of the facade crate: `$crate`, or `::netwright`.
    pub facade: TokenStream,
    /// The name of the struct, where it is not the network's.
    pub rename: Option<Ident>,
    /// The weights that the program is built with.
    pub weights: Option<Embedded>,
    /// Inference in integers, where it is wanted.
    pub int8: Option<Int8Code>,
    /// Whether the code is to be read: with markers for comments, which only text can have, and numbers without a suffix, since
    /// their type is known where they are used.
    pub is_text: bool,
}

/// Weights that a program is built with. Whoever hands them over has checked that they are the network's.
#[derive(Debug, Clone)]
pub struct Embedded {
    /// What they are called, for the documentation.
    pub name: String,
    /// An expression for the bytes of the compressed file.
    pub bytes: TokenStream,
    /// The arrays of which most numbers are zero. Dense layers with such weights are predicted from a sparse form, where the
    /// runtime finds that faster.
    pub sparse: Vec<String>,
}

impl Target {
    /// Code for reading: paths from `netwright`, with comments.
    #[must_use]
    pub fn text() -> Self {
        Self { facade: quote!(netwright), rename: None, weights: None, int8: None, is_text: true }
    }
}

/// What the parts of the emitter share.
pub(crate) struct Context<'a> {
    pub(crate) compiled: &'a Compiled,
    pub(crate) target: &'a Target,
    pub(crate) rt: Ident,
    pub(crate) names: names::Constants,
    /// The dense layers of inference that may be sparse, by their weights.
    sparse: Vec<ParameterId>,
}

impl Context<'_> {
    /// The struct's name.
    fn type_name(&self) -> Ident {
        self.target.rename.clone().unwrap_or_else(|| safe_ident(&self.compiled.graph.name))
    }

    /// The name of the struct of a batch's outputs, of a network that has several.
    fn outputs_name(&self) -> Ident {
        outputs_name(&self.type_name())
    }

    /// Code that is kept where the runtime trains; as text, it is shown as it is kept.
    pub(crate) fn if_training(&self, code: &TokenStream) -> TokenStream {
        if self.target.is_text {
            let comment = self.comment(|| "In a crate without the feature `train`, what follows is left out");
            return quote!(#comment #code);
        }
        quote!(rt::training! { #code })
    }

    /// Code that is kept where the runtime reads images; as text, it is shown as it is kept.
    pub(crate) fn if_images(&self, code: &TokenStream) -> TokenStream {
        if self.target.is_text {
            let comment = self.comment(|| "In a crate without the feature `image`, what follows is left out");
            return quote!(#comment #code);
        }
        quote!(rt::images! { #code })
    }

    /// A comment, as a marker that [`to_text`] turns into one.
    pub(crate) fn comment<T: AsRef<str>>(&self, text: impl FnOnce() -> T) -> TokenStream {
        if !self.target.is_text {
            return TokenStream::new();
        }
        let text = text();
        let text = text.as_ref();
        quote!(__comment!(#text);)
    }
}

/// Emits a compiled network.
#[must_use]
pub fn emit(compiled: &Compiled, target: &Target) -> TokenStream {
    let rt = format_ident!("rt");
    let sparse = sparse_layers(compiled, target);
    let names = names::Constants::of(compiled, target.int8.as_ref());
    let context = Context { compiled, target, rt, names, sparse };
    let facade = &target.facade;
    let name = context.type_name();
    let (docs, case) = (api::type_docs(compiled), type_case(&name));
    let constants = context.names.emit(&context);
    let (spec, api) = (spec::emit(&context), api::emit(&context));
    let outputs = api::outputs(&context);
    let inference = steps::inference(&context);
    let training = steps::training(&context);
    let code = quote! {
        #docs
        #case
        #[derive(::core::fmt::Debug, ::core::clone::Clone)]
        pub struct #name {
            core: #facade::generated::Core,
        }

        #outputs

        #[allow(clippy::all, clippy::pedantic, clippy::restriction, clippy::nursery)]
        const _: () = {
            use #facade::generated as rt;
            const _: () = rt::check_contract(#CONTRACT);

            #constants
            #spec
            #api
            #inference
            #training
        };
    };
    if target.is_text { plain_numbers(code) } else { code }
}

/// The weights of the dense layers that may be sparse, in the order of their steps.
fn sparse_layers(compiled: &Compiled, target: &Target) -> Vec<ParameterId> {
    let graph = &compiled.inference.graph;
    let dense = graph.nodes.iter().filter(|node| matches!(node.op, Op::Dense(_)));
    let mostly_zero = |id: &ParameterId| {
        let name = &graph.parameter(*id).name;
        target.weights.iter().any(|weights| weights.sparse.contains(name))
    };
    dense.filter_map(|node| node.parameters.first().copied()).filter(mostly_zero).collect()
}

/// Keeps rustc from warning of a name that is not in the case of its types: it is the description's.
fn type_case(name: &Ident) -> TokenStream {
    let name = name.to_string();
    let is_usual = name.starts_with(|c: char| c.is_ascii_uppercase()) && !name.contains('_');
    if is_usual { TokenStream::new() } else { quote!(#[allow(non_camel_case_types)]) }
}

/// Numbers without the suffix of their type.
fn plain_numbers(tokens: TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Group(group) => {
                let mut plain = Group::new(group.delimiter(), plain_numbers(group.stream()));
                plain.set_span(group.span());
                plain.into()
            }
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                let digits = ["usize", "u64", "u32"].iter().find_map(|suffix| text.strip_suffix(suffix));
                let plain =
                    match (digits.and_then(|digits| digits.parse().ok()), text.strip_suffix("f32").map(str::parse)) {
                        (Some(value), _) => Literal::u64_unsuffixed(value),
                        (None, Some(Ok(value))) => Literal::f32_unsuffixed(value),
                        _ => literal,
                    };
                plain.into()
            }
            other => other,
        })
        .collect()
}

/// The name of the struct of a network's outputs, where it has several.
fn outputs_name(network: &Ident) -> Ident {
    format_ident!("{network}Outputs")
}

/// An identifier for a name of the description, for use among the names of generated code: one of those or one that Rust
/// keeps to itself gets an underscore.
pub(crate) fn safe_ident(name: &str) -> Ident {
    ident(&safe_name(name))
}

/// The text of [`safe_ident`].
fn safe_name(name: &str) -> String {
    // Names that the steps themselves use.
    const STEPS: &[&str] = &["b", "band", "c", "n", "p", "rt", "w", "out", "_"];
    if STEPS.contains(&name) { format!("{name}_") } else { plain_name(name) }
}

/// An identifier of the place where the macro is called.
fn ident(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}

/// The text of an identifier for a name of the description; one that Rust keeps to itself gets an underscore.
fn plain_name(name: &str) -> String {
    const KEPT: &[&str] = &[
        "Self", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do",
        "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
        "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct",
        "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while",
        "yield", "_",
    ];
    let clean: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
    let starts_with_digit = clean.chars().next().is_none_or(|c| c.is_ascii_digit());
    let clean = if starts_with_digit { format!("_{clean}") } else { clean };
    if KEPT.contains(&clean.as_str()) { format!("{clean}_") } else { clean }
}
