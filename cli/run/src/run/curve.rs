//! The picture of a run: loss and accuracy after each epoch.

use netwright_runtime::train::EpochMetrics;

use super::manifest::RecipeEntry;
use super::svg::{Anchor, Axis, Svg};
use crate::text;

const WIDTH: f64 = 880.0;
const HEIGHT: f64 = 400.0;
/// Left edges of the two panels.
const PANELS: [f64; 2] = [58.0, 490.0];
/// Width of a panel; the lines' names stand to its right.
const PANEL: f64 = 264.0;
const TOP: f64 = 112.0;
const BOTTOM: f64 = 340.0;
/// The least distance between the names of two lines.
const NAME_HEIGHT: f64 = 16.0;
/// Most epochs that are marked each.
const MARKED: usize = 40;

/// Colours that carry on light and dark grounds; the ground follows the reader's preference.
const STYLE: &str = "\
text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#59636e}\
.title{font-size:18px;font-weight:600;fill:#1f2328}.panel{font-size:13px;font-weight:600;fill:#1f2328}\
.ground{fill:#ffffff;stroke:#d1d9e0}.grid{stroke:#e6eaef}.axis{stroke:#818b98}\
polyline{fill:none;stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}\
polyline.train{stroke:#3b82d6}circle.train,text.train{fill:#3b82d6}\
polyline.validation{stroke:#2f9e5b}circle.validation,text.validation{fill:#2f9e5b}\
polyline.test{stroke:#d9731a}circle.test,text.test{fill:#d9731a}\
.name{font-weight:600}\
@media(prefers-color-scheme:dark){text{fill:#9198a1}.title,.panel{fill:#f0f6fc}.ground{fill:#0d1117;stroke:#3d444d}\
.grid{stroke:#21262d}.axis{stroke:#656c76}}";

/// One measure of one part of the data, epoch by epoch.
struct Line {
    /// Its name, and its class in the style sheet.
    name: &'static str,
    /// Epoch and value.
    points: Vec<(usize, f64)>,
}

impl Line {
    fn new(name: &'static str, history: &[EpochMetrics], value: impl Fn(&EpochMetrics) -> Option<f64>) -> Self {
        let point = |metrics: &EpochMetrics| Some((metrics.epoch, value(metrics).filter(|value| value.is_finite())?));
        Self { name, points: history.iter().filter_map(point).collect() }
    }
}

/// Draws a run's history as an SVG file.
pub(crate) fn draw(history: &[EpochMetrics], network: &str, data: &str, recipe: &RecipeEntry) -> String {
    let mut svg = Svg::default();
    svg.card("ground", WIDTH, HEIGHT, 8.0);
    // A folder's name is enough of its path.
    let data = data.rsplit(['/', '\\']).next().unwrap_or(data);
    let title = format!("{network} on {data}");
    svg.text("title", (PANELS[0] - 34.0, 38.0), Anchor::Start, &title);
    svg.text("subtitle", (PANELS[0] - 34.0, 62.0), Anchor::Start, &subtitle(history, recipe));

    let loss = [
        Line::new("train", history, |metrics| Some(metrics.train_loss)),
        Line::new("validation", history, |metrics| metrics.validation_loss),
        Line::new("test", history, |metrics| metrics.test_loss),
    ];
    let percent = |fraction: Option<f64>| fraction.map(|fraction| 100.0 * fraction);
    let accuracy = [
        Line::new("train", history, |metrics| percent(metrics.train_accuracy)),
        Line::new("validation", history, |metrics| percent(metrics.validation_accuracy)),
        Line::new("test", history, |metrics| percent(metrics.test_accuracy)),
    ];
    let loss_title = loss_title(&recipe.loss);
    let epochs = history.last().map_or(1, |metrics| metrics.epoch);
    panel(&mut svg, PANELS[0], loss_title, &loss, epochs, Some(0.0), 4);
    if accuracy.iter().any(|line| !line.points.is_empty()) {
        panel(&mut svg, PANELS[1], "accuracy (%)", &accuracy, epochs, None, 2);
    }
    svg.finish(WIDTH, HEIGHT, &format!("{title}: loss and accuracy after each epoch"), STYLE)
}

/// What the axis of the loss says; a loss may have its settings behind its name, and a sum is spelt out.
fn loss_title(loss: &str) -> &str {
    if loss == "sum" || loss.contains(" + ") {
        return "sum of losses";
    }
    match loss.split('(').next() {
        Some("cross_entropy") => "cross entropy loss (nats)",
        Some("binary_cross_entropy") => "binary cross entropy (nats)",
        Some("mean_squared_error") => "mean squared error",
        Some("l1") => "mean absolute error",
        Some("huber") => "Huber's loss",
        _ => loss,
    }
}

