//! The steps of each mode, as the functions that the engines call.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{format_ident, quote};

use super::names::Unique;
use super::step::StepContext;
use super::{Context, bands, int8, photo, recipe};
use crate::ir::{Node, NodeId, ParameterId, ValueId};
use crate::plan::{Bands, Plan};
use crate::recipe::LossKind;

/// `impl Network`: the inference plan.
pub(super) fn inference(context: &Context<'_>) -> TokenStream {
    let name = context.type_name();
    let plan = &context.compiled.inference;
    let names = Names::of(context, plan);
    let (constants, sizes) = (slot_constants(plan, &names.slots), sizes(plan));
    let body = stage(context, plan, &names, 0);
    let outputs = later_outputs(&names.outputs);
    let (photos, labels) = (photo::photos(context), photo::labels(context));
    let int8 = int8::inference(context);
    quote! {
        impl rt::Network for #name {
            const SPEC: &'static rt::Spec = &SPEC;
            const INFERENCE: rt::Inference = #sizes;
            #photos
            #labels

            fn core(&self) -> &rt::Core {
                &self.core
            }

            fn core_mut(&mut self) -> &mut rt::Core {
                &mut self.core
            }

            fn from_core(core: rt::Core) -> Self {
                Self { core }
            }

            fn infer(c: &mut rt::InferenceChunk<'_>) {
                #constants
                #outputs
                #body
            }

            #int8
        }
    }
}

