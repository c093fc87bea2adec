//! `netwright predict`: images to classes.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use netwright_runtime::Network;
use netwright_runtime::data::named::class_names;
use netwright_runtime::engine::predict_into;
use netwright_runtime::image::{self, Fit, Invert};
use serde::Serialize;

use crate::Subject;
use crate::failure::Failure;
use crate::output;
use crate::run::weights;

/// Cells of a bar that stands for all of the probability.
const BAR: usize = 30;

/// The options of `predict`.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// PNG or JPEG images
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Weights as `netwright train` writes them [default: those of the last run in runs/]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// How many classes to show
    #[arg(long, value_name = "K", default_value_t = 3)]
    top: usize,
    /// What to do when an image's proportions are not the input's
    #[arg(long, value_enum, default_value_t = FitArg::Letterbox)]
    fit: FitArg,
    /// Whether to exchange light and dark; `auto` makes grey images light on dark, as the digits of MNIST are
    #[arg(long, value_enum, default_value_t = InvertArg::Auto)]
    invert: InvertArg,
    /// Print one line of JSON for each image
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FitArg {
    /// Keep the proportions and fill the rest
    Letterbox,
    /// Stretch the image
    Stretch,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum InvertArg {
    Auto,
    Yes,
    No,
}

/// An image's answer as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    image: String,
    network: &'a str,
    top: Vec<Class<'a>>,
}

/// A class with its probability.
#[derive(Serialize)]
struct Class<'a> {
    class: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    probability: f32,
}

/// Predicts and prints; exit code 1 if an image could not be used.
pub(crate) fn run<N: Network>(subject: &Subject, options: &Options) -> Result<ExitCode, Failure> {
    let Options { images, weights, top, fit, invert, json } = options;
    let found = weights::find(subject, weights.as_deref())?;
    let network = found.load::<N>()?;
    let names = found.data().and_then(class_names);
    let fit = match fit {
        FitArg::Letterbox => Fit::Letterbox,
        FitArg::Stretch => Fit::Stretch,
    };
    let invert = match invert {
        InvertArg::Auto => Invert::Auto,
        InvertArg::Yes => Invert::Yes,
        InvertArg::No => Invert::No,
    };
    if !json {
        output::note(&format!("weights: {}", found.path().display()));
    }
    let mut all_good = true;
    for path in images {
        match predict(&network, path, &image::Options { fit, invert }) {
            Ok(scores) => {
                let answer = Answer {
                    image: path.display().to_string(),
                    network: N::SPEC.name,
                    top: best(&scores, *top, names),
                };
                if *json { output::print_json(&answer)? } else { output::print(&describe(&answer))? }
            }
            Err(failure) => {
                // The other images are classified all the same.
                let _ = failure.report();
                all_good = false;
            }
        }
    }
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The scores of an image's classes.
fn predict<N: Network>(network: &N, path: &Path, options: &image::Options) -> Result<Vec<f32>, Failure> {
    let (input, output) = (&N::SPEC.inputs[0], &N::SPEC.outputs[0]);
    let &[height, width, channels] = input.shape else {
        let shape = input.shape;
        return Err(Failure::failed(format!("{} takes inputs of shape {shape:?}, which no image has", N::SPEC.name)));
    };
    let pixels = image::read(path, [height, width, channels], options)?;
    let mut scores = vec![0.0; output.len()];
    predict_into(network, pixels.as_standard_layout().as_slice().unwrap_or(&[]), &mut scores)?;
    Ok(scores)
}

/// The `top` classes with the highest scores, the highest first; of equals the first.
fn best<'a>(scores: &[f32], top: usize, names: Option<&'a [&'a str]>) -> Vec<Class<'a>> {
    let mut order: Vec<(usize, f32)> = scores.iter().copied().enumerate().collect();
    order.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    order.truncate(top);
    let name = |class: usize| names.and_then(|names| names.get(class)).copied();
    order.into_iter().map(|(class, probability)| Class { class, name: name(class), probability }).collect()
}

/// An answer for people: a bar for each class.
fn describe(answer: &Answer<'_>) -> String {
    let strong = output::STRONG;
    let labels: Vec<String> =
        answer.top.iter().map(|class| class.name.map_or_else(|| class.class.to_string(), str::to_owned)).collect();
    let width = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let mut text = format!("{strong}{}{strong:#}\n", answer.image);
    for (label, class) in labels.iter().zip(&answer.top) {
        text.push_str(&format!(
            "  {label:<width$}  {:>6.2} %  {}\n",
            100.0 * class.probability,
            bar(class.probability)
        ));
    }
    text
}

/// A bar of eighths of a cell.
fn bar(fraction: f32) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (fraction.clamp(0.0, 1.0) * (8 * BAR) as f32).round() as usize;
    let mut text = "█".repeat(eighths / 8);
    text.push_str(EIGHTHS.get(eighths % 8).copied().unwrap_or_default());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first_and_equals_in_order() {
        let classes = |scores: &[f32], top| best(scores, top, None).iter().map(|class| class.class).collect::<Vec<_>>();
        assert_eq!(classes(&[0.1, 0.4, 0.1, 0.4], 3), [1, 3, 0]);
        assert_eq!(classes(&[0.1, 0.9], 5), [1, 0]);
        assert_eq!(best(&[0.1, 0.9], 1, Some(&["cat"]))[0].name, None);
    }

    #[test]
    fn bars_are_as_long_as_their_fraction() {
        assert_eq!(bar(1.0).chars().count(), BAR);
        assert_eq!((bar(0.0).as_str(), bar(f32::NAN).as_str(), bar(0.05).as_str()), ("", "", "█▌"));
    }
}
