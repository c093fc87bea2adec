//! The `train` section as a constant.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::recipe::{Change, LossKind, MAX_CHANGES, Recipe, Setting};

/// `rt::train::Recipe { … }`.
pub(super) fn emit(recipe: &Recipe) -> TokenStream {
    let loss = match recipe.loss.kind {
        _ if recipe.is_sum() => quote!(Sum),
        LossKind::CrossEntropy { .. } => quote!(CrossEntropy),
        LossKind::MeanSquaredError => quote!(MeanSquaredError),
        LossKind::BinaryCrossEntropy => quote!(BinaryCrossEntropy),
        LossKind::L1 => quote!(L1),
        LossKind::Huber { .. } => quote!(Huber),
    };
    let optimizer = choice(recipe.optimizer.variant, &recipe.optimizer.settings);
    let schedule = choice(recipe.schedule.variant, &recipe.schedule.settings);
    let Recipe { warmup_steps, seed, .. } = *recipe;
    let (batch, epochs) = (recipe.batch as usize, recipe.epochs as usize);
    let patience = option(recipe.patience.map(|patience| patience as usize));
    let validation = option(recipe.validation.map(|fraction| fraction as f32));
    let clip_norm = option(recipe.clip_norm.map(|norm| norm as f32));
    let augment = augment(&recipe.augment);
    quote!(rt::train::Recipe {
        loss: rt::train::Loss::#loss,
        optimizer: rt::train::Optimizer::#optimizer,
        schedule: rt::train::Schedule::#schedule,
        warmup_steps: #warmup_steps,
        batch: #batch,
        epochs: #epochs,
        seed: #seed,
        patience: #patience,
        validation: #validation,
        clip_norm: #clip_norm,
        augment: #augment,
    })
}

fn augment(changes: &[Change]) -> TokenStream {
    if changes.is_empty() {
        return quote!(rt::train::Augmentation::NONE);
    }
    let some = changes.iter().map(|change| {
        let change = choice(change.variant, &change.settings);
        quote!(rt::Option::Some(rt::train::Change::#change))
    });
    let none = (changes.len()..MAX_CHANGES).map(|_| quote!(rt::Option::None));
    let changes = some.chain(none);
    quote!(rt::train::Augmentation::new([#(#changes),*]))
}

fn choice(variant: &str, settings: &[(&'static str, Setting)]) -> TokenStream {
    let ident = |name: &str| Ident::new(name, Span::call_site());
    let variant = ident(variant);
    if settings.is_empty() {
        return quote!(#variant);
    }
    let settings = settings.iter().map(|(name, setting)| {
        let name = ident(name);
        let value = match setting {
            Setting::Number(value) => {
                let value = *value as f32;
                quote!(#value)
            }
            Setting::Numbers(values) => numbers(values),
            Setting::Flag(value) => quote!(#value),
            Setting::Pixels(pixels) => quote!(#pixels),
            Setting::Word(ty, variant) => {
                let (ty, variant) = (ident(ty), ident(variant));
                quote!(rt::train::#ty::#variant)
            }
            Setting::Steps(steps) => quote!(rt::train::Span::Steps(#steps)),
            Setting::Epochs(epochs) => quote!(rt::train::Span::Epochs(#epochs)),
        };
        quote!(#name: #value)
    });
    quote!(#variant { #(#settings),* })
}

/// Numbers as a slice of f32.
pub(super) fn numbers(values: &[f64]) -> TokenStream {
    let values = values.iter().map(|&value| value as f32);
    quote!(&[#(#values),*])
}

fn option<T: quote::ToTokens>(value: Option<T>) -> TokenStream {
    match value {
        Some(value) => quote!(rt::Option::Some(#value)),
        None => quote!(rt::Option::None),
    }
}
