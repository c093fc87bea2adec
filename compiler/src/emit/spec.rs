//! The network's description as a constant.

use proc_macro2::TokenStream;
use quote::quote;

use super::Context;
use crate::ir::{Init, Layout, Parameter, ValueId};
use crate::summary;

/// `static SPEC`.
pub(super) fn emit(context: &Context<'_>) -> TokenStream {
    let compiled = context.compiled;
    let graph = &compiled.graph;
    let (name, fingerprint) = (&graph.name, &compiled.fingerprint);
    let inputs = graph.inputs.iter().map(|&input| tensor(context, &graph.value(input).name, input));
    let outputs = graph.outputs.iter().map(|output| tensor(context, &output.name, output.value));
    let parameters = compiled.parameters.order.iter().map(|&id| {
        let offset = compiled.parameters.range(id).start;
        parameter(graph.parameter(id), offset)
    });
    let (trained, stored) = (compiled.parameters.trained, compiled.parameters.stored);
    let layers = summary::layers(graph).into_iter().map(|layer| {
        let summary::Layer { name, kind, input, output, parameters, macs } = layer;
        quote!(rt::LayerSpec {
            name: #name, kind: #kind, input: &[#(#input),*], output: &[#(#output),*], parameters: #parameters, macs: #macs,
        })
    });
    quote! {
        static SPEC: rt::Spec = rt::Spec {
            name: #name,
            fingerprint: #fingerprint,
            inputs: &[#(#inputs),*],
            outputs: &[#(#outputs),*],
            parameters: &[#(#parameters),*],
            trained: #trained,
            stored: #stored,
            layers: &[#(#layers),*],
        };
    }
}

fn tensor(context: &Context<'_>, name: &str, value: ValueId) -> TokenStream {
    let dims = context.compiled.graph.shape(value).dims();
    quote!(rt::TensorSpec { name: #name, shape: &[#(#dims),*] })
}

fn parameter(parameter: &Parameter, offset: usize) -> TokenStream {
    let Parameter { name, shape, layout, init, trained, frozen: _, rate: _ } = parameter;
    let dims = shape.dims();
    let layout = match *layout {
        Layout::Plain { len } => quote!(Padded { len: #len }),
        Layout::Panels { groups, k, f } => quote!(Panels { groups: #groups, k: #k, f: #f }),
    };
    let init = match *init {
        Init::Zeros => quote!(Zeros),
        Init::Ones => quote!(Ones),
        Init::GlorotUniform => quote!(GlorotUniform),
        Init::GlorotNormal => quote!(GlorotNormal),
        Init::HeUniform => quote!(HeUniform),
        Init::HeNormal => quote!(HeNormal),
        Init::Constant(value) => with_number(&quote!(Constant), value),
        Init::Normal(std) => with_number(&quote!(Normal), std),
        Init::Uniform(limit) => with_number(&quote!(Uniform), limit),
    };
    quote!(rt::ParameterSpec {
        name: #name, shape: &[#(#dims),*], offset: #offset, layout: rt::Layout::#layout, init: rt::Init::#init, trained: #trained,
    })
}

fn with_number(variant: &TokenStream, value: f64) -> TokenStream {
    let value = value as f32;
    quote!(#variant(#value))
}
