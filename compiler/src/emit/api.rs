//! What a user sees of a network: the struct's documentation and its methods.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::names::Unique;
use super::{Context, Embedded, photo, type_case};
use crate::Compiled;
use crate::ir::{Output, Shape, ValueId};
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
    // Methods take these arguments beside the inputs and the outputs.
    let mut unique = Unique::default();
    let [labels, targets, gradients] = ["labels", "targets", "gradients"].map(|name| unique.ident(name));
    let input = |id: &ValueId, unique: &mut Unique| Tensor::of(compiled, *id, &graph.value(*id).name, unique);
    let inputs: Vec<Tensor> = graph.inputs.iter().map(|id| input(id, &mut unique)).collect();
    let output = |output: &Output, unique: &mut Unique| Tensor::of(compiled, output.value, &output.name, unique);
    let outputs: Vec<Tensor> = graph.outputs.iter().map(|id| output(id, &mut unique)).collect();
    let predict = match (inputs.as_slice(), outputs.as_slice()) {
        ([input], [output]) => predict_one(input, output),
        _ => predict_all(context, &inputs, &outputs),
    };
    let parameters = compiled.trained_count();
    let training = training(context, &inputs, [&labels, &targets, &gradients]);
    let pretrained = context.target.weights.as_ref().map(|weights| pretrained(context, weights));
    let (class_labels, photos) = (photo::constant(context), photo::methods(context));
    quote! {
        impl #name {
            /// The number of trained parameters.
            pub const PARAMETERS: usize = #parameters;

            #class_labels

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

            #predict

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

            /// Loads a file of parameters: one that [`save`](Self::save) wrote, or another, also a compressed one.
            ///
            /// # Errors
            ///
            /// If the file cannot be read, or does not fit; the message lists every difference.
            pub fn load(path: impl rt::AsRef<rt::Path>) -> rt::Result<Self, rt::Error> {
                rt::weights::load_network(path.as_ref())
            }

            /// Loads parameters from the bytes of a file, of either kind, such as those that `include_bytes!` embeds.
            ///
            /// # Errors
            ///
            /// If the bytes do not fit; the message lists every difference.
            pub fn from_bytes(bytes: &[u8]) -> rt::Result<Self, rt::Error> {
                rt::weights::network_from_bytes(bytes)
            }

            #pretrained
        }

        #photos
        #training
    }
}