/// The settings, and what the last epoch came to.
fn subtitle(history: &[EpochMetrics], recipe: &RecipeEntry) -> String {
    let mut text = format!(
        "{}, {}, batch {}, seed {}",
        text::count(history.len(), "epoch"),
        short(&recipe.optimizer),
        recipe.batch,
        recipe.seed
    );
    if let Some(accuracy) = history.last().and_then(|last| last.test_accuracy) {
        text.push_str(&format!(" · test accuracy {} after the last epoch", text::percent(accuracy)));
    }
    text
}

/// An optimiser with its learning rate alone: `adam(lr: 0.001)`.
fn short(optimizer: &str) -> String {
    match optimizer.split_once(',') {
        Some((start, _)) => format!("{start})"),
        None => optimizer.to_owned(),
    }
}

/// Draws axes and lines. `base` is a number that the vertical axis holds besides the data.
fn panel(svg: &mut Svg, left: f64, title: &str, lines: &[Line], epochs: usize, base: Option<f64>, digits: usize) {
    let values = || lines.iter().flat_map(|line| &line.points).map(|&(_, value)| value).chain(base);
    let (low, high) =
        values().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return;
    }
    let axis = Axis::around(low, high, 5);
    let y = |value: f64| BOTTOM - (BOTTOM - TOP) * axis.place(value);
    // A single epoch stands in the middle.
    let x = |epoch: usize| match epochs {
        0 | 1 => left + PANEL / 2.0,
        _ => left + PANEL * (epoch.saturating_sub(1)) as f64 / (epochs - 1) as f64,
    };

    svg.text("panel", (left, TOP - 16.0), Anchor::Start, title);
    for &tick in &axis.ticks {
        let height = y(tick);
        svg.line("grid", (left, height), (left + PANEL, height));
        svg.text("tick", (left - 8.0, height + 4.0), Anchor::End, &format!("{tick:.*}", axis.digits));
    }
    svg.line("axis", (left, BOTTOM), (left + PANEL, BOTTOM));
    for epoch in epoch_ticks(epochs) {
        svg.line("axis", (x(epoch), BOTTOM), (x(epoch), BOTTOM + 4.0));
        svg.text("tick", (x(epoch), BOTTOM + 18.0), Anchor::Middle, &epoch.to_string());
    }
    svg.text("label", (left + PANEL / 2.0, BOTTOM + 38.0), Anchor::Middle, "epoch");

    for line in lines {
        let points: Vec<(f64, f64)> = line.points.iter().map(|&(epoch, value)| (x(epoch), y(value))).collect();
        if points.len() > 1 {
            svg.polyline(line.name, &points);
        }
        let marked = if epochs <= MARKED { &points[..] } else { points.last().map_or(&[][..], std::slice::from_ref) };
        for &point in marked {
            svg.dot(line.name, point, 3.0);
        }
    }
    for (line, height, last) in names(lines, y) {
        let text = format!("{} {last:.digits$}", line.name);
        svg.text(&format!("name {}", line.name), (left + PANEL + 10.0, height + 4.0), Anchor::Start, &text);
    }
}

/// The lines' names with the heights that they stand at, from the top, and the last values: beside the lines' ends, but
/// not one on another.
fn names(lines: &[Line], y: impl Fn(f64) -> f64) -> Vec<(&Line, f64, f64)> {
    let ends = lines.iter().filter_map(|line| line.points.last().map(|&(_, last)| (line, y(last), last)));
    let mut names: Vec<(&Line, f64, f64)> = ends.collect();
    names.sort_by(|(_, a, _), (_, b, _)| a.total_cmp(b));
    let mut above = f64::NEG_INFINITY;
    for (_, height, _) in &mut names {
        *height = height.max(above + NAME_HEIGHT);
        above = *height;
    }
    // Names that were pushed below the axis push back.
    let mut below = BOTTOM + NAME_HEIGHT;
    for (_, height, _) in names.iter_mut().rev() {
        *height = height.min(below - NAME_HEIGHT);
        below = *height;
    }
    names
}

