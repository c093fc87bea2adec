//! Calls as other languages write them: `conv(8)(x)`, `x.relu()`, `F.relu(x)` and `layers.append(x)`.

use super::operands::{bracketed, is_name, opener_of};
use super::{Failure, Part, previous, report, report_fix, short, usual};
use crate::diagnostic::Sink;
use crate::diagnostic::codes::N0013;
use crate::ops::{SIGNATURES, signature};
use crate::source::Span;
use crate::syntax::scan::TokenKind;

/// What other languages call otherwise.
pub(super) fn explain_call(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    !failure.part.is_header() && (explain_applied(failure, sink) || explain_method(failure, sink))
}

/// `conv(8, kernel: 3)(x)`: a layer that is made first, and then called.
fn explain_applied(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, part, end } = *failure;
    if words.text(at) != "(" || previous(failure) != ")" || !matches!(part, Part::Statement | Part::Entry) {
        return false;
    }
    let Some(opener) = opener_of(failure, at - 1).filter(|opener| *opener > start + 1) else { return false };
    let layer = opener - 1;
    let Some(closer) = words.commas(at, end).and_then(|mut commas| commas.pop()) else { return false };
    let Some((inside, second)) = bracketed(failure, at).filter(|_| is_name(failure, layer)) else { return false };
    let (name, inside) = (words.text(layer), inside.trim().trim_end_matches(','));
    let title = usual(failure);
    let is_empty = opener + 1 == at - 1;
    let list = inside.strip_prefix('[').and_then(|list| list.strip_suffix(']')).map(str::trim);
    let operands = list.unwrap_or(inside);
    let is_plain = is_row(failure, at + 1 + usize::from(list.is_some()), closer - usize::from(list.is_some()));
    // Losses, and layers of several operands, take them as arguments.
    if part == Part::Entry || list.is_some() || words.commas(at, end).is_some_and(|commas| commas.len() > 1) {
        let help = format!("what is compared or joined stands among the arguments: `{}`", call(name, operands));
        let is_sure = is_plain && is_empty && !operands.is_empty();
        let mended = words.span(opener).to(second);
        return match is_sure {
            true => report_fix(sink, N0013, title, help, mended, &format!("({operands})")),
            false => report(sink, N0013, title.0, title.1, Some(help)),
        };
    }
    let made = words.slice(words.span(layer).to(words.span(at - 1)));
    let text = format!("{inside} -> {made}");
    let shown =
        [&text, &format!("{inside} -> {name}(…)")].into_iter().find(|text| short(text) == text.as_str()).cloned();
    let shown = shown.unwrap_or_else(|| format!("x -> {}(…)", short(name)));
    let help = format!("a layer stands right of an arrow: `{shown}`");
    let before = words.text(layer - 1);
    if !is_plain || inside.is_empty() || matches!(before, "->" | ".") {
        return report(sink, N0013, title.0, title.1, Some(help));
    }
    let is_whole = matches!(before, "=" | "(" | "[" | "," | ":" | "return")
        && matches!(words.text(closer + 1), ";" | ")" | "]" | "," | "->" | ":" | "as" | "");
    let text = if is_whole { text } else { format!("({text})") };
    report_fix(sink, N0013, title, help, words.span(layer).to(second), &text)
}

/// Whether the tokens of a bracket are values with `,` between them: none is named.
fn is_row(failure: &Failure<'_>, from: usize, to: usize) -> bool {
    let words = failure.words;
    let mut depth = 0_usize;
    (from..to).all(|index| {
        match words.kind(index) {
            Some(TokenKind::Open) => depth += 1,
            Some(TokenKind::Close) => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > 0 || !matches!(words.text(index), "=" | ":")
    })
}

/// A call with its arguments, as far as they are short.
fn call(name: &str, arguments: &str) -> String {
    let text = format!("{name}({arguments})");
    if short(&text) == text { text } else { format!("{}(…)", short(name)) }
}

/// `x.relu()` for `x -> relu()`, and calls in modules.
fn explain_method(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, part, .. } = *failure;
    if words.text(at) != "." || at <= start {
        return false;
    }
    if matches!(words.text(at + 1), "shape" | "size") && is_name(failure, at - 1) {
        let help =
            "a tensor is not asked for its sizes: a block names those of its operands, `block B(x: [H, W, C]) -> …`";
        return report(sink, N0013, usual(failure).0, words.span(at), Some(help.to_owned()));
    }
    if explain_module(failure, sink) {
        return true;
    }
    let is_call = is_name(failure, at + 1) && words.text(at + 2) == "(";
    if !is_call || part == Part::Limit {
        return false;
    }
    let (title, place) = usual(failure);
    let method = words.text(at + 1);
    let is_first = at == start + 1 && part == Part::Statement;
    let is_list = matches!(words.text(at - 1), "model" | "net" | "network" | "layers" | "seq" | "sequential");
    let gathers =
        matches!(method, "append" | "extend" | "push" | "insert" | "add_module") || method == "add" && is_list;
    if is_first || gathers {
        let title = if is_first { format!("expected `=`, found {}", words.found(at)) } else { title };
        let help = match method {
            "compile" | "fit" | "train" | "backward" | "step" => {
                "training is described by a section: `train { loss: …; batch: 64; }`"
            }
            _ if gathers || method == "add" => {
                "layers are not gathered, but follow each other in a pipeline: `y = x -> conv(8, kernel: 3) -> relu;`"
            }
            _ => "give the value a name, `name = …`, and write a layer right of an arrow: `x -> relu`",
        };
        return report(sink, N0013, title, place, Some(help.to_owned()));
    }
    let layer = short(method);
    if at >= start + 2 && words.text(at - 2) == "->" {
        let help = format!("layers have no module before them: `-> {layer}(…)`");
        return report(sink, N0013, title, place, Some(help));
    }
    let help = format!("a layer stands right of an arrow: `x -> {layer}(…)`");
    // Where the operand is all that stands left of the dot, an arrow means the same.
    let mut first = at.saturating_sub(1);
    if words.text(first) == ")" {
        first = opener_of(failure, first).unwrap_or(start);
        if first > start && is_name(failure, first - 1) {
            first -= 1;
        }
    }
    let is_whole = first > start && matches!(words.text(first - 1), "=" | "(" | "," | ":" | "->" | "return");
    if !is_whole {
        return report(sink, N0013, title, place, Some(help));
    }
    // All the dots of a chain at once.
    let (mut last, mut text) = (at, String::new());
    loop {
        text.push_str(" -> ");
        let closer = words.commas(last + 2, failure.end).and_then(|mut commas| commas.pop());
        let next = closer
            .map(|closer| closer + 1)
            .filter(|next| words.text(*next) == "." && is_name(failure, next + 1) && words.text(next + 2) == "(");
        let Some(next) = next else { break };
        text.push_str(
            words.slice(Span { start: words.span(last).end, end: words.span(next).start, ..place }).trim_end(),
        );
        last = next;
    }
    report_fix(sink, N0013, (title, place), help, place.to(words.span(last)), &text)
}

