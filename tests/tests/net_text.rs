//! A compiled network written as a description again compiles to the same network.

use std::collections::HashMap;

use netwright_compiler::diagnostic::{Sink, Style, render_all};
use netwright_compiler::emit::to_net;
use netwright_compiler::format::format;
use netwright_compiler::source::SourceMap;
use netwright_compiler::{Compiled, Settings, compile};
use netwright_files::{Disk, load_bundled};

fn compiled(name: &str, text: &str) -> Compiled {
    let (mut map, mut sink) = (SourceMap::new(), Sink::new());
    let source = map.add(name, text);
    let compiled = compile(source, &mut map, &Settings::default(), &mut Disk::bundled(), &mut sink);
    compiled.unwrap_or_else(|| panic!("{}\n{text}", render_all(&sink, &map, Style::Plain)))
}

/// All that a network is, without the names of values and with `_` for the dots in the names of parameters.
fn essence(compiled: &Compiled) -> Vec<String> {
    let graph = &compiled.graph;
    let mut lines: Vec<String> = graph
        .parameters
        .iter()
        .map(|parameter| {
            let (layer, part) = parameter.name.rsplit_once('.').unwrap();
            format!("{} {part} rate {} {}", layer.replace('.', "_"), parameter.rate, {
                let text = parameter.to_string();
                text.replace(&parameter.name, "")
            })
        })
        .collect();
    for node in &graph.nodes {
        let shapes: Vec<String> = node.results.iter().map(|&id| graph.shape(id).to_string()).collect();
        lines.push(format!("{:?} {} {:?} {:?} {shapes:?}", node.results, node.op, node.args, node.parameters));
    }
    lines.extend(graph.outputs.iter().map(|output| format!("{} {:?}", output.name, output.value)));
    lines.push(format!("{:?} {:?} {:?}", compiled.photos, compiled.labels, compiled.allowed));
    let limits = compiled.limits.iter().map(|limit| format!("{:?} {:?} {}", limit.quantity, limit.bound, limit.value));
    lines.extend(limits);
    if let Some(training) = &compiled.training {
        let recipe = &training.recipe;
        let netwright_compiler::recipe::Recipe { optimizer, schedule, warmup_steps, batch, epochs, seed, .. } = recipe;
        lines.extend(recipe.losses().map(|loss| format!("{} * {:?} of {:?}", loss.weight, loss.kind, loss.of)));
        lines.push(format!("{optimizer:?} {schedule:?} {:?}", recipe.augment));
        lines.push(format!("{warmup_steps} {batch} {epochs} {seed}"));
        lines.push(format!("{:?} {:?} {:?}", recipe.patience, recipe.validation, recipe.clip_norm));
        lines.push(format!("{:?}", training.pruning));
    }
    lines
}

fn there_and_back(name: &str, text: &str) -> String {
    let before = compiled(name, text);
    let text = to_net(&before, &HashMap::new(), &before.limits);
    let after = compiled(name, &text);
    assert_eq!(essence(&after), essence(&before), "{text}");
    assert_eq!(after.parameter_count(), before.parameter_count());
    let mut map = SourceMap::new();
    let source = map.add(name, text);
    format(source, &map, &mut Sink::new()).unwrap()
}

#[test]
fn bundled_networks_come_back() {
    let mut n = 0;
    for bundled in netwright_models::ALL.iter().filter(|bundled| bundled.is_network) {
        there_and_back(bundled.name, &load_bundled(bundled.name).unwrap().text);
        n += 1;
    }
    assert!(n >= 12, "{n}");
}

