//! What stands for a network whose description has errors, so that these are not followed by one error for every use.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::names::Unique;
use super::{Target, outputs_name, safe_ident, type_case};

/// What can be told of a network whose description has errors.
#[derive(Debug, Clone)]
pub struct Sketch<'a> {
    /// The network's name.
    pub name: &'a str,
    /// Axes of each input without that of the batch, 1 to 3; where there is none, methods take one argument of any type.
    pub inputs: Vec<usize>,
    /// Each output's name, and its axes without that of the batch, 1 to 3; where there is none, there is one of one axis.
    pub outputs: Vec<(&'a str, usize)>,
    /// Whether the loss compares with values rather than with classes.
    pub is_regression: bool,
}

/// The struct with everything that a network has, which compiles and is never run.
#[must_use]
pub fn skeleton(sketch: &Sketch<'_>, target: &Target) -> TokenStream {
    let name = target.rename.clone().unwrap_or_else(|| safe_ident(sketch.name));
    let facade = &target.facade;
    let case = type_case(&name);
    let outputs = outputs(&name, sketch, facade);
    let (methods, traits) = (methods(&name, sketch), traits(&name, sketch));
    let pretrained = target.weights.as_ref().map(|_| {
        quote!(
            #[doc(hidden)]
            pub fn pretrained() -> Self {
                loop {}
            }
        )
    });
    quote! {
        /// A network whose description has errors.
        #case
        #[derive(::core::fmt::Debug, ::core::clone::Clone)]
        pub struct #name {
            core: #facade::generated::Core,
        }

        #outputs

        #[allow(clippy::all, clippy::pedantic, clippy::restriction, clippy::nursery, unused_variables, dead_code)]
        const _: () = {
            use #facade::generated as rt;
            static SPEC: rt::Spec = rt::Spec {
                name: "", fingerprint: "", inputs: &[], outputs: &[], parameters: &[], trained: 0, stored: 0, layers: &[],
            };
            impl #name { #methods #pretrained }
            #traits
        };
    }
}

