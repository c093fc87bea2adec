//! Names of the constants that all modes share: where parameters stand, and the sizes of layers.

use std::collections::{HashMap, HashSet};

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{Context, Int8Code, plain_ident, safe_ident};
use crate::Compiled;
use crate::ir::{Node, ParameterId};

/// Names that are given out once.
#[derive(Debug, Default)]
pub(crate) struct Unique(HashSet<String>);

impl Unique {
    /// The name as an identifier, with a number if it is given out already.
    pub(crate) fn ident(&mut self, name: &str) -> Ident {
        let name = self.numbered(safe_ident(name).to_string());
        safe_ident(&name)
    }

    /// The same for the name of a field, which is not among the names of generated code.
    pub(super) fn field(&mut self, name: &str) -> Ident {
        let name = self.numbered(plain_ident(name).to_string());
        plain_ident(&name)
    }

    fn numbered(&mut self, base: String) -> String {
        let mut candidate = base.clone();
        let mut number = 2;
        while !self.0.insert(candidate.clone()) {
            candidate = format!("{base}_{number}");
            number += 1;
        }
        candidate
    }
}

/// The constants that all modes share.
pub(crate) struct Constants {
    parameters: Vec<Ident>,
    /// By the text of their value: layers of the same sizes share one.
    geometries: HashMap<String, (Ident, TokenStream, TokenStream)>,
    order: Vec<String>,
}

impl Constants {
    /// Names the constants of a network.
    pub(crate) fn of(compiled: &Compiled, int8: Option<&Int8Code>) -> Self {
        let mut unique = Unique::default();
        let upper = |name: &str| {
            let upper = name.to_uppercase().replace('.', "_");
            // What starts so is where a value stands.
            if upper.starts_with("AT_") || upper == "AT" { format!("LAYER_{upper}") } else { upper }
        };
        let parameters =
            compiled.graph.parameters.iter().map(|parameter| unique.ident(&upper(&parameter.name))).collect();
        let mut constants = Self { parameters, geometries: HashMap::new(), order: Vec::new() };
        let rt = quote!(rt);
        let int8 =
            int8.into_iter().flat_map(|code| std::iter::once(&code.plans.inference).chain(&code.plans.evaluation));
        for node in compiled.plans().chain(int8).flat_map(|plan| &plan.graph.nodes) {
            let Some((ty, value)) = node.op.operation().geometry(&rt) else { continue };
            let key = value.to_string();
            if !constants.geometries.contains_key(&key) {
                let ident = unique.ident(&format!("{}_SIZES", upper(&node.layer)));
                constants.order.push(key.clone());
                constants.geometries.insert(key, (ident, ty, value));
            }
        }
        constants
    }

    /// The constant of a parameter's range.
    pub(crate) fn parameter(&self, id: ParameterId) -> &Ident {
        &self.parameters[id.0 as usize]
    }

    /// The local variable of a parameter's gradient: the constant's name, small, after `d_`.
    pub(crate) fn gradient(&self, id: ParameterId) -> Ident {
        quote::format_ident!("d_{}", self.parameter(id).to_string().to_lowercase())
    }

    /// The constant of a node's sizes.
    pub(crate) fn geometry(&self, node: &Node) -> TokenStream {
        let value = node.op.operation().geometry(&quote!(rt)).map(|(_, value)| value.to_string());
        value.and_then(|key| self.geometries.get(&key)).map_or_else(TokenStream::new, |(ident, ..)| quote!(#ident))
    }

    /// The constants themselves.
    pub(crate) fn emit(&self, context: &Context<'_>) -> TokenStream {
        let compiled = context.compiled;
        let mut tokens = TokenStream::new();
        for &id in &compiled.parameters.order {
            let (name, range) = (self.parameter(id), compiled.parameters.range(id));
            let (start, end) = (range.start, range.end);
            tokens.extend(quote!(const #name: rt::Range = #start..#end;));
        }
        for key in &self.order {
            if let Some((ident, ty, value)) = self.geometries.get(key) {
                tokens.extend(quote!(const #ident: #ty = #value;));
            }
        }
        tokens
    }
}