#[test]
fn sections_and_arguments_come_back() {
    let text = "
        /// A network of many words.
        network Words(classes: int = 3) {
            input image: [16, 16, 3];
            input extra: [4];
            a = image -> conv(8, kernel: [3, 5], pad: [1, 2], init: normal(0.00001), bias: false) as stem
                -> batch_norm(momentum: 0.9) as norm -> leaky_relu(slope: 0.2) -> max_pool(2, stride: 2);
            p, q = a -> split(2);
            g = concat(p * 0.5 + 1.0, -q) -> separable_conv(6, kernel: 3, stride: 2) as thin -> dropout(0.25);
            v = concat(g -> flatten, extra);
            logits = v -> dense(classes) as head;
            output scores = logits;
            output probabilities = softmax(logits): [classes];
            freeze stem;
            train {
                loss: cross_entropy(logits, smoothing: 0.1, weights: [1.0, 2.0, 0.5]);
                optimizer: sgd(lr: 0.05, momentum: 0.9, nesterov: true, weight_decay: 0.0005);
                schedule: step(epochs: 3, factor: 0.2);
                warmup_steps: 5; batch: 16; epochs: 7; seed: 9; patience: 3; validation: 0.2; clip_norm: 1.0;
                lr(head.bias): 2;
            }
            prune { method: global_magnitude; keep: 0.5; keep(head): 0.25; schedule: gradual(steps: 50, every: 10); }
        }";
    let text = there_and_back("words.net", text);
    for part in [
        "/// A network of many words.\nnetwork Words",
        "freeze stem;",
        "as head",
        "init: normal(0.00001)",
        "lr(head.bias): 2.0;",
        "keep(head): 0.25;",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn what_is_no_layer_comes_back() {
    let text = r#"
        allow(hidden_name);
        block Odd(x: [H, W, C]) -> [H / 2, W / 2, C] {
            allow(truncated_pool);
            return x -> max_pool(2);
        }
        network Said(classes: int = 2) {
            input image: [9, 9, 3] from photo(resize: 12, scale: 1.0 / 128, mean: [0.5, -0.25, 0.1], std: 0.3, order: "bgr");
            input grey: [9, 9, 1] from photo();
            x = concat(image, grey) -> Odd -> flatten;
            labels kind: ["a \"quoted\" cat", "back\\slash"];
            output kind = x -> dense(classes) -> softmax;
            output other = x -> dense(3);
            deny(no_activation);
            if classes == 2 {
                budget { parameters == 325; macs < 1_000; }
            }
            budget { inference_bytes(batch: 16) <= 1_000_000; training_bytes <= 1_000_000; }
        }"#;
    let text = there_and_back("said.net", text);
    for part in [
        "allow(hidden_name, truncated_pool);",
        "order: \"bgr\"",
        r#""a \"quoted\" cat""#,
        "parameters == 325;",
        "macs < 1_000;",
        "inference_bytes(batch: 16) <= 1_000_000;",
        "training_bytes(batch: 1) <= 1_000_000;",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("deny"), "what the program denies may stand in a block that it is excused in:\n{text}");
}

#[test]
fn sums_of_losses_and_augmentation_come_back() {
    let text = "
        network Early {
            input image: [16, 16, 3];
            x = image -> conv(8, kernel: 3) -> relu;
            early = x -> global_avg_pool -> dense(4) as early;
            logits = x -> conv(8, kernel: 3) -> relu -> global_avg_pool -> dense(4) as late;
            output probabilities = softmax(logits);
            train {
                loss: cross_entropy(logits) + 0.3 * cross_entropy(early, smoothing: 0.1);
                augment: shift(2, fill: edge) -> rotate(10) -> scale(0.9, 1.1) -> flip(vertical) -> noise(0.00001)
                    -> cutout(4);
            }
        }";
    let text = there_and_back("early.net", text);
    for part in [
        "loss: cross_entropy(late) + 0.3 * cross_entropy(early, smoothing: 0.1)",
        "shift(2, fill: edge)",
        "flip(vertical)",
        "noise(0.00001)",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn layers_of_blocks_get_names_of_their_own() {
    let text = "
        block Two(x: [H, W, C], n: int) -> [H, W, n] {
            return x -> conv(n, kernel: 1) as first -> relu -> conv(n, kernel: 1) as second;
        }
        network Nested {
            input image: [8, 8, 3];
            x = image;
            for i in 0..2 { x = x -> Two(4) as two[i]; }
            x_first = x -> conv(4, kernel: 1) as two_0_first;
            output y = x_first -> global_avg_pool;
            train { loss: mean_squared_error(y); }
            prune { keep(two[1]): 0.5; }
        }";
    let before = compiled("nested.net", text);
    let text = to_net(&before, &HashMap::from([("two.1.first".to_owned(), 3)]), &[]);
    let after = compiled("nested.net", &text);
    let shapes = |name: &str| {
        let parameter = after.graph.parameters.iter().find(|parameter| parameter.name == name);
        parameter.unwrap_or_else(|| panic!("{name}\n{text}")).shape.dims().to_vec()
    };
    assert_eq!(shapes("two_1_first.weight"), [1, 1, 4, 3]);
    assert_eq!(shapes("two_1_second.weight"), [1, 1, 3, 4]);
    // Two layers cannot have one name.
    assert_eq!(shapes("two_0_first_2.weight"), [1, 1, 4, 4]);
    assert!(text.contains("keep(two_1_first, two_1_second): 0.5;"), "{text}");
}
