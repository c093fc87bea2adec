//! What a network costs, and whether that is within its budget.

use crate::Compiled;
use crate::diagnostic::{Sink, codes};
use crate::lower::{Bound, Limit, Quantity};
use crate::plan::Plan;

/// Bytes of a number.
const FLOAT: u64 = 4;

/// Whether a network keeps a limit.
pub(crate) fn is_kept(compiled: &Compiled, limit: &Limit) -> bool {
    let cost = cost(compiled, limit.quantity);
    match limit.bound {
        Bound::AtMost => cost <= limit.value,
        Bound::Below => cost < limit.value,
        Bound::Exactly => cost == limit.value,
    }
}

/// Reports every limit of the network that is passed.
pub(crate) fn check(compiled: &Compiled, sink: &mut Sink) {
    for limit in &compiled.limits {
        if !is_kept(compiled, limit) {
            let cost = cost(compiled, limit.quantity);
            let words = match limit.bound {
                Bound::AtMost => "at most",
                Bound::Below => "less than",
                Bound::Exactly => "exactly",
            };
            let (name, of) = match limit.quantity {
                Quantity::Parameters => ("parameters", String::new()),
                Quantity::Macs => ("multiply-adds", " for one image".to_owned()),
                Quantity::InferenceBytes(batch) => ("bytes", format!(" to predict a batch of {batch}")),
                Quantity::TrainingBytes(batch) => ("bytes", format!(" to train on a batch of {batch}")),
            };
            let title = format!("the network takes {} {name}{of}, over its budget", grouped(cost));
            let title = if cost < limit.value {
                title.replace(", over its budget", ", not what its budget says")
            } else {
                title
            };
            sink.error(codes::N0407, title).primary(limit.span, format!("expected {words} {}", grouped(limit.value)));
        }
    }
}

fn cost(compiled: &Compiled, quantity: Quantity) -> u64 {
    let stored = compiled.parameters.stored as u64;
    match quantity {
        Quantity::Parameters => compiled.parameter_count() as u64,
        Quantity::Macs => compiled.inference.macs,
        Quantity::InferenceBytes(batch) => {
            FLOAT.saturating_mul(stored.saturating_add(activations(&compiled.inference, batch)))
        }
        Quantity::TrainingBytes(batch) => {
            let Some(train) = &compiled.training else { return FLOAT.saturating_mul(stored) };
            let trained = compiled.parameters.trained as u64;
            // The gradients of each lane, and their mean.
            let gradients = (compiled.lanes() as u64).saturating_add(1);
            let copies = gradients.saturating_add(train.recipe.optimizer.slots());
            let plan = &train.training;
            let floats = stored
                .saturating_add(trained.saturating_mul(copies))
                .saturating_add(plan.derived_len() as u64)
                .saturating_add(plan.shared as u64)
                .saturating_add(activations(plan, batch));
            FLOAT.saturating_mul(floats)
        }
    }
}

/// Floats of activations if every chunk of a batch has its arena at the same time, the most that can be.
fn activations(plan: &Plan, batch: usize) -> u64 {
    let chunks = batch.div_ceil(plan.chunk.max(1)) as u64;
    chunks.saturating_mul(plan.arena as u64)
}

/// A number with its digits in groups of three.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}