/// `pretrained` of a network whose weights are part of the program.
fn pretrained(context: &Context<'_>, weights: &Embedded) -> TokenStream {
    let Embedded { name, bytes, .. } = weights;
    let sparse = context.sparse.iter().filter_map(|&id| {
        let node = context.compiled.inference.graph.nodes.iter().find(|node| node.parameters.first() == Some(&id))?;
        let (sizes, range) = (context.names.geometry(node), context.names.parameter(id));
        Some(quote!((#sizes, #range)))
    });
    let with_sparse = match context.sparse.is_empty() {
        true => TokenStream::new(),
        false => quote!(.with_sparse(&[#(#sparse),*])),
    };
    let docs = format!(" The network with the weights of `{name}`, which are part of the program.");
    let network = match context.target.int8.is_some() {
        true => quote!(rt::weights::embedded_network(#bytes)),
        false => quote!(Self { core: rt::Core::from_parameters(rt::weights::embedded(&SPEC, #bytes)) #with_sparse }),
    };
    quote! {
        #[doc = #docs]
        ///
        /// # Panics
        ///
        /// If memory for the parameters cannot be had.
        #[must_use]
        pub fn pretrained() -> Self {
            #network
        }
    }
}

/// `predict` and `forward` of a network of one input and one output.
fn predict_one(input: &Tensor, output: &Tensor) -> TokenStream {
    let (x, x_view, y, y_array, y_view) = (&input.name, input.view(), &output.name, output.array(), output.view_mut());
    let predict_docs = format!(" Predicts a batch: {} -> {}.", input.describe(), output.describe());
    let forward_docs =
        format!(" Predicts a batch, {}, into `{y}`, {}, without allocating.", input.describe(), output.describe());
    quote! {
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
    }
}

/// `predict` and `forward` of a network of several inputs or outputs: an argument for each input; one array, or a struct
/// of arrays, as the result.
fn predict_all(context: &Context<'_>, inputs: &[Tensor], outputs: &[Tensor]) -> TokenStream {
    let (xs, x_views): (Vec<_>, Vec<_>) = inputs.iter().map(|input| (&input.name, input.view())).unzip();
    let (ys, y_views): (Vec<_>, Vec<_>) = outputs.iter().map(|output| (&output.name, output.view_mut())).unzip();
    let (result, value) = match outputs {
        [output] => (output.array(), quote!(rt::with_rank(&SPEC.outputs[0], #(#ys)*))),
        _ => {
            let (name, fields) = (context.outputs_name(), fields(context.compiled));
            let indices = 0..outputs.len();
            let ranked = quote!(#(#fields: rt::with_rank(&SPEC.outputs[#indices], #ys)?,)*);
            (quote!(#name), quote!(rt::Result::Ok(#name { #ranked })))
        }
    };
    let predict_docs = format!(" Predicts a batch of N images from {}: {}.", list(inputs), list(outputs));
    let forward_docs = format!(" Predicts a batch of N images from {} into {}.", list(inputs), list(outputs));
    quote! {
        #[doc = #predict_docs]
        ///
        /// # Errors
        ///
        /// If an input has another shape, or inputs are of different numbers of images.
        pub fn predict(&self, #(#xs: #x_views),*) -> rt::Result<#result, rt::Error> {
            let [#(#ys),*] = rt::predict_all(self, &[#(#xs.into_dyn()),*])?;
            #value
        }

        #[doc = #forward_docs]
        ///
        /// # Errors
        ///
        /// If one of the shapes is another, or inputs and outputs are of different numbers of images.
        pub fn forward(&self, #(#xs: #x_views,)* #(#ys: #y_views),*) -> rt::Result<(), rt::Error> {
            rt::forward_all(self, &[#(#xs.into_dyn()),*], &mut [#(#ys.into_dyn()),*])
        }
    }
}

/// The struct that `predict` gives, of a network of several outputs.
pub(super) fn outputs(context: &Context<'_>) -> TokenStream {
    let (compiled, facade) = (context.compiled, &context.target.facade);
    let graph = &compiled.graph;
    if graph.outputs.len() < 2 {
        return TokenStream::new();
    }
    let (network, name) = (context.type_name(), context.outputs_name());
    let case = type_case(&name);
    let docs = format!(" What [`{network}::predict`] gives: an array for each output, with the batch axis first.");
    let fields = graph.outputs.iter().zip(fields(compiled)).map(|(output, field)| {
        let dims = compiled.graph.shape(output.value).dims();
        let tensor = Tensor { name: field.clone(), dims: dims.to_vec() };
        let first = format!(" The output `{}`, {}.", output.name, tensor.describe());
        let docs = output.docs.iter().map(|line| if line.is_empty() { String::new() } else { format!(" {line}") });
        let more = if output.docs.is_empty() { TokenStream::new() } else { quote!(#[doc = ""] #(#[doc = #docs])*) };
        let ty = format_ident!("Array{}", dims.len() + 1);
        quote!(#[doc = #first] #more pub #field: #facade::generated::ndarray::#ty<f32>)
    });
    quote! {
        #[doc = #docs]
        #case
        #[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::cmp::PartialEq)]
        pub struct #name {
            #(#fields),*
        }
    }
}

/// The fields of the struct of outputs.
fn fields(compiled: &Compiled) -> Vec<Ident> {
    let mut unique = Unique::default();
    compiled.graph.outputs.iter().map(|output| unique.field(&output.name.to_lowercase())).collect()
}

/// `` `image`, `[N, 28, 28, 1]`, and `table`, `[N, 5]` ``.
fn list(tensors: &[Tensor]) -> String {
    let texts: Vec<String> = tensors.iter().map(|tensor| format!("`{}`, {}", tensor.name, tensor.describe())).collect();
    match texts.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{}, and {last}", first.join(", ")),
    }
}

fn training(context: &Context<'_>, inputs: &[Tensor], [labels, values, gradients]: [&Ident; 3]) -> TokenStream {
    let Some(train) = &context.compiled.training else { return TokenStream::new() };
    let name = context.type_name();
    let (xs, x_views): (Vec<_>, Vec<_>) = inputs.iter().map(|input| (&input.name, input.view())).unzip();
    let (docs, targets, targets_type, wrap) = if train.recipe.loss.kind.takes_classes() {
        (" `labels` has the class of each image.", labels, quote!(&[u32]), quote!(rt::Targets::Classes(#labels)))
    } else {
        let docs = " `targets` has the values wanted, image after image.";
        (docs, values, quote!(&[f32]), quote!(rt::Targets::Values(#values)))
    };
    let (first, call) = match inputs {
        [input] => {
            let first = format!(" Computes the mean loss of a batch, {}, and its gradients.", input.describe());
            (first, quote!(rt::batch_gradients(self, #(#xs)*, #wrap, #gradients)))
        }
        _ => {
            let first =
                format!(" Computes the mean loss of a batch of N images from {}, and its gradients.", list(inputs));
            (first, quote!(rt::batch_gradients_all(self, &[#(#xs.into_dyn()),*], #wrap, #gradients)))
        }
    };
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
                    #(#xs: #x_views,)*
                    #targets: #targets_type,
                    #gradients: &mut rt::Gradients,
                ) -> rt::Result<rt::BatchLoss, rt::Error> {
                    #call
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
