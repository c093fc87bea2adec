//! The sizes of a layer, as a constant of generated code.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, quote};

use super::ident;

/// A struct of the runtime's with the values of its fields. Layers of equal sizes share one constant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Geometry {
    module: &'static str,
    ty: &'static str,
    fields: Vec<(&'static str, Value)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Value {
    Size(usize),
    Pair([usize; 2]),
    /// By its bits.
    Number(u32),
    Flag(bool),
}

impl Geometry {
    /// A struct by its module and name, without fields so far.
    #[must_use]
    pub fn new(module: &'static str, ty: &'static str) -> Self {
        Self { module, ty, fields: Vec::new() }
    }

    /// Adds fields that are sizes.
    #[must_use]
    pub fn sizes<const N: usize>(self, fields: [(&'static str, usize); N]) -> Self {
        self.with(fields.map(|(name, size)| (name, Value::Size(size))))
    }

    /// Adds fields with a size for each axis: rows, columns.
    #[must_use]
    pub fn pairs<const N: usize>(self, fields: [(&'static str, [usize; 2]); N]) -> Self {
        self.with(fields.map(|(name, pair)| (name, Value::Pair(pair))))
    }

    /// Adds fields that are `f32`.
    #[must_use]
    pub fn numbers<const N: usize>(self, fields: [(&'static str, f32); N]) -> Self {
        self.with(fields.map(|(name, number)| (name, Value::Number(number.to_bits()))))
    }

    /// Adds a field that is a truth value.
    #[must_use]
    pub fn flag(self, name: &'static str, flag: bool) -> Self {
        self.with([(name, Value::Flag(flag))])
    }

    fn with<const N: usize>(mut self, fields: [(&'static str, Value); N]) -> Self {
        self.fields.extend(fields);
        self
    }

    /// The constant of that name.
    pub(super) fn constant(&self, rt: &Ident, name: &Ident) -> TokenStream {
        let (module, ty) = (ident(self.module), ident(self.ty));
        let (fields, values) =
            (self.fields.iter().map(|(name, _)| ident(name)), self.fields.iter().map(|(_, value)| value));
        quote!(const #name: #rt::#module::#ty = #rt::#module::#ty { #(#fields: #values),* };)
    }
}

impl ToTokens for Value {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match *self {
            Value::Size(size) => Literal::usize_unsuffixed(size).to_tokens(tokens),
            Value::Pair(pair) => {
                let [a, b] = pair.map(Literal::usize_unsuffixed);
                quote!([#a, #b]).to_tokens(tokens);
            }
            Value::Number(bits) => f32::from_bits(bits).to_tokens(tokens),
            Value::Flag(flag) => flag.to_tokens(tokens),
        }
    }
}
