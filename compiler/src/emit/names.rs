//! Names of the constants that all modes share: where parameters stand, and the sizes of layers.

use std::collections::{HashMap, HashSet};

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::geometry::Geometry;
use super::{Context, Int8Code, ident, plain_name, safe_name};
use crate::Compiled;
use crate::ir::{Node, ParameterId};

/// Names that are given out once.
#[derive(Debug, Default)]
pub(crate) struct Unique(HashSet<String>);

impl Unique {
    /// The name as an identifier, with a number if it is given out already.
    pub(crate) fn ident(&mut self, name: &str) -> Ident {
        ident(&self.numbered(safe_name(name)))
    }

    /// The same for the name of a field, which is not among the names of generated code.
    pub(super) fn field(&mut self, name: &str) -> Ident {
        ident(&self.numbered(plain_name(name)))
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
    /// The local variables of their gradients: the constant's name, small, after `d_`.
    gradients: Vec<Ident>,
    /// Layers of equal sizes share one.
    geometries: HashMap<Geometry, Ident>,
    /// In the order in which layers have them.
    order: Vec<Geometry>,
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
        let parameters: Vec<Ident> =
            compiled.graph.parameters.iter().map(|parameter| unique.ident(&upper(&parameter.name))).collect();
        let gradients = parameters.iter().map(|name| format_ident!("d_{}", name.to_string().to_lowercase())).collect();
        let mut constants = Self { parameters, gradients, geometries: HashMap::new(), order: Vec::new() };
        let int8 =
            int8.into_iter().flat_map(|code| std::iter::once(&code.plans.inference).chain(&code.plans.evaluation));
        for node in compiled.plans().chain(int8).flat_map(|plan| &plan.graph.nodes) {
            let Some(geometry) = node.op.operation().geometry() else { continue };
            if !constants.geometries.contains_key(&geometry) {
                let ident = unique.ident(&format!("{}_SIZES", upper(&node.layer)));
                constants.order.push(geometry.clone());
                constants.geometries.insert(geometry, ident);
            }
        }
        constants
    }

    /// The constant of a parameter's range.
    pub(crate) fn parameter(&self, id: ParameterId) -> &Ident {
        &self.parameters[id.0 as usize]
    }

    /// The local variable of a parameter's gradient.
    pub(crate) fn gradient(&self, id: ParameterId) -> &Ident {
        &self.gradients[id.0 as usize]
    }

    /// The constant of a node's sizes.
    pub(crate) fn geometry(&self, node: &Node) -> Option<&Ident> {
        self.geometries.get(&node.op.operation().geometry()?)
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
        for geometry in &self.order {
            tokens.extend(geometry.constant(&context.rt, &self.geometries[geometry]));
        }
        tokens
    }
}
