//! The `train` and `prune` sections as constants.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::ir::Graph;
use crate::recipe::{Change, Loss, LossKind, MAX_CHANGES, Pruning, Recipe, Setting};

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

/// `const PRUNING: … = …;`, or nothing.
pub(super) fn pruning(pruning: Option<&Pruning>) -> TokenStream {
    let Some(Pruning { method, keep, layers, pace, epochs, lr_factor, scale_dropout }) = pruning else {
        return TokenStream::new();
    };
    let method = Ident::new(method, Span::call_site());
    let keep = option(keep.map(|fraction| fraction as f32));
    let layers = layers.iter().map(|(layer, fraction)| {
        let fraction = *fraction as f32;
        quote!(rt::train::prune::Keep { layer: #layer, fraction: #fraction })
    });
    let pace = choice(pace.variant, &pace.settings);
    let (epochs, lr_factor) = (*epochs as usize, *lr_factor as f32);
    quote! {
        const PRUNING: rt::Option<rt::train::prune::Pruning<'static>> = rt::Option::Some(rt::train::prune::Pruning {
            method: rt::train::prune::Method::#method,
            keep: #keep,
            layers: &[#(#layers),*],
            pace: rt::train::prune::Pace::#pace,
            epochs: #epochs,
            lr_factor: #lr_factor,
            scale_dropout: #scale_dropout,
        });
    }
}

/// The loss with its settings as the description spells them; nothing where it has none, and its name says all. The losses of
/// a sum say what they look at too, and their factors.
pub(super) fn loss(recipe: &Recipe, graph: &Graph) -> TokenStream {
    let text = if recipe.is_sum() {
        let term = |loss: &Loss| {
            let (name, settings) = parts(&loss.kind);
            let of = graph.value(loss.of).name.clone();
            let text = format!("{name}({})", [vec![of], settings].concat().join(", "));
            if loss.weight == 1.0 { text } else { format!("{} * {text}", spelt(loss.weight)) }
        };
        recipe.losses().map(term).collect::<Vec<_>>().join(" + ")
    } else {
        let (name, settings) = parts(&recipe.loss.kind);
        if settings.is_empty() {
            return TokenStream::new();
        }
        format!("{name}({})", settings.join(", "))
    };
    quote!(const LOSS: &'static str = #text;)
}

/// A loss's name and its settings.
fn parts(kind: &LossKind) -> (&'static str, Vec<String>) {
    match kind {
        LossKind::CrossEntropy { smoothing, weights } => {
            let smoothing = (*smoothing > 0.0).then(|| format!("smoothing: {}", spelt(*smoothing)));
            let weights = (!weights.is_empty()).then(|| {
                let weights: Vec<String> = weights.iter().map(|&weight| spelt(weight)).collect();
                format!("weights: [{}]", weights.join(", "))
            });
            ("cross_entropy", smoothing.into_iter().chain(weights).collect())
        }
        LossKind::MeanSquaredError => ("mean_squared_error", Vec::new()),
        LossKind::BinaryCrossEntropy => ("binary_cross_entropy", Vec::new()),
        LossKind::L1 => ("l1", Vec::new()),
        LossKind::Huber { delta } => ("huber", vec![format!("delta: {}", spelt(*delta))]),
    }
}

/// A number as it is computed with: an f32, in the fewest digits, with a dot.
fn spelt(number: f64) -> String {
    let number = number as f32;
    if number.fract() == 0.0 { format!("{number:.1}") } else { number.to_string() }
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
            Setting::Whole(value) => {
                let value = proc_macro2::Literal::u64_unsuffixed(*value);
                quote!(#value)
            }
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