/// The epochs whose numbers are written: the first, the last, and round ones between.
fn epoch_ticks(epochs: usize) -> Vec<usize> {
    const WANTED: usize = 10;
    if epochs <= WANTED {
        return (1..=epochs.max(1)).collect();
    }
    let rough = epochs.div_ceil(WANTED);
    let power = 10_usize.pow(rough.ilog10());
    let step = [1, 2, 5, 10].into_iter().map(|round| round * power).find(|&step| step >= rough).unwrap_or(rough);
    let between = (step..epochs).step_by(step).filter(|&epoch| epoch > 1 && epochs - epoch > step / 2);
    std::iter::once(1).chain(between).chain([epochs]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(epochs: usize) -> Vec<EpochMetrics> {
        let epoch = |epoch| EpochMetrics {
            epoch,
            step: 10 * epoch as u64,
            train_loss: 1.0 / epoch as f64,
            train_accuracy: Some(1.0 - 0.5 / epoch as f64),
            validation_loss: None,
            validation_accuracy: None,
            test_loss: Some(0.9 / epoch as f64),
            test_accuracy: Some(1.0 - 0.4 / epoch as f64),
            learning_rate: 0.001,
            seconds: 1.0,
            images_per_second: 1.0,
        };
        (1..=epochs).map(epoch).collect()
    }

    fn recipe() -> RecipeEntry {
        RecipeEntry {
            loss: "cross_entropy".to_owned(),
            optimizer: "adam(lr: 0.001)".to_owned(),
            schedule: "constant".to_owned(),
            warmup_steps: 0,
            batch: 64,
            epochs: 10,
            seed: 0,
            patience: None,
            validation: None,
            clip_norm: None,
            augment: None,
        }
    }

    #[test]
    fn losses_have_titles() {
        assert_eq!(loss_title("cross_entropy(smoothing: 0.1)"), "cross entropy loss (nats)");
        assert_eq!(loss_title("huber(delta: 0.5)"), "Huber's loss");
        assert_eq!(loss_title("cross_entropy(late) + 0.3 * cross_entropy(early)"), "sum of losses");
        assert_eq!(loss_title("sum"), "sum of losses");
    }

    /// The numbers of an attribute, in order.
    fn numbers(svg: &str, attribute: &str) -> Vec<f64> {
        let start = format!(" {attribute}=\"");
        svg.split(&start).skip(1).map(|part| part.split('"').next().unwrap().parse().unwrap()).collect()
    }

    #[test]
    fn everything_is_drawn_inside_for_any_number_of_epochs() {
        for epochs in [0, 1, 2, 10, 11, 100, 1234] {
            let svg = draw(&history(epochs), "LeNet", "mnist", &recipe());
            for (attribute, most) in
                [("x1", WIDTH), ("cx", WIDTH), ("x", WIDTH), ("y1", HEIGHT), ("cy", HEIGHT), ("y", HEIGHT)]
            {
                assert!(
                    numbers(&svg, attribute).iter().all(|number| (0.0..=most).contains(number)),
                    "{epochs} {attribute}"
                );
            }
            let lines = if epochs > 1 { 4 } else { 0 };
            assert_eq!(svg.matches("<polyline").count(), lines, "{epochs}");
        }
    }

    #[test]
    fn a_line_goes_through_its_epochs() {
        let svg = draw(&history(3), "LeNet", "mnist", &recipe());
        let line = svg.split("<polyline class=\"train\" points=\"").nth(1).unwrap().split('"').next().unwrap();
        // Losses 1, 1/2 and 1/3 on an axis from 0 to 1.
        let middle = TOP + (BOTTOM - TOP) / 2.0;
        assert_eq!(line, format!("58.0,{TOP:.1} 190.0,{middle:.1} 322.0,{:.1}", BOTTOM - (BOTTOM - TOP) / 3.0));
        assert!(svg.contains("LeNet on mnist") && svg.contains("test accuracy 86.67 % after the last epoch"));
    }

    fn line(name: &'static str, value: f64) -> Line {
        Line { name, points: vec![(1, value)] }
    }

    #[test]
    fn names_do_not_lie_on_one_another() {
        let lines = [line("train", 338.0), line("validation", 337.0), line("test", 339.0)];
        let heights: Vec<f64> = names(&lines, |value| value).iter().map(|(_, height, _)| *height).collect();
        assert_eq!(heights, [308.0, 324.0, 340.0]);
    }

    #[test]
    fn epochs_are_counted_in_round_numbers() {
        assert_eq!(epoch_ticks(3), [1, 2, 3]);
        assert_eq!(epoch_ticks(25), [1, 5, 10, 15, 20, 25]);
        assert_eq!(epoch_ticks(101), [1, 20, 40, 60, 80, 101]);
    }

    #[test]
    fn infinite_numbers_are_left_out() {
        let mut history = history(3);
        history[1].test_loss = Some(f64::NAN);
        let svg = draw(&history, "LeNet", "a/<b>", &recipe());
        assert!(!svg.contains("NaN") && svg.contains("LeNet on &lt;b&gt;"));
    }
}
