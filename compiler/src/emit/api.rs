//! What a user sees of a network: the struct's documentation and its methods.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::Context;
use super::names::Unique;
use crate::Compiled;
use crate::ir::{Shape, ValueId};
use crate::summary;

/// The struct's doc comment: the description's own, then inputs, outputs and layers.
pub(super) fn type_docs(compiled: &Compiled) -> TokenStream {
    let graph = &compiled.graph;
    let mut lines: Vec<String> = graph.docs.clone();
    if lines.is_empty() {
        lines.push(format!("The network `{}`.", graph.name));
    }
    lines.push(String::new());
    lines.push("| layer | kind | input | output | parameters | multiply-adds |".to_owned());
    lines.push("|---|---|---|---|---:|---:|".to_owned());
    for layer in summary::layers(graph) {
        let summary::Layer { name, kind, input, output, parameters, macs } = layer;
        lines.push(format!("| `{name}` | {kind} | {input:?} | {output:?} | {parameters} | {macs} |"));
    }
    let lines = lines.iter().map(|line| if line.is_empty() { String::new() } else { format!(" {line}") });
    quote!(#(#[doc = #lines])*)
}

/// `impl NAME`.
pub(super) fn emit(context: &Context<'_>) -> TokenStream {
    let compiled = context.compiled;
    let graph = &compiled.graph;
    let name = context.type_name();
    // Methods take these arguments beside the input and the output.
    let mut unique = Unique::default();
    let [labels, targets, gradients] = ["labels", "targets", "gradients"].map(|name| unique.ident(name));
    let input = Tensor::of(compiled, graph.inputs[0], &graph.value(graph.inputs[0]).name, &mut unique);
    let output = Tensor::of(compiled, graph.outputs[0].value, &graph.outputs[0].name, &mut unique);
    let (x, x_view, y, y_array, y_view) = (&input.name, input.view(), &output.name, output.array(), output.view_mut());
    let parameters = compiled.trained_count();
    let predict_docs = format!(" Predicts a batch: {} -> {}.", input.describe(), output.describe());
    let forward_docs =
        format!(" Predicts a batch, {}, into `{y}`, {}, without allocating.", input.describe(), output.describe());
    let training = training(context, &input, [&labels, &targets, &gradients]);
    quote! {
        impl #name {
            /// The number of trained parameters.
            pub const PARAMETERS: usize = #parameters;

            /// A network initialised as its description says; the same for the same seed.
            #[must_use]
            pub fn new(seed: u64) -> Self {
                Self { core: rt::Core::new(&SPEC, seed) }
            }

            /// The network's names, shapes and layers.
            #[must_use]
            pub fn spec() -> &'static rt::Spec {
                &SPEC
            }

            #[doc = #predict_docs]
            ///
            /// # Errors
            ///
            /// If the batch has another shape.
            pub fn predict(&self, #x: #x_view) -> rt::Result<#y_array, rt::Error> {
                rt::predict(self, #x)
            }

            #[doc = #forward_docs]
            ///
            /// # Errors
            ///
            /// If one of the shapes is another.
            pub fn forward(&self, #x: #x_view, #y: #y_view) -> rt::Result<(), rt::Error> {
                rt::forward(self, #x, #y)
            }

            /// Copies out a parameter by its name, such as `conv1.weight`.
            ///
            /// # Errors
            ///
            /// If there is no such parameter.
            pub fn param(&self, name: &str) -> rt::Result<rt::ndarray::ArrayD<f32>, rt::Error> {
                self.core.parameters().get(name)
            }

            /// Copies in a parameter by its name.
            ///
            /// # Errors
            ///
            /// If there is no such parameter, or it has another shape.
            pub fn set_param(&mut self, name: &str, value: rt::ndarray::ArrayViewD<'_, f32>) -> rt::Result<(), rt::Error> {
                self.core.parameters_mut().set(name, value)
            }

            /// Saves the parameters as safetensors; the file is replaced at once or not at all.
            ///
            /// # Errors
            ///
            /// If the file cannot be written.
            pub fn save(&self, path: impl rt::AsRef<rt::Path>) -> rt::Result<(), rt::Error> {
                rt::weights::save(self.core.parameters(), path.as_ref())
            }

            /// Loads parameters that [`save`](Self::save) wrote, or others of the same names and shapes.
            ///
            /// # Errors
            ///
            /// If the file cannot be read, or does not fit; the message lists every difference.
            pub fn load(path: impl rt::AsRef<rt::Path>) -> rt::Result<Self, rt::Error> {
                rt::Result::Ok(Self { core: rt::Core::from_parameters(rt::weights::load(&SPEC, path.as_ref())?) })
            }

            /// Loads parameters from the bytes of a file, such as those that `include_bytes!` embeds.
            ///
            /// # Errors
            ///
            /// If the bytes do not fit; the message lists every difference.
            pub fn from_bytes(bytes: &[u8]) -> rt::Result<Self, rt::Error> {
                rt::Result::Ok(Self { core: rt::Core::from_parameters(rt::weights::from_bytes(&SPEC, bytes)?) })
            }
        }

        #training
    }
}

fn training(context: &Context<'_>, input: &Tensor, [labels, values, gradients]: [&Ident; 3]) -> TokenStream {
    let Some(train) = &context.compiled.training else { return TokenStream::new() };
    let name = context.type_name();
    let (x, x_view) = (&input.name, input.view());
    let (docs, targets, targets_type, wrap) = if train.recipe.loss.kind.takes_classes() {
        (" `labels` has the class of each image.", labels, quote!(&[u32]), quote!(rt::Targets::Classes(#labels)))
    } else {
        let docs = " `targets` has the values wanted, image after image.";
        (docs, values, quote!(&[f32]), quote!(rt::Targets::Values(#values)))
    };
    let first = format!(" Computes the mean loss of a batch, {}, and its gradients.", input.describe());
    context.if_training(&quote! {
            impl #name {
                /// How the description says to train.
                #[must_use]
                pub fn recipe() -> rt::train::Recipe {
                    <Self as rt::Trainable>::RECIPE
                }

                /// Room for the network's gradients, and for computing them.
                ///
                /// # Errors
                ///
                /// If memory cannot be had.
                pub fn gradients() -> rt::Result<rt::Gradients, rt::Error> {
                    rt::Gradients::new::<Self>()
                }

                #[doc = #first]
                #[doc = #docs]
                ///
                /// # Errors
                ///
                /// If shapes or lengths do not agree, or a label is no class.
                pub fn loss_and_gradients(
                    &mut self,
                    #x: #x_view,
                    #targets: #targets_type,
                    #gradients: &mut rt::Gradients,
                ) -> rt::Result<rt::BatchLoss, rt::Error> {
                    rt::batch_gradients(self, #x, #wrap, #gradients)
                }
            }
    })
}

/// An input or output with a batch axis in front.
struct Tensor {
    name: Ident,
    dims: Vec<usize>,
}

impl Tensor {
    fn of(compiled: &Compiled, value: ValueId, name: &str, unique: &mut Unique) -> Self {
        let shape: &Shape = compiled.graph.shape(value);
        let name = unique.ident(&name.to_lowercase());
        Self { name, dims: shape.dims().to_vec() }
    }

    fn view(&self) -> TokenStream {
        let ty = format_ident!("ArrayView{}", self.dims.len() + 1);
        quote!(rt::ndarray::#ty<'_, f32>)
    }

    fn view_mut(&self) -> TokenStream {
        let ty = format_ident!("ArrayViewMut{}", self.dims.len() + 1);
        quote!(rt::ndarray::#ty<'_, f32>)
    }

    fn array(&self) -> TokenStream {
        let ty = format_ident!("Array{}", self.dims.len() + 1);
        quote!(rt::ndarray::#ty<f32>)
    }

    /// `` `image`, `[N, 28, 28, 1]` ``.
    fn describe(&self) -> String {
        let dims: String = self.dims.iter().map(|size| format!(", {size}")).collect();
        format!("`[N{dims}]`")
    }
}
