//! Photographs and labels: constants of the network, and methods that read images.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Context, recipe};
use crate::photo::Photo;

/// `const PHOTOS`, where an input is made from photographs.
pub(super) fn photos(context: &Context<'_>) -> TokenStream {
    let photos = &context.compiled.photos;
    if photos.iter().all(Option::is_none) {
        return TokenStream::new();
    }
    let photos = photos.iter().map(|photo| match photo {
        Some(Photo { resize, scale, mean, std, is_bgr }) => {
            let scale = *scale as f32;
            let (mean, std) = (recipe::numbers(mean), recipe::numbers(std));
            let order = if *is_bgr { quote!(Bgr) } else { quote!(Rgb) };
            quote!(rt::Option::Some(rt::Photo {
                resize: #resize, scale: #scale, mean: #mean, std: #std, order: rt::ChannelOrder::#order,
            }))
        }
        None => quote!(rt::Option::None),
    });
    quote!(const PHOTOS: &'static [rt::Option<rt::Photo>] = &[#(#photos),*];)
}

/// `const OUTPUT_LABELS`, where classes have names.
pub(super) fn labels(context: &Context<'_>) -> TokenStream {
    let labels = &context.compiled.labels;
    if labels.iter().all(Vec::is_empty) {
        return TokenStream::new();
    }
    quote!(const OUTPUT_LABELS: &'static [&'static [&'static str]] = &[#(&[#(#labels),*]),*];)
}

/// `LABELS`, where the classes of one output have names.
pub(super) fn constant(context: &Context<'_>) -> TokenStream {
    let mut labelled = context.compiled.labels.iter().enumerate().filter(|(_, labels)| !labels.is_empty());
    let (Some((index, _)), None) = (labelled.next(), labelled.next()) else { return TokenStream::new() };
    let output = context.compiled.graph.outputs.get(index).map_or("", |output| output.name.as_str());
    let docs = format!(" What the classes of `{output}` are called, in their order.");
    quote! {
        #[doc = #docs]
        pub const LABELS: &'static [&'static str] = <Self as rt::Network>::OUTPUT_LABELS[#index];
    }
}

/// Methods that read photographs, where one input is made from them.
pub(super) fn methods(context: &Context<'_>) -> TokenStream {
    let mut inputs = context.compiled.photos.iter().enumerate().filter(|(_, photo)| photo.is_some());
    let (Some((index, Some(photo))), None) = (inputs.next(), inputs.next()) else { return TokenStream::new() };
    let graph = &context.compiled.graph;
    let Some(input) = graph.inputs.get(index).map(|&input| graph.value(input)) else { return TokenStream::new() };
    let name = context.type_name();
    let (input, shape) = (&input.name, &input.shape);
    let first =
        format!(" Reads a PNG or JPEG file as a batch of one image for `{input}`, {shape}, as the description says:");
    let second = format!(
        " the shorter side becomes {} pixels, the middle is cut out, and the values are normalised.",
        photo.resize
    );
    context.if_images(&quote! {
        impl #name {
            #[doc = #first]
            #[doc = #second]
            ///
            /// # Errors
            ///
            /// If the file cannot be read, is no whole image, or is too large.
            pub fn read_photo(path: impl rt::AsRef<rt::Path>) -> rt::Result<rt::ndarray::Array4<f32>, rt::ImageError> {
                rt::read_batch::<Self>(#index, path.as_ref())
            }

            /// The same of an image in memory.
            ///
            /// # Errors
            ///
            /// If the bytes are no whole image, or too large a one.
            pub fn decode_photo(bytes: &[u8]) -> rt::Result<rt::ndarray::Array4<f32>, rt::ImageError> {
                rt::decode_batch::<Self>(#index, bytes)
            }
        }
    })
}