/// A module of PyTorch's or of Keras's before a layer: `nn.Conv2d(8, 3)`, `F.max_pool2d(h, 2)`, `tf.nn.relu(h)`.
fn explain_module(failure: &Failure<'_>, sink: &mut Sink) -> bool {
    let Failure { words, start, at, end, .. } = *failure;
    let module = at - 1;
    let is_module = matches!(words.text(module), "F" | "nn" | "torch" | "tf" | "keras" | "layers" | "self" | "jax");
    if !is_module || !is_name(failure, module) || module == start {
        return false;
    }
    let mut name = at + 1;
    while is_name(failure, name) && words.text(name + 1) == "." {
        name += 2;
    }
    let opener = name + 1;
    let methods = ["append", "extend", "add", "insert"];
    if !is_name(failure, name) || words.text(opener) != "(" || methods.contains(&words.text(name)) {
        return false;
    }
    let (title, place) = usual(failure);
    let layer = short(layer_of(words.text(name)));
    if module > start && words.text(module - 1) == "->" {
        let help = format!("layers have no module before them: `-> {layer}(…)`");
        return report(sink, N0013, title, place, Some(help));
    }
    let Some(commas) = words.commas(opener, end) else { return false };
    let closer = commas.last().copied().unwrap_or(opener);
    // `nn.Conv2d(8, 3)(h)` has its operand behind, `F.max_pool2d(h, 2)` among the arguments.
    let is_applied = words.text(closer + 1) == "(";
    let operand = if is_applied { closer + 2 } else { opener + 1 };
    let is_operand = is_name(failure, operand) && matches!(words.text(operand + 1), "," | ")");
    let shown = if is_operand { short(words.text(operand)) } else { "x" };
    let is_alone = is_operand && operand + 1 == closer;
    let arguments = if is_alone { "" } else { "(…)" };
    let help =
        format!("layers have no module before them, and stand right of an arrow: `{shown} -> {layer}{arguments}`");
    let is_whole = matches!(words.text(module - 1), "=" | "(" | "[" | "," | "return")
        && matches!(words.text(closer + 1), ";" | ")" | "]" | "," | "->" | "");
    // What has no further arguments means the same.
    if is_alone && is_whole && signature(words.text(name)).is_some() {
        let text = format!("{} -> {}", words.text(operand), words.text(name));
        return report_fix(sink, N0013, (title, place), help, words.span(module).to(words.span(closer)), &text);
    }
    report(sink, N0013, title, place, Some(help))
}

/// The layer that one of another framework is in this language, as far as its name shows.
fn layer_of(name: &str) -> &str {
    const LONGEST: usize = 40;
    if name.len() > LONGEST {
        return name;
    }
    let plain = name.to_lowercase().replace('_', "");
    let plain = ["1d", "2d", "3d"].iter().find_map(|ending| plain.strip_suffix(ending)).unwrap_or(&plain);
    match plain {
        "linear" => "dense",
        "cat" | "concatenate" => "concat",
        "maxpooling" => "max_pool",
        "avgpooling" | "averagepooling" => "avg_pool",
        "globalaveragepooling" | "adaptiveavgpool" => "global_avg_pool",
        "globalmaxpooling" | "adaptivemaxpool" => "global_max_pool",
        "batchnormalization" => "batch_norm",
        "layernormalization" => "layer_norm",
        _ => SIGNATURES.iter().map(|found| found.name).find(|found| found.replace('_', "") == plain).unwrap_or(name),
    }
}
