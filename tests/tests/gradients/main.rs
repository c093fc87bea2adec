//! Gradients of the compiler's backward pass against central differences of the forward loss, both in double precision
//! through the reference interpreter.
//!
//! The differences are taken of the checked graph, before any pass, with the layers' meaning in training; the gradients
//! come from what the passes make of it. So the passes are tested as a whole, not the differentiation alone.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure ends the test")]

use std::collections::{BTreeSet, HashSet};

use netwright_compiler::ir::Graph;
use netwright_compiler::lower::Lowered;
use netwright_compiler::ops::SIGNATURES;
use netwright_compiler::passes::Mode;
use netwright_tests::generator;
use netwright_tests::interpreter::{self, Arrays, Example, KINDS, Manner, Outcome, Random, kind};

/// How far a parameter is moved to both sides.
const STEP: f64 = 1e-6;
const ABSOLUTE: f64 = 1e-5;
const RELATIVE: f64 = 1e-3;

/// What a check of one network came to.
#[derive(Debug, Default)]
struct Tally {
    /// Elements whose gradient was compared.
    compared: usize,
    /// Elements whose two points lie on different smooth pieces of the loss, so that there is nothing to compare.
    kinks: usize,
    kinds: BTreeSet<&'static str>,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.compared += other.compared;
        self.kinks += other.kinks;
        self.kinds.extend(other.kinds);
    }
}

fn kinds(graph: &Graph) -> impl Iterator<Item = &'static str> {
    graph.nodes.iter().map(|node| kind(&node.op))
}

fn close(what: &str, found: f64, expected: f64, context: &str) {
    let bound = ABSOLUTE + RELATIVE * expected.abs();
    assert!((found - expected).abs() <= bound, "{what}: found {found}, expected {expected}\n{context}");
}

fn same(what: &str, found: &[f64], expected: &[f64], context: &str) {
    assert_eq!(found.len(), expected.len(), "{what}\n{context}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let bound = 1e-12 + 1e-10 * expected.abs();
        assert!((found - expected).abs() <= bound, "{what} at {index}: found {found}, expected {expected}\n{context}");
    }
}

/// Compares up to `most` gradients of each parameter of a network with central differences.
fn check(text: &str, n: usize, seed: u64, most: usize) -> Tally {
    let lowered = interpreter::compile(text).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    let recipe = lowered.recipe.clone().unwrap_or_else(|| panic!("nothing to train\n{text}"));
    let mut example = Example::new(&lowered, n, seed);
    let forward = |example: &Example, manner| {
        interpreter::run_with_loss(&lowered.graph, &recipe, manner, &example.parameters, &example.batch())
    };
    let mut tally = Tally::default();
    tally.kinds.extend(kinds(&lowered.graph));

    let (trained, _) = prepared(&lowered, Mode::Training, &example, &mut tally, text);
    same("training loss", &trained.losses, &forward(&example, Manner::Training).losses, text);
    passes_keep_inference(&lowered, &example, &forward(&example, Manner::Inference), &mut tally, text);

    let mut random = Random::new(seed ^ 0xd1ff);
    for parameter in lowered.graph.parameters.iter().filter(|parameter| parameter.trained) {
        let len = parameter.shape.elements();
        let none = vec![0.0; len];
        // A parameter that does not reach the loss has no gradient; the differences must then be zero.
        let gradient = trained.gradients.get(&parameter.name).unwrap_or(&none);
        let elements: Vec<usize> =
            if len <= most { (0..len).collect() } else { (0..most).map(|_| random.below(len)).collect() };
        for element in elements {
            let mut at = |offset: f64| {
                let array = example.parameters.get_mut(&parameter.name).unwrap();
                let before = array[element];
                array[element] += offset;
                let outcome = forward(&example, Manner::Training);
                example.parameters.get_mut(&parameter.name).unwrap()[element] = before;
                (outcome.loss(), outcome.decisions)
            };
            let ((above, side_above), (below, side_below)) = (at(STEP), at(-STEP));
            if side_above != side_below {
                tally.kinks += 1;
                continue;
            }
            tally.compared += 1;
            let name = format!("d loss / d {}[{element}]", parameter.name);
            close(&name, gradient[element], (above - below) / (2.0 * STEP), text);
        }
    }
    tally
}