/// Binds the outputs after the first, each by itself: a step may read one while it writes another.
pub(super) fn later_outputs(names: &[Ident]) -> TokenStream {
    if names.is_empty() { TokenStream::new() } else { quote!(let [#(#names),*] = c.more_outputs.each();) }
}

/// The parameters whose learning rate is another than the recipe's; nothing if there are none.
fn rates(context: &Context<'_>) -> TokenStream {
    let layout = &context.compiled.parameters;
    let mut others: Vec<(std::ops::Range<usize>, f32)> = Vec::new();
    for &id in &layout.order {
        let parameter = context.compiled.graph.parameter(id);
        if !parameter.trained || (parameter.rate - 1.0).abs() < f64::EPSILON {
            continue;
        }
        let (range, factor) = (layout.range(id), parameter.rate as f32);
        match others.last_mut() {
            Some((last, same)) if last.end == range.start && same.to_bits() == factor.to_bits() => last.end = range.end,
            _ => others.push((range, factor)),
        }
    }
    if others.is_empty() {
        return TokenStream::new();
    }
    let rates = others.into_iter().map(|(range, factor)| {
        let (start, end) = (range.start, range.end);
        quote!(rt::Rate { start: #start, end: #end, factor: #factor })
    });
    quote!(const RATES: &'static [rt::Rate] = &[#(#rates),*];)
}

/// `impl Trainable`, where the description says how to train.
pub(super) fn training(context: &Context<'_>) -> TokenStream {
    let Some(train) = &context.compiled.training else { return TokenStream::new() };
    let name = context.type_name();
    let (plan, evaluation) = (&train.training, &train.evaluation);
    let evaluation_names = Names::of(context, evaluation);
    let evaluation_constants = slot_constants(evaluation, &evaluation_names.slots);
    let evaluation_sizes = sizes(evaluation);
    let evaluate = stage(context, evaluation, &evaluation_names, 0);
    let recipe_constant = recipe::emit(&train.recipe);
    let sizes = training_sizes(context, plan);
    let names = Names::of(context, plan);
    let constants = slot_constants(plan, &names.slots);
    let indices = 0..plan.stages.len();
    let stage_names: Vec<Ident> = indices.clone().map(|index| format_ident!("stage_{index}")).collect();
    let stages = indices.clone().map(|index| stage(context, plan, &names, index));
    let numbers = 0..plan.stages.len();
    let last = plan.stages.len() - 1;
    let barrier_names: Vec<Ident> = (0..last).map(|index| format_ident!("barrier_{index}")).collect();
    let barriers = (0..last).map(|index| barrier(context, plan, &names, index));
    let barrier_numbers = 0..last;
    let choose_barrier = if last == 0 {
        quote!(
            fn barrier(_: usize, _: &mut rt::Barrier<'_>) {}
        )
    } else {
        quote! {
            fn barrier(stage: usize, barrier: &mut rt::Barrier<'_>) {
                match stage {
                    #(#barrier_numbers => #barrier_names(barrier),)*
                    _ => {}
                }
            }
        }
    };
    let derived = derived(context, plan);
    let int8 = int8::evaluation(context);
    let class_weights = match &train.recipe.loss.kind {
        LossKind::CrossEntropy { weights, .. } if !weights.is_empty() => {
            let weights = recipe::numbers(weights);
            quote!(const CLASS_WEIGHTS: &'static [f32] = #weights;)
        }
        LossKind::CrossEntropy { .. }
        | LossKind::MeanSquaredError
        | LossKind::BinaryCrossEntropy
        | LossKind::L1
        | LossKind::Huber { .. } => TokenStream::new(),
    };
    let rates = rates(context);
    let pruning = recipe::pruning(train.pruning.as_ref());
    let loss = recipe::loss(&train.recipe, &context.compiled.graph);
    context.if_training(&quote! {
            impl rt::Trainable for #name {
                const RECIPE: rt::train::Recipe = #recipe_constant;
                #loss
                #rates
                #pruning
                const TRAINING: rt::Training = #sizes;
                const EVALUATION: rt::Inference = #evaluation_sizes;
                #class_weights

                fn evaluate(c: &mut rt::EvaluationChunk<'_>) {
                    #evaluation_constants
                    #evaluate
                }

                #int8

                #derived

                fn stage(stage: usize, chunk: &mut rt::TrainingChunk<'_>) {
                    match stage {
                        #(#numbers => #stage_names(chunk),)*
                        _ => {}
                    }
                }

                #choose_barrier
            }

            #constants

            #(fn #stage_names(c: &mut rt::TrainingChunk<'_>) {
                #stages
            })*

            #(fn #barrier_names(b: &mut rt::Barrier<'_>) {
                #barriers
            })*
    })
}

/// The steps of one stage.
pub(super) fn stage(context: &Context<'_>, plan: &Plan, names: &Names, index: usize) -> TokenStream {
    stage_with(context, plan, names, index, &|_, _| TokenStream::new())
}

/// The steps of one stage, each followed by what `after` says of each value that it makes.
pub(super) fn stage_with(
    context: &Context<'_>,
    plan: &Plan,
    names: &Names,
    index: usize,
    after: &dyn Fn(&StepContext<'_>, ValueId) -> TokenStream,
) -> TokenStream {
    let Some(stage) = plan.stages.get(index) else { return TokenStream::new() };
    let steps = |steps: &[NodeId], bands: Option<&Bands>| {
        let mut statements = TokenStream::new();
        for &id in steps {
            let node = &plan.graph.nodes[id.0 as usize];
            let step = StepContext { bands, ..names.step(context, plan, node) };
            let statement = step.statement();
            if !statement.is_empty() {
                statements.extend(context.comment(|| describe(plan, node)));
                statements.extend(statement);
            }
            statements.extend(node.results.iter().map(|&result| after(&step, result)));
        }
        statements
    };
    let mut statements = TokenStream::new();
    let mut done = 0;
    for (run, bands) in plan.bands.iter().enumerate() {
        statements.extend(steps(&stage.steps[done..bands.steps.start], None));
        statements.extend(context.comment(|| format!("{} bands of rows", bands.table.len())));
        statements.extend(bands::emit(bands, run, &steps(&stage.steps[bands.steps.clone()], Some(bands))));
        done = bands.steps.end;
    }
    statements.extend(steps(&stage.steps[done..], None));
    // Only what is used is bound: generated code warns nobody.
    let n = names_value("n", &statements).then(|| quote!(let n = c.n;));
    let p = names_value("p", &statements).then(|| quote!(let p = c.parameters;));
    let unused = if statements.is_empty() { quote!(let _ = c;) } else { TokenStream::new() };
    quote!(#n #p #unused #statements)
}

/// Whether a word is among the tokens; the first steps have it, as a rule.
fn names_value(word: &str, tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => names_value(word, &group.stream()),
        TokenTree::Ident(ident) => ident == word,
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// What happens once, after a stage.
fn barrier(context: &Context<'_>, plan: &Plan, names: &Names, index: usize) -> TokenStream {
    let Some(stage) = plan.stages.get(index) else { return TokenStream::new() };
    let mut statements = TokenStream::new();
    for &id in &stage.barriers {
        let node = &plan.graph.nodes[id.0 as usize];
        statements.extend(context.comment(|| describe(plan, node)));
        statements.extend(node.op.operation().emit(&names.step(context, plan, node)));
    }
    statements
}

/// A step as its comment says it: `conv1: conv 32 kernel 5 then relu, [28, 28, 1] -> [24, 24, 32]`.
fn describe(plan: &Plan, node: &Node) -> String {
    let shapes =
        |ids: &[ValueId]| ids.iter().map(|&id| plan.graph.shape(id).to_string()).collect::<Vec<_>>().join(", ");
    let results = &node.results[..node.results.len().min(1)];
    let arrow = if results.is_empty() { String::new() } else { format!(" -> {}", shapes(results)) };
    format!("{}: {}, {}{arrow}", node.layer, node.op, shapes(&node.args))
}

/// The transposed copies.
fn derived(context: &Context<'_>, plan: &Plan) -> TokenStream {
    if plan.derived.is_empty() {
        return quote!(
            fn derive(_: usize, _: &[f32], _: &mut [f32]) {}
        );
    }
    let arms = plan.derived.iter().enumerate().map(|(job, derived)| {
        let NodeId(node) = derived.node;
        let node = &plan.graph.nodes[node as usize];
        let statement = node.op.operation().emit_derived(&context.rt, context.names.geometry(node));
        let weight = context.names.parameter(derived.parameter);
        quote! {
            #job => {
                let w = &p[#weight];
                #statement
            }
        }
    });
    quote! {
        fn derive(job: usize, p: &[f32], out: &mut [f32]) {
            match job {
                #(#arms)*
                _ => {}
            }
        }
    }
}

/// The names that the steps of a plan use.
pub(super) struct Names {
    /// The local variable and the constant of each slot, named after the value that it is made for.
    pub(super) slots: Vec<(Ident, Ident)>,
    /// The local variable of each output after the first.
    pub(super) outputs: Vec<Ident>,
}

impl Names {
    pub(super) fn of(context: &Context<'_>, plan: &Plan) -> Self {
        let mut unique = Unique::default();
        // The gradients of parameters are variables, too.
        for index in 0..plan.graph.parameters.len() as u32 {
            unique.ident(&context.names.gradient(ParameterId(index)).to_string());
        }
        let later = 1..plan.graph.outputs.len().max(1);
        let outputs = later.map(|index| unique.ident(&format!("out_{index}"))).collect();
        let name = |slot: &crate::plan::Slot| plan.graph.value(slot.value).name.clone();
        let slots = plan
            .slots
            .iter()
            .map(|slot| {
                // In small letters, as Rust has its variables: other names may be those of constants, which patterns match.
                let variable = unique.ident(&name(slot).to_lowercase());
                // A prefix keeps slots and parameters apart.
                (variable.clone(), format_ident!("AT_{}", variable.to_string().to_uppercase()))
            })
            .collect();
        Self { slots, outputs }
    }

    /// A step as its operation sees it.
    fn step<'a>(&'a self, context: &'a Context<'a>, plan: &'a Plan, node: &'a Node) -> StepContext<'a> {
        StepContext { context, plan, node, bands: None, slots: &self.slots, outputs: &self.outputs }
    }
}

pub(super) fn slot_constants(plan: &Plan, names: &[(Ident, Ident)]) -> TokenStream {
    let constants = plan.slots.iter().zip(names).map(|(slot, (_, name))| {
        let (offset, len) = (slot.offset, slot.len);
        let kind = if slot.per_image { quote!(images) } else { quote!(fixed) };
        quote!(const #name: rt::Slot = rt::Slot::#kind(#offset, #len);)
    });
    quote!(#(#constants)*)
}

pub(super) fn sizes(plan: &Plan) -> TokenStream {
    let (chunk, arena, macs) = (plan.chunk, plan.arena, plan.macs);
    quote!(rt::Inference { chunk: #chunk, arena: #arena, macs: #macs })
}

fn training_sizes(context: &Context<'_>, plan: &Plan) -> TokenStream {
    let (chunk, arena, macs, shared) = (plan.chunk, plan.arena, plan.macs, plan.shared);
    let (stages, lanes, lane_images) = (plan.stages.len(), context.compiled.lanes(), context.compiled.lane_images());
    let derived = plan.derived.iter().map(|derived| derived.len);
    let (classes, target) = context.compiled.loss_sizes();
    quote!(rt::Training {
        chunk: #chunk,
        lanes: #lanes,
        lane_images: #lane_images,
        arena: #arena,
        stages: #stages,
        derived: &[#(#derived),*],
        shared: #shared,
        classes: #classes,
        target: #target,
        macs: #macs,
    })
}
