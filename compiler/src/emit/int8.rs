//! Inference in integers: its steps, and what calibration looks at.

use proc_macro2::TokenStream;
use quote::quote;

use super::Context;
use super::steps::{Names, later_outputs, sizes, slot_constants, stage, stage_with};
use crate::int8::{Int8, Layer, Point};
use crate::ir::ValueId;
use crate::plan::{Place, Plan};
use crate::summary;

/// Inference in integers, for the emitter.
#[derive(Debug, Clone)]
pub struct Code {
    /// The plans.
    pub plans: Int8,
    /// Whether to add what `netwright quantize` needs: steps that show what they have made.
    pub calibrates: bool,
}

/// What `impl Network` has besides.
pub(super) fn inference(context: &Context<'_>) -> TokenStream {
    let Some(code) = &context.target.int8 else { return TokenStream::new() };
    let Int8 { inference, tables, .. } = &code.plans;
    let (spec, sizes) = (spec(context, &code.plans), sizes(inference));
    let body = body(context, inference, &|_, _| TokenStream::new());
    let observed = if code.calibrates {
        let floats = body_of_points(context, &context.compiled.inference, &tables.points, |point| point.value);
        let bytes = body_of_points(context, inference, &tables.points, |point| point.made);
        quote! {
            fn observe(c: &mut rt::InferenceChunk<'_>, o: &mut dyn rt::int8::Observer) {
                #floats
            }

            fn observe_int8(c: &mut rt::InferenceChunk<'_>, o: &mut dyn rt::int8::Observer) {
                #bytes
            }
        }
    } else {
        TokenStream::new()
    };
    let comment = context.comment(|| "Inference in integers");
    quote! {
        const INT8: rt::Option<&'static rt::int8::Spec> = rt::Option::Some(&#spec);
        const INT8_INFERENCE: rt::Inference = #sizes;

        fn infer_int8(c: &mut rt::InferenceChunk<'_>) {
            #comment
            #body
        }

        #observed
    }
}

/// What `impl Trainable` has besides.
pub(super) fn evaluation(context: &Context<'_>) -> TokenStream {
    let plan = context.target.int8.as_ref().and_then(|code| code.plans.evaluation.as_ref());
    let Some(plan) = plan else { return TokenStream::new() };
    let sizes = sizes(plan);
    let names = Names::of(context, plan);
    let (constants, steps) = (slot_constants(plan, &names.slots), stage(context, plan, &names, 0));
    quote! {
        const INT8_EVALUATION: rt::Inference = #sizes;

        fn evaluate_int8(c: &mut rt::EvaluationChunk<'_>) {
            #constants
            #steps
        }
    }
}

/// The steps of an inference plan, each followed by `after` of what it makes.
fn body(
    context: &Context<'_>,
    plan: &Plan,
    after: &dyn Fn(&super::StepContext<'_>, ValueId) -> TokenStream,
) -> TokenStream {
    let names = Names::of(context, plan);
    let (constants, outputs) = (slot_constants(plan, &names.slots), later_outputs(&names.outputs));
    let steps = stage_with(context, plan, &names, 0, after);
    quote!(#constants #outputs #steps)
}

/// The steps of an inference plan, with each point shown once it is made.
fn body_of_points(
    context: &Context<'_>,
    plan: &Plan,
    points: &[Point],
    value_of: impl Fn(&Point) -> ValueId,
) -> TokenStream {
    let inputs = points.iter().enumerate().filter_map(|(index, point)| {
        let place = plan.graph.inputs.iter().position(|&input| input == value_of(point))?;
        Some(quote!(o.floats(#index, c.inputs.get(#place));))
    });
    let inputs: TokenStream = inputs.collect();
    let steps = body(context, plan, &|step, value| {
        let found = points.iter().enumerate().filter(|(_, point)| value_of(point) == value);
        found.map(|(index, _)| show(step, plan, value, index)).collect()
    });
    quote!(#inputs #steps)
}

/// The statement that shows a value to the observer.
fn show(step: &super::StepContext<'_>, plan: &Plan, value: ValueId, index: usize) -> TokenStream {
    let x = step.read_value(value);
    let shape = plan.graph.shape(value);
    let (pixels, channels) = (shape.pixels(), shape.channels());
    let among = step.among(value).unwrap_or(quote!(rt::conv::Among { first: 0, total: #channels }));
    let is_bytes = plan.graph.value(value).extent == crate::ir::Extent::Bytes;
    let call = match (is_bytes, plan.place(value)) {
        (true, _) => quote!(o.bytes_among(#index, #pixels, #channels, #among, #x);),
        (false, Some(Place::Among { .. })) => quote!(o.floats_among(#index, #channels, #among, #x);),
        (false, _) => quote!(o.floats(#index, #x);),
    };
    match plan.place(value) {
        Some(Place::Slot(slot) | Place::Among { slot, .. }) => {
            let (name, constant) = &step.slots[slot];
            quote! {
                let ([#name], []) = c.arena.split(c.n, [#constant], []);
                #call
            }
        }
        _ => call,
    }
}

/// The constant that says what a file must have.
fn spec(context: &Context<'_>, int8: &Int8) -> TokenStream {
    let tensors = &int8.tables.tensors;
    let graph = &context.compiled.graph;
    let option = |value: Option<usize>| match value {
        Some(value) => quote!(rt::Option::Some(#value)),
        None => quote!(rt::Option::None),
    };
    let layers = int8.tables.layers.iter().map(|layer| {
        let Layer { weight, bias, sizes: [groups, f, runs, run], input, output } = *layer;
        let weight = &graph.parameter(weight).name;
        let bias = bias.map_or("", |bias| graph.parameter(bias).name.as_str());
        let output = option(output);
        quote!(rt::int8::LayerSpec {
            weight: #weight, bias: #bias, sizes: [#groups, #f, #runs, #run], input: #input, output: #output,
        })
    });
    let is_calibrating = context.target.int8.as_ref().is_some_and(|code| code.calibrates);
    let points = int8.tables.points.iter().filter(|_| is_calibrating).map(|point| {
        let Point { name, tensor, layer, elements, .. } = point;
        let (tensor, layer) = (option(*tensor), option(*layer));
        quote!(rt::int8::Point { name: #name, tensor: #tensor, layer: #layer, elements: #elements })
    });
    // Layers of the description that stay in floats, for the table.
    let in_floats: Vec<&str> =
        int8.inference.graph.nodes.iter().filter(|node| !is_int8(&node.op)).map(|node| node.layer.as_str()).collect();
    let floats = summary::layers(graph).into_iter().filter(|layer| in_floats.contains(&layer.name.as_str()));
    let floats = floats.filter(|_| is_calibrating).map(|layer| {
        let (name, kind) = (layer.name, layer.kind);
        quote!((#name, #kind))
    });
    quote!(rt::int8::Spec {
        tensors: &[#(#tensors),*], layers: &[#(#layers),*], points: &[#(#points),*], floats: &[#(#floats),*],
    })
}

fn is_int8(op: &crate::ops::Op) -> bool {
    matches!(op, crate::ops::Op::Int8(_) | crate::ops::Op::Concat(_) | crate::ops::Op::Reshape(_))
}