/// Runs what the passes make of a network; the outputs' values beside what the run leaves.
fn prepared(
    lowered: &Lowered,
    mode: Mode,
    example: &Example,
    tally: &mut Tally,
    text: &str,
) -> (Outcome, Vec<Vec<f64>>) {
    let unit = interpreter::prepared(lowered, mode).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    tally.kinds.extend(kinds(&unit.graph));
    let manner = if mode == Mode::Training { Manner::Training } else { Manner::Inference };
    let outcome = interpreter::run(&unit.graph, manner, &example.parameters, &example.batch());
    let outputs = match mode {
        Mode::Inference => unit.graph.outputs.iter().map(|output| outcome.value(output.value).to_vec()).collect(),
        Mode::Training | Mode::Evaluation => Vec::new(),
    };
    (outcome, outputs)
}

/// The passes change neither outputs nor losses of inference.
fn passes_keep_inference(lowered: &Lowered, example: &Example, plain: &Outcome, tally: &mut Tally, text: &str) {
    let (evaluated, _) = prepared(lowered, Mode::Evaluation, example, tally, text);
    same("evaluation loss", &evaluated.losses, &plain.losses, text);
    assert_eq!(evaluated.correct, plain.correct);
    let (_, outputs) = prepared(lowered, Mode::Inference, example, tally, text);
    assert_eq!(outputs.len(), lowered.graph.outputs.len(), "{text}");
    for (found, output) in outputs.iter().zip(&lowered.graph.outputs) {
        same(&format!("output {}", output.name), found, plain.value(output.value), text);
    }
}

