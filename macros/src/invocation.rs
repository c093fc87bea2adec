//! What stands inside of `model!( … )`: where the description is, the struct's name, values for parameters.

use std::path::{Path, PathBuf};

use netwright_compiler::Constant;
use proc_macro2::{Delimiter, Ident, Literal, Span, TokenStream, TokenTree};

use crate::report::Error;

/// An invocation, taken apart.
pub(crate) struct Invocation {
    /// The path of the facade.
    pub(crate) facade: TokenStream,
    pub(crate) source: Source,
    /// The struct's name after `as`.
    pub(crate) rename: Option<Ident>,
    /// Values for the network's parameters.
    pub(crate) overrides: Vec<Override>,
    /// The path of the weights that the program is built with, relative to the file with the invocation.
    pub(crate) weights: Option<(Literal, String)>,
    /// Whether there is to be code for inference in integers, and for calibrating it.
    pub(crate) int8: bool,
    /// Bytes of a core's cache, where plans are for others than the usual ones.
    pub(crate) cache: Option<usize>,
}

/// A value for a parameter of the network: `classes = 4`.
pub(crate) struct Override {
    pub(crate) name: String,
    pub(crate) value: Constant,
    /// Where the name is.
    pub(crate) first: Span,
    /// Where the value ends.
    pub(crate) last: Span,
}

/// Where the description is.
pub(crate) enum Source {
    /// In a file, relative to the one with the invocation.
    Path { literal: Literal, path: String },
    /// Among those that come with Netwright; the spans are those of the angle brackets.
    Bundled { name: String, first: Span, last: Span },
    /// In the invocation.
    Inline(TokenStream),
}

impl Invocation {
    /// Reads `(facade)` and one of the three forms.
    pub(crate) fn parse(input: TokenStream) -> Result<Self, Error> {
        let mut tokens = input.into_iter().peekable();
        let facade = match tokens.next() {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => group.stream(),
            _ => return Err(Error::new(Span::call_site(), "use `netwright::model!`, not the macro behind it")),
        };
        let rest: Vec<TokenTree> = tokens.flat_map(without_fragments).collect();
        let usage = "expected a path, a bundled network or a description: `model!(\"nets/lenet.net\")`, `model!(<lenet>)` or \
                     `model! { network Tiny { … } }`";
        match rest.as_slice() {
            [] => Err(Error::new(Span::call_site(), usage)),
            [TokenTree::Literal(literal), after @ ..] => {
                let Some(path) = string(literal) else { return Err(Error::new(literal.span(), usage)) };
                let source = Source::Path { literal: literal.clone(), path };
                let Options { rename, overrides, weights, int8, cache } = options(after)?;
                Ok(Self { facade, source, rename, overrides, weights, int8, cache })
            }
            [TokenTree::Punct(open), after @ ..] if open.as_char() == '<' => {
                let end =
                    after.iter().position(|token| matches!(token, TokenTree::Punct(close) if close.as_char() == '>'));
                let Some(end) = end else {
                    return Err(Error::new(open.span(), "expected `<name>` of a bundled network"));
                };
                let name = after[..end].iter().map(ToString::to_string).collect::<String>();
                let Options { rename, overrides, weights, int8, cache } = options(&after[end + 1..])?;
                let source = Source::Bundled { name, first: open.span(), last: after[end].span() };
                Ok(Self { facade, source, rename, overrides, weights, int8, cache })
            }
            _ => Ok(Self {
                facade,
                source: Source::Inline(rest.into_iter().collect()),
                rename: None,
                overrides: Vec::new(),
                weights: None,
                int8: false,
                cache: None,
            }),
        }
    }
}

/// The tokens of a macro's fragment, such as `$file:literal`, which comes in a group without delimiters; else the token.
fn without_fragments(token: TokenTree) -> Vec<TokenTree> {
    match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            group.stream().into_iter().flat_map(without_fragments).collect()
        }
        other => vec![other],
    }
}

/// The value of a string literal, plain or raw; `None` of another literal.
fn string(literal: &Literal) -> Option<String> {
    let text = literal.to_string();
    if let Some(raw) = text.strip_prefix('r') {
        return Some(raw.trim_matches('#').strip_prefix('"')?.strip_suffix('"')?.to_owned());
    }
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut value = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        // Paths and choices need no more than these; anything else stays as it is written.
        match (character, character == '\\') {
            (_, true) => match characters.next()? {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                other => value.push(other),
            },
            (other, false) => value.push(other),
        }
    }
    Some(value)
}

/// What follows the source.
#[derive(Default)]
struct Options {
    rename: Option<Ident>,
    overrides: Vec<Override>,
    weights: Option<(Literal, String)>,
    int8: bool,
    cache: Option<usize>,
}