/// The struct of a batch's outputs, where there are several.
fn outputs(network: &Ident, sketch: &Sketch<'_>, facade: &TokenStream) -> TokenStream {
    if sketch.outputs.len() < 2 {
        return TokenStream::new();
    }
    let name = outputs_name(network);
    let case = type_case(&name);
    let mut unique = Unique::default();
    let fields = sketch.outputs.iter().map(|(name, rank)| {
        let (field, ty) = (unique.field(&name.to_lowercase()), format_ident!("Array{}", rank + 1));
        quote!(#[doc(hidden)] pub #field: #facade::generated::ndarray::#ty<f32>)
    });
    quote! {
        /// The outputs of a network whose description has errors.
        #case
        #[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::cmp::PartialEq)]
        pub struct #name { #(#fields),* }
    }
}

/// The generic parameters of a method that takes the inputs, and the inputs.
fn inputs(sketch: &Sketch<'_>) -> (TokenStream, TokenStream) {
    if sketch.inputs.is_empty() {
        return (quote!(<X>), quote!(input: X,));
    }
    let arguments = sketch.inputs.iter().enumerate().map(|(index, rank)| {
        let (name, view) = (format_ident!("input_{index}"), format_ident!("ArrayView{}", rank + 1));
        quote!(#name: rt::ndarray::#view<'_, f32>,)
    });
    (TokenStream::new(), quote!(#(#arguments)*))
}

fn methods(name: &Ident, sketch: &Sketch<'_>) -> TokenStream {
    let ranks: Vec<usize> = match sketch.outputs.as_slice() {
        [] => vec![1],
        outputs => outputs.iter().map(|(_, rank)| *rank).collect(),
    };
    let result = match ranks.as_slice() {
        [rank] => {
            let array = format_ident!("Array{}", rank + 1);
            quote!(rt::ndarray::#array<f32>)
        }
        _ => {
            let name = outputs_name(name);
            quote!(#name)
        }
    };
    let outputs = ranks.iter().enumerate().map(|(index, rank)| {
        let (name, view) = (format_ident!("output_{index}"), format_ident!("ArrayViewMut{}", rank + 1));
        quote!(#name: rt::ndarray::#view<'_, f32>)
    });
    let (generic, inputs) = inputs(sketch);
    quote! {
        #[doc(hidden)] pub const PARAMETERS: usize = 0;
        #[doc(hidden)] pub const LABELS: &'static [&'static str] = &[];
        #[doc(hidden)] pub fn new(seed: u64) -> Self { loop {} }
        #[doc(hidden)] pub fn spec() -> &'static rt::Spec { &SPEC }
        #[doc(hidden)] pub fn predict #generic(&self, #inputs) -> rt::Result<#result, rt::Error> { loop {} }
        #[doc(hidden)] pub fn forward #generic(
            &self, #inputs #(#outputs),*
        ) -> rt::Result<(), rt::Error> { loop {} }
        #[doc(hidden)] pub fn param(&self, name: &str) -> rt::Result<rt::ndarray::ArrayD<f32>, rt::Error> { loop {} }
        #[doc(hidden)] pub fn set_param(&mut self, name: &str, value: rt::ndarray::ArrayViewD<'_, f32>) -> rt::Result<(), rt::Error> { loop {} }
        #[doc(hidden)] pub fn save(&self, path: impl rt::AsRef<rt::Path>) -> rt::Result<(), rt::Error> { loop {} }
        #[doc(hidden)] pub fn load(path: impl rt::AsRef<rt::Path>) -> rt::Result<Self, rt::Error> { loop {} }
        #[doc(hidden)] pub fn from_bytes(bytes: &[u8]) -> rt::Result<Self, rt::Error> { loop {} }
    }
}

fn traits(name: &Ident, sketch: &Sketch<'_>) -> TokenStream {
    let (generic, inputs) = inputs(sketch);
    let targets = if sketch.is_regression { quote!(&[f32]) } else { quote!(&[u32]) };
    quote! {
        impl rt::Network for #name {
            const SPEC: &'static rt::Spec = &SPEC;
            const INFERENCE: rt::Inference = rt::Inference { chunk: 1, arena: 0, macs: 0 };
            fn core(&self) -> &rt::Core { &self.core }
            fn core_mut(&mut self) -> &mut rt::Core { &mut self.core }
            fn from_core(core: rt::Core) -> Self { Self { core } }
            fn infer(c: &mut rt::InferenceChunk<'_>) {}
        }

        rt::images! {
            impl #name {
                #[doc(hidden)] pub fn read_photo(path: impl rt::AsRef<rt::Path>) -> rt::Result<rt::ndarray::Array4<f32>, rt::ImageError> { loop {} }
                #[doc(hidden)] pub fn decode_photo(bytes: &[u8]) -> rt::Result<rt::ndarray::Array4<f32>, rt::ImageError> { loop {} }
            }
        }

        rt::training! {
            impl #name {
                #[doc(hidden)] pub fn recipe() -> rt::train::Recipe { <Self as rt::Trainable>::RECIPE }
                #[doc(hidden)] pub fn gradients() -> rt::Result<rt::Gradients, rt::Error> { loop {} }
                #[doc(hidden)] pub fn loss_and_gradients #generic(
                    &mut self, #inputs targets: #targets, gradients: &mut rt::Gradients,
                ) -> rt::Result<rt::BatchLoss, rt::Error> { loop {} }
            }

            impl rt::Trainable for #name {
                const RECIPE: rt::train::Recipe = rt::train::Recipe {
                    loss: rt::train::Loss::CrossEntropy,
                    optimizer: rt::train::Optimizer::Sgd { lr: 0.01, momentum: 0.0, nesterov: false, weight_decay: 0.0 },
                    schedule: rt::train::Schedule::Constant,
                    warmup_steps: 0,
                    batch: 1,
                    epochs: 1,
                    seed: 0,
                    patience: rt::Option::None,
                    validation: rt::Option::None,
                    clip_norm: rt::Option::None,
                };
                const TRAINING: rt::Training = rt::Training {
                    chunk: 1, lanes: 1, lane_images: 1, arena: 0, stages: 1, derived: &[], shared: 0, classes: 1, target: 0, macs: 0,
                };
                const EVALUATION: rt::Inference = rt::Inference { chunk: 1, arena: 0, macs: 0 };
                fn evaluate(c: &mut rt::EvaluationChunk<'_>) {}
                fn derive(job: usize, parameters: &[f32], out: &mut [f32]) {}
                fn stage(stage: usize, chunk: &mut rt::TrainingChunk<'_>) {}
                fn barrier(stage: usize, barrier: &mut rt::Barrier<'_>) {}
            }
        }
    }
}