/// Every layer and loss with their options: input shape, statements up to `logits`, the loss and after a bracket what follows
/// in its call.
const LAYERS: &[(&str, &str, &str)] = &[
    ("[5, 6, 2]", "logits = x -> conv(3, kernel: 3) -> flatten", "cross_entropy"),
    ("[6]", "logits = x -> dense(5) -> tanh -> dense(4)", "cross_entropy(, smoothing: 0.3"),
    ("[6]", "logits = x -> dense(5) -> tanh -> dense(4)", "cross_entropy(, weights: [1.0, 2.0, 0.5, 3.0]"),
    ("[6]", "logits = x -> dense(5) -> tanh -> dense(3)", "cross_entropy(, weights: [2, 1, 3], smoothing: 0.1"),
    ("[4, 3, 2]", "logits = x -> conv(3, kernel: 2) -> tanh", "binary_cross_entropy"),
    ("[6]", "logits = x -> dense(5) -> tanh -> dense(4)", "l1"),
    ("[6]", "logits = x -> dense(5) -> tanh -> dense(4)", "huber"),
    ("[6]", "logits = x -> dense(5) -> tanh -> dense(4)", "huber(, delta: 0.5"),
    (
        "[6]",
        "h = x -> dense(5) -> tanh; early = h -> dense(4) as early; logits = h -> dense(5) -> tanh -> dense(4)",
        "cross_entropy(, smoothing: 0.1) + 0.3 * cross_entropy(early",
    ),
    (
        "[6]",
        "early = x -> dense(4) -> tanh; logits = early -> dense(5) -> tanh -> dense(4)",
        "0.5 * l1() + mean_squared_error(early",
    ),
    ("[7, 5, 4]", "logits = x -> conv(6, kernel: [2, 3], stride: [2, 1], pad: [1, 2]) -> flatten", "cross_entropy"),
    ("[7, 8, 2]", "logits = x -> tanh -> conv(2, kernel: 3, dilation: [2, 3], pad: 1) -> flatten", "cross_entropy"),
    ("[4, 4, 2]", "logits = x -> conv(4, kernel: 2) -> conv(6, kernel: 2, groups: 2) -> flatten", "cross_entropy"),
    (
        "[4, 4, 3]",
        "logits = x -> conv(3, kernel: 1) -> conv(3, kernel: 3, pad: 1, groups: 3) -> flatten",
        "cross_entropy",
    ),
    (
        "[4, 4, 3]",
        "logits = x -> conv(3, kernel: 2, bias: false) -> relu -> conv(2, kernel: 2) -> flatten",
        "cross_entropy",
    ),
    ("[6]", "logits = x -> dense(5) -> relu -> dense(4, bias: false) -> dense(3)", "cross_entropy"),
    ("[6]", "logits = x -> dense(5) -> leaky_relu(0.2) -> dense(3)", "cross_entropy"),
    ("[6]", "logits = x -> dense(5) -> sigmoid -> dense(3)", "mean_squared_error"),
    ("[6]", "logits = x -> dense(5) -> tanh -> dense(3)", "mean_squared_error"),
    ("[6]", "logits = x -> dense(5) -> elu -> dense(4) -> elu(0.4) -> dense(3)", "cross_entropy"),
    ("[6]", "logits = x -> dense(5) -> gelu -> dense(4) -> silu -> dense(3)", "cross_entropy"),
    ("[6]", "logits = x -> dense(5) -> hard_sigmoid -> dense(3) -> hard_swish -> dense(3)", "cross_entropy"),
    ("[6]", "logits = x -> dense(5) -> multiply(x -> dense(5), x -> dense(5)) -> relu6 -> dense(3)", "cross_entropy"),
    ("[3, 4, 2]", "logits = x -> prelu -> conv(3, kernel: 2) -> prelu as other -> flatten", "cross_entropy"),
    ("[6]", "logits = x -> dense(5) -> prelu -> dense(3)", "cross_entropy"),
    (
        "[4, 4, 2]",
        "a = x -> conv(3, kernel: 2) -> batch_norm as still -> prelu as bend -> layer_norm as pixels; \
         logits = a -> group_norm(3) as parts -> flatten -> dense(3); freeze still, bend, pixels, parts",
        "cross_entropy",
    ),
    ("[6]", "logits = x -> dense(5) -> softmax", "mean_squared_error"),
    ("[3, 3, 2]", "logits = x -> conv(4, kernel: 2) -> log_softmax", "mean_squared_error"),
    ("[4, 3, 2]", "logits = x -> conv(6, kernel: 2) -> lrn(alpha: 2, k: 0.5) -> flatten", "cross_entropy"),
    ("[5]", "logits = x -> dense(7) -> lrn(4, alpha: 3, beta: 0.6, k: 2) -> dense(3)", "cross_entropy"),
    ("[4, 3, 2]", "logits = x -> layer_norm -> conv(6, kernel: 2) -> layer_norm as other -> flatten", "cross_entropy"),
    ("[6]", "logits = x -> dense(5) -> layer_norm(epsilon: 0.1) -> dense(3)", "cross_entropy"),
    (
        "[4, 3, 2]",
        "logits = x -> group_norm(2) -> conv(6, kernel: 2) -> group_norm(3, epsilon: 0.01) as other -> flatten",
        "cross_entropy",
    ),
    ("[6]", "logits = x -> dense(6) -> group_norm(2) -> dense(3)", "cross_entropy"),
    ("[3, 3, 2]", "logits = x -> conv(4, kernel: 2) -> softmax", "mean_squared_error"),
    ("[7, 6, 2]", "logits = x -> conv(3, kernel: 2) -> max_pool(2) -> flatten", "cross_entropy"),
    (
        "[7, 6, 2]",
        "logits = x -> conv(3, kernel: 2) -> relu -> max_pool(3, stride: 2, pad: 1, ceil: true) -> flatten",
        "cross_entropy",
    ),
    ("[7, 6, 2]", "logits = x -> conv(3, kernel: 2) -> avg_pool([2, 3], stride: 1) -> flatten", "cross_entropy"),
    (
        "[6, 6, 2]",
        "logits = x -> conv(3, kernel: 2) -> avg_pool(3, stride: 2, pad: 1, ceil: true) -> flatten",
        "cross_entropy",
    ),
    (
        "[6, 6, 2]",
        "logits = x -> conv(3, kernel: 2) -> avg_pool(2, stride: 3, pad: 1, ceil: true, count_include_pad: true) -> flatten",
        "cross_entropy",
    ),
    ("[4, 5, 3]", "logits = x -> conv(4, kernel: 2) -> global_avg_pool", "cross_entropy"),
    ("[6]", "logits = x -> dense(8) -> dropout(0.4) -> dense(3)", "cross_entropy"),
    ("[4, 4, 2]", "logits = x -> conv(3, kernel: 2) -> batch_norm -> flatten -> dense(3)", "cross_entropy"),
    (
        "[6]",
        "logits = x -> batch_norm -> dense(4) -> batch_norm(epsilon: 0.1, unbiased: true) -> tanh -> dense(3)",
        "cross_entropy",
    ),
    (
        "[3, 4, 2]",
        "a = x -> conv(2, kernel: 1); b = x -> conv(3, kernel: 1); logits = concat(a, x, b) -> flatten",
        "cross_entropy",
    ),
    ("[3, 4, 2]", "a = x -> conv(2, kernel: 1); logits = concat(a, x, a, axis: 0) -> flatten", "cross_entropy"),
    (
        "[3, 4, 2]",
        "a = x -> conv(2, kernel: 1); logits = concat(a, a -> conv(2, kernel: 1), axis: 1) -> flatten",
        "cross_entropy",
    ),
    ("[3, 4, 2]", "a = x -> conv(2, kernel: 1); logits = (a + x + a) -> flatten", "cross_entropy"),
    ("[3, 4, 2]", "a = x -> conv(2, kernel: 1); logits = (a * x * a) -> flatten", "cross_entropy"),
    (
        "[3, 4, 2]",
        "a = x -> conv(2, kernel: 1); logits = (a * (a -> global_avg_pool -> dense(2) -> sigmoid)) -> flatten",
        "cross_entropy",
    ),
    (
        "[3, 4, 2]",
        "a = x -> conv(2, kernel: 1); logits = ((a -> global_avg_pool -> dense(2)) + a) -> flatten",
        "cross_entropy",
    ),
    (
        "[4, 5, 3]",
        "logits = x -> conv(3, kernel: 1) -> depthwise_conv([2, 3], multiplier: 2, stride: [1, 2], pad: 1) -> flatten",
        "cross_entropy",
    ),
    (
        "[4, 5, 3]",
        "logits = x -> depthwise_conv(2, dilation: 2, bias: false) -> separable_conv(4, kernel: 2) -> flatten",
        "cross_entropy",
    ),
    (
        "[4, 4, 2]",
        "logits = x -> separable_conv(3, kernel: 3, multiplier: 3, stride: 2, pad: 1, bias: false) -> flatten -> dense(3)",
        "cross_entropy",
    ),
    (
        "[3, 2, 2]",
        "logits = x -> conv(2, kernel: 1) -> conv_transpose(3, kernel: [3, 2], stride: 2, pad: [1, 0], output_pad: 1) -> flatten",
        "cross_entropy",
    ),
    (
        "[3, 2, 2]",
        "logits = x -> conv_transpose(2, kernel: 2, bias: false) -> relu -> conv_transpose(2, kernel: 1, stride: [2, 3]) -> flatten",
        "cross_entropy",
    ),
    ("[3, 2, 2]", "logits = x -> conv(2, kernel: 1) -> upsample([2, 3]) -> tanh -> flatten", "cross_entropy"),
    (
        "[3, 2, 2]",
        "logits = x -> conv(2, kernel: 1) -> upsample([3, 2], mode: \"bilinear\") -> tanh -> flatten",
        "cross_entropy",
    ),
    (
        "[3, 3, 2]",
        "logits = x -> conv(3, kernel: 1) -> pad([1, 2, 0, 1]) -> conv(2, kernel: 3) -> flatten",
        "cross_entropy",
    ),
    ("[5, 4, 2]", "logits = x -> conv(5, kernel: 2) -> global_max_pool", "cross_entropy"),
    (
        "[4, 3, 2]",
        "a = x -> conv(3, kernel: 1); logits = concat(a -> mean(0) -> flatten, a -> mean([0, 2]), a -> mean([1, 0]))",
        "cross_entropy",
    ),
    (
        "[4, 3, 2]",
        "a = x -> conv(3, kernel: 1); logits = concat(a -> mean([2]) -> flatten, a -> mean([0, 1, 2])) -> dense(3)",
        "cross_entropy",
    ),
    (
        "[3, 4, 2]",
        "a = x -> conv(6, kernel: 1); b, c = split(a, 2); logits = (b - c * (a -> slice(2, 1, 4))) -> flatten",
        "cross_entropy",
    ),
    (
        "[3, 4, 2]",
        "a = x -> conv(2, kernel: 1); b, c, d = split(a, [1, 2, 1], axis: 1); logits = concat(b, d -> tanh, c, axis: 1) -> flatten",
        "cross_entropy",
    ),
    (
        "[3, 4, 2]",
        "a = x -> conv(3, kernel: 1) -> reshape([4, 9]) -> tanh; logits = a -> slice(0, 1) -> reshape([3, 9, 1]) -> flatten",
        "cross_entropy",
    ),
    (
        "[3, 4, 2]",
        "a = x -> conv(2, kernel: 1); logits = (1.5 - 0.5 * a - (a + 2) / 4.0) -> affine(scale: -1.25) -> flatten",
        "cross_entropy",
    ),
    (
        "[3, 4, 2]",
        "a = x -> conv(2, kernel: 1); s = a -> conv(1, kernel: 1) -> sigmoid; logits = (a * s + (s - a) - (s + a)) -> flatten",
        "cross_entropy",
    ),
    (
        "[3, 4, 2]",
        "a = x -> conv(2, kernel: 1); m = a -> avg_pool([3, 4]) -> tanh; logits = (m * a - m + (m - a)) -> flatten",
        "cross_entropy",
    ),
    (
        "[3, 4, 2]",
        "a = x -> conv(2, kernel: 1); m = a -> mean([0, 1]); logits = -((m - a) -> tanh) -> flatten",
        "cross_entropy",
    ),
];

