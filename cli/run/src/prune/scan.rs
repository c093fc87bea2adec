//! What each layer bears: accuracy when a part of one layer's weights is gone and nothing is trained on.

use std::path::PathBuf;

use netwright_runtime::Trainable;
use netwright_runtime::dataset::Dataset;
use netwright_runtime::engine::Core;
use netwright_runtime::train::prune::{Keep, Mask, Method, Pace, Pruning, is_prunable};
use netwright_runtime::train::{Constraint, Evaluation, evaluate};
use serde::Serialize;

use super::{Options, picture};
use crate::Subject;
use crate::data;
use crate::eval::BATCH;
use crate::failure::Failure;
use crate::run::{folder, weights as found};
use crate::{output, text};

/// The fractions of a layer's weights that are taken away.
pub(super) const SPARSITIES: [f32; 11] = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99];

/// The fraction of the training images that is looked at, where the run set none aside.
const VALIDATION: f32 = 0.1;

/// The picture's file.
const PICTURE: &str = "sensitivity.svg";

/// A layer's answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Layer {
    /// Its name, such as `conv1`.
    pub(super) layer: String,
    /// Its weights.
    pub(super) weights: usize,
    /// The accuracy at each of [`SPARSITIES`]; the loss where there are no classes.
    pub(super) values: Vec<f64>,
}

/// The answer.
#[derive(Serialize)]
struct Answer<'a> {
    network: &'a str,
    data: &'a str,
    /// Images that were looked at.
    images: usize,
    /// Accuracy or loss, with all weights.
    measure: &'a str,
    whole: f64,
    sparsities: [f32; 11],
    layers: Vec<Layer>,
    picture: PathBuf,
}

/// Scans, prints a table and draws the picture.
pub(super) fn run<N: Trainable>(subject: &Subject, options: &Options) -> Result<(), Failure> {
    let weights = found::find(subject, options.weights.as_deref())?;
    let network = weights.load::<N>()?;
    let name = options.data.data.as_deref().or(weights.data()).unwrap_or(data::DEFAULT);
    let train = data::load(name, options.data.limit.map(usize::from))?.train;
    // Those that the run set aside, if it did: the weights have not seen them.
    let aside = weights.validation();
    let (fraction, seed) = aside.unwrap_or((VALIDATION, options.seed.unwrap_or(N::RECIPE.seed)));
    if aside.is_none() {
        output::note("the run set no validation images aside: those of the scan have been trained on");
    }
    let (_, validation) = train.split(f64::from(fraction), seed)?;
    let whole = evaluate(&network, &validation, BATCH)?;
    let (measure, _) = value(&whole);
    let mut layers = Vec::new();
    for parameter in N::SPEC.parameters.iter().filter(|parameter| is_prunable(parameter)) {
        let layer = parameter.name.rsplit_once('.').map_or(parameter.name, |(layer, _)| layer);
        let values = scan(&network, layer, &validation)?;
        layers.push(Layer { layer: layer.to_owned(), weights: parameter.count(), values });
    }
    let folder = options.out.clone().unwrap_or_else(|| folder::next(&format!("{}_pruned", subject.name)));
    std::fs::create_dir_all(&folder).map_err(|error| Failure::io("make the folder", &folder, &error))?;
    let path = folder.join(PICTURE);
    let whole = value(&whole).1;
    let picture = picture::draw(&layers, N::SPEC.name, measure, whole, validation.len());
    output::write_file(&path, &picture)?;
    let (network, images, sparsities) = (N::SPEC.name, validation.len(), SPARSITIES);
    let answer = Answer { network, data: name, images, measure, whole, sparsities, layers, picture: path };
    if options.json { output::print_json(&answer) } else { output::print(&describe(&answer)) }
}

/// Accuracy, or loss where there is none.
fn value(evaluation: &Evaluation) -> (&'static str, f64) {
    evaluation.accuracy.map_or(("loss", evaluation.loss), |accuracy| ("accuracy", accuracy))
}

/// The accuracy at each sparsity of one layer.
fn scan<N: Trainable>(network: &N, layer: &str, data: &Dataset) -> Result<Vec<f64>, Failure> {
    let value = |sparsity: f32| {
        let mut parameters = network.core().parameters().clone();
        let keep = [Keep { layer, fraction: 1.0 - sparsity }];
        let pruning = Pruning {
            method: Method::Magnitude,
            keep: None,
            layers: &keep,
            pace: Pace::OneShot,
            epochs: 1,
            lr_factor: 1.0,
            scale_dropout: false,
        };
        Mask::new(N::SPEC, &pruning)?.begin(N::SPEC, parameters.trained_mut())?;
        let pruned = N::from_core(Core::from_parameters(parameters));
        Ok(value(&evaluate(&pruned, data, BATCH)?).1)
    };
    SPARSITIES.into_iter().map(value).collect()
}

/// The table, and where the picture is.
fn describe(answer: &Answer<'_>) -> String {
    let is_accuracy = answer.measure == "accuracy";
    let cell = |value: f64| if is_accuracy { format!("{:.1}", 100.0 * value) } else { format!("{value:.3}") };
    let row = |layer: &Layer| {
        std::array::from_fn(|column| match column.checked_sub(1) {
            None => layer.layer.clone(),
            Some(idx) => layer.values.get(idx).map_or_else(String::new, |value| cell(*value)),
        })
    };
    let headings = SPARSITIES.map(|sparsity| format!("{:.0} %", 100.0 * sparsity));
    let headings: [&str; 12] = std::array::from_fn(|column| match column.checked_sub(1) {
        None => "layer \\ gone",
        Some(idx) => headings.get(idx).map_or("", String::as_str),
    });
    let numbers: Vec<usize> = (1..=SPARSITIES.len()).collect();
    let table = output::table(headings, answer.layers.iter().map(row).collect(), &numbers);
    let unit = if is_accuracy { " (%)" } else { "" };
    format!(
        "{table}\n\n{}{unit} of {} on {} of {}, {} with all weights; one layer is pruned at a time, without training; picture in {}\n",
        answer.measure,
        answer.network,
        text::count(answer.images, "training image"),
        answer.data,
        cell(answer.whole),
        answer.picture.display(),
    )
}