/// Reads `as Name`, then `, parameter = value`, `, weights = "path"`, `, int8 = true` or `, cache = bytes` any number of times.
fn options(tokens: &[TokenTree]) -> Result<Options, Error> {
    let mut options = Options::default();
    let mut rest = match tokens {
        [TokenTree::Ident(word), TokenTree::Ident(name), rest @ ..] if word == "as" => {
            options.rename = Some(name.clone());
            rest
        }
        [TokenTree::Ident(word), ..] if word == "as" => {
            return Err(Error::new(word.span(), "expected a name after `as`: `model!(<lenet> as Small)`"));
        }
        _ => tokens,
    };
    while let [TokenTree::Punct(comma), after @ ..] = rest
        && comma.as_char() == ','
    {
        let (name, value) = match after {
            [] => return Ok(options),
            [TokenTree::Ident(name), TokenTree::Punct(equals), value @ ..] if equals.as_char() == '=' => (name, value),
            [other, ..] => return Err(Error::new(other.span(), "expected a parameter and its value: `classes = 10`")),
        };
        if name == "weights" {
            let Some((literal, path)) = path(value) else {
                let found = value.first().map_or(name.span(), TokenTree::span);
                return Err(Error::new(found, "expected the path of a .nwz file: `weights = \"lenet.nwz\"`"));
            };
            if options.weights.replace((literal, path)).is_some() {
                return Err(Error::new(name.span(), "`weights` is given twice"));
            }
            rest = &value[1..];
            continue;
        }
        if name == "int8" {
            let Some((Constant::Bool(wanted), used)) = constant(value) else {
                return Err(Error::new(name.span(), "expected `int8 = true`"));
            };
            options.int8 |= wanted;
            rest = &value[used..];
            continue;
        }
        if name == "cache" {
            let bytes = match constant(value) {
                Some((Constant::Int(bytes), used)) => usize::try_from(bytes).ok().map(|bytes| (bytes, used)),
                _ => None,
            };
            let Some((bytes, used)) = bytes else {
                return Err(Error::new(name.span(), "expected the bytes of a core's cache: `cache = 262_144`"));
            };
            options.cache = Some(bytes);
            rest = &value[used..];
            continue;
        }
        // A parameter may have a name that Rust keeps to itself: `r#type = 3`.
        let plain = name.to_string().trim_start_matches("r#").to_owned();
        if options.overrides.iter().any(|known| plain == known.name) {
            return Err(Error::new(name.span(), format!("`{plain}` is given twice")));
        }
        let (constant, used) = constant(value).ok_or_else(|| {
            Error::new(
                value.first().map_or(name.span(), TokenTree::span),
                "expected a number, `true`, `false` or a string",
            )
        })?;
        let last = value[..used].last().map_or(name.span(), TokenTree::span);
        options.overrides.push(Override { name: plain, value: constant, first: name.span(), last });
        rest = &value[used..];
    }
    match rest {
        [] => Ok(options),
        [other, ..] => Err(Error::new(other.span(), "expected `as Name`, or `, parameter = value`")),
    }
}

/// The string at the start of some tokens.
fn path(tokens: &[TokenTree]) -> Option<(Literal, String)> {
    match tokens.first() {
        Some(TokenTree::Literal(literal)) => Some((literal.clone(), string(literal)?)),
        _ => None,
    }
}

/// A value at the start of some tokens, and how many tokens it takes.
fn constant(tokens: &[TokenTree]) -> Option<(Constant, usize)> {
    match tokens {
        [TokenTree::Punct(minus), rest @ ..] if minus.as_char() == '-' => match constant(rest)? {
            (Constant::Int(value), used) => Some((Constant::Int(value.checked_neg()?), used + 1)),
            (Constant::Float(value), used) => Some((Constant::Float(-value), used + 1)),
            _ => None,
        },
        [TokenTree::Ident(word), ..] if word == "true" || word == "false" => Some((Constant::Bool(word == "true"), 1)),
        [TokenTree::Literal(literal), ..] => {
            if let Some(text) = string(literal) {
                return Some((Constant::Text(text), 1));
            }
            let digits = literal.to_string().replace('_', "");
            let int = digits.parse().ok().map(Constant::Int);
            let float = || digits.parse().ok().filter(|value: &f64| value.is_finite()).map(Constant::Float);
            int.or_else(float).map(|constant| (constant, 1))
        }
        _ => None,
    }
}

/// The file that a path means, which starts at the folder of the source file with the invocation, and the root that it
/// must not leave: the package's folder.
pub(crate) fn resolve(path: &str, span: Span) -> Result<(PathBuf, Option<PathBuf>), Error> {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    if Path::new(path).is_absolute() {
        return Err(Error::new(span, format!("`{path}` is absolute; a path starts at the folder of this source file")));
    }
    // What rustc knows the source file by starts at the workspace's root, which is where rustc runs. An editor may not
    // know it; the package's `src` is then the best guess.
    let source = span.local_file().and_then(|file| {
        let here = std::env::current_dir().ok();
        let candidates =
            [Some(file.clone()), here.map(|here| here.join(&file)), manifest.as_ref().map(|root| root.join(&file))];
        candidates.into_iter().flatten().find(|candidate| candidate.is_file())
    });
    let folder = source
        .and_then(|file| file.parent().map(Path::to_path_buf))
        .or_else(|| manifest.as_ref().map(|root| root.join("src")));
    let file = folder.map_or_else(|| PathBuf::from(path), |folder| folder.join(path));
    Ok((file, manifest))
}