#[test]
fn every_layer() {
    let mut sum = Tally::default();
    for (index, (shape, body, loss)) in LAYERS.iter().enumerate() {
        let (loss, settings) = loss.split_once('(').unwrap_or((loss, ""));
        let text = format!(
            "network Layer {{ input x: {shape}; {body}; output y = logits; train {{ loss: {loss}(logits{settings}); }} }}"
        );
        for n in [1, 3] {
            let tally = check(&text, n, index as u64 + 1, 1000);
            assert!(tally.compared > 5 && tally.kinks * 20 <= tally.compared, "{tally:?}\n{text}");
            sum.add(tally);
        }
    }
    covers(&sum, &LAYERS.iter().map(|layer| format!("{}\n", layer.1)).collect::<String>());
}

#[test]
fn random_networks() {
    let mut sum = Tally::default();
    let mut texts = String::new();
    for seed in 0..150 {
        let text = generator::network(seed);
        sum.add(check_random(seed, &text));
        texts += &text;
    }
    covers(&sum, &texts);
    // Points on both sides of a kink are rare, or something else is wrong.
    assert!(sum.kinks * 100 <= sum.compared, "{sum:?}");
    assert!(sum.compared > 5000, "{sum:?}");
    for option in
        ["stride", "pad", "dilation", "groups", "bias: false", "ceil", "count_include_pad", "axis: 0", "unbiased"]
    {
        assert!(texts.contains(option), "no random network has `{option}`");
    }
    for part in
        ["block ", "use <", "const ", "for i in", "for f, k in", "if ", "else", "assert", "freeze", "return", " as "]
    {
        assert!(texts.contains(part), "no random network has `{part}`");
    }
}

/// One network of the generator.
fn check_random(seed: u64, text: &str) -> Tally {
    let tally = check(text, 3, seed, 8);
    assert!(tally.compared >= 4, "seed {seed}: {tally:?}\n{text}");
    tally
}

/// Many more of them: `NETWRIGHT_SEEDS=150..2000` says which.
#[test]
#[ignore = "takes minutes"]
fn many_random_networks() {
    let seeds = std::env::var("NETWRIGHT_SEEDS").unwrap_or_else(|_| "150..2000".to_owned());
    let (first, end) = seeds.split_once("..").unwrap_or_else(|| panic!("expected FIRST..END, found {seeds}"));
    let mut sum = Tally::default();
    let mut n = 0;
    for seed in first.parse().unwrap()..end.parse().unwrap() {
        sum.add(check_random(seed, &generator::network(seed)));
        n += 1;
    }
    println!("{n} networks of seeds {seeds}: {} gradients compared, {} at kinks", sum.compared, sum.kinks);
    assert!(sum.kinks * 100 <= sum.compared, "{sum:?}");
}

/// Asserts that every layer of the language and every operation has been met. Arithmetic is written with operators.
fn covers(tally: &Tally, texts: &str) {
    let words: HashSet<&str> = texts.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
    for signature in SIGNATURES {
        let is_met = match signature.name {
            "add" => texts.contains(" + "),
            "multiply" => texts.contains(" * "),
            "subtract" => texts.contains(" - "),
            // A whole word: `elu` is not in `relu`.
            name => words.contains(name),
        };
        assert!(is_met, "no network has `{}`", signature.name);
    }
    let missing: Vec<&str> = KINDS.iter().copied().filter(|kind| !tally.kinds.contains(kind)).collect();
    // The planner alone makes copies.
    assert_eq!(missing, ["Copy"]);
}

/// The interpreter's own mistakes would show: gradients of a wrong parameter, or of another key, do not agree.
#[test]
fn differences_tell_wrong_gradients() {
    let text = "network Wrong { input x: [6]; logits = x -> dense(8) -> dropout(0.5) -> dense(3); output y = logits; \
                train { loss: cross_entropy(logits); } }";
    let lowered = interpreter::compile(text).unwrap();
    let unit = interpreter::prepared(&lowered, Mode::Training).unwrap();
    let example = Example::new(&lowered, 3, 1);
    let run = |parameters: &Arrays, step| {
        let batch = interpreter::Batch { step, ..example.batch() };
        interpreter::run(&unit.graph, Manner::Training, parameters, &batch).gradients["dense1.weight"].clone()
    };
    let right = run(&example.parameters, 1);
    assert_eq!(right, run(&example.parameters, 1));
    assert_ne!(right, run(&example.parameters, 2));
    let mut others = example.parameters.clone();
    others.get_mut("dense2.weight").unwrap()[0] += 0.1;
    assert_ne!(right, run(&others, 1));
}
