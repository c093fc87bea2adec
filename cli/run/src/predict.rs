//! `netwright predict`: images to classes.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use ndarray::Array3;
use netwright_runtime::Network;
use netwright_runtime::data::named::class_names;
use netwright_runtime::engine::predict_all_into;
use netwright_runtime::image::{self, Fit, Invert};
use netwright_runtime::spec::{Photo, TensorSpec};
use serde::Serialize;

use crate::Subject;
use crate::failure::Failure;
use crate::labels;
use crate::output;
use crate::run::weights;
use crate::threads::Threads;

/// Cells of a bar that stands for all of the probability.
const BAR: usize = 30;

/// The options of `predict`.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// PNG or JPEG images
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Weights as `netwright train` or `compress` writes them
    /// [default: those that the last training run of the network left in runs/]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// How many classes to show
    #[arg(long, value_name = "K", default_value_t = 3)]
    top: usize,
    /// What to do when an image's proportions are not the input's [default: what the description says with
    /// `from photo(…)`, else letterbox]
    #[arg(long, value_enum)]
    fit: Option<FitArg>,
    /// Whether to exchange light and dark; `auto` makes grey images light on dark, as the digits of MNIST are [default:
    /// no where the description says `from photo(…)`, else auto]
    #[arg(long, value_enum)]
    invert: Option<InvertArg>,
    #[command(flatten)]
    threads: Threads,
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

/// The answer of a network of several outputs as JSON.
#[derive(Serialize)]
struct Answers<'a> {
    image: String,
    network: &'a str,
    outputs: Vec<Output<'a>>,
}

/// What one of several outputs says.
#[derive(Serialize)]
struct Output<'a> {
    output: &'a str,
    shape: &'a [usize],
    #[serde(flatten)]
    content: Content<'a>,
}

/// Probabilities are told by their classes.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Content<'a> {
    Top(Vec<Class<'a>>),
    Values(Vec<f32>),
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
    options.threads.run(|| predict_and_print::<N>(subject, options))
}

fn predict_and_print<N: Network>(subject: &Subject, options: &Options) -> Result<ExitCode, Failure> {
    let Options { images, weights, top, fit, invert, json, .. } = options;
    let found = weights::find(subject, weights.as_deref())?;
    let network = found.load::<N>()?;
    let names = found.data().and_then(class_names);
    let fit = fit.map(|fit| match fit {
        FitArg::Letterbox => Fit::Letterbox,
        FitArg::Stretch => Fit::Stretch,
    });
    let invert = invert.map(|invert| match invert {
        InvertArg::Auto => Invert::Auto,
        InvertArg::Yes => Invert::Yes,
        InvertArg::No => Invert::No,
    });
    let wanted = Wanted { fit, invert };
    if !json {
        output::note(&format!("weights: {}", found.path().display()));
    }
    let mut all_good = true;
    for path in images {
        match predict(&network, path, wanted) {
            Ok(outputs) => {
                let (image, network) = (path.display().to_string(), N::SPEC.name);
                match (N::SPEC.outputs, outputs.as_slice()) {
                    ([_], [scores]) => {
                        let names = labels::<N>(0).or(names);
                        let answer = Answer { image, network, top: best(scores, *top, names) };
                        if *json { output::print_json(&answer)? } else { output::print(&describe(&answer))? }
                    }
                    (tensors, outputs) => {
                        let content = |(index, (tensor, values)): (usize, (&'static TensorSpec, &Vec<f32>))| {
                            content(tensor, values, *top, labels::<N>(index).or(names))
                        };
                        let outputs = tensors.iter().zip(outputs).enumerate().map(content).collect();
                        let answer = Answers { image, network, outputs };
                        if *json { output::print_json(&answer)? } else { output::print(&describe_all(&answer, *top))? }
                    }
                }
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

/// What the command line says of images.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    fit: Option<Fit>,
    invert: Option<Invert>,
}

/// An image as an input: as the description says, as far as the command line says nothing else.
fn read(path: &Path, shape: [usize; 3], photo: Option<Photo>, wanted: Wanted) -> Result<Array3<f32>, Failure> {
    let Wanted { fit, invert } = wanted;
    Ok(match photo {
        Some(photo) if fit.is_none() && matches!(invert, None | Some(Invert::No)) => {
            image::read_photo(path, shape, &photo)?
        }
        Some(photo) => {
            let options = image::Options { fit: fit.unwrap_or_default(), invert: invert.unwrap_or(Invert::No) };
            image::normalised(&image::read(path, shape, &options)?, &photo)
        }
        None => {
            let options = image::Options { fit: fit.unwrap_or_default(), invert: invert.unwrap_or_default() };
            image::read(path, shape, &options)?
        }
    })
}

/// The outputs for an image.
fn predict<N: Network>(network: &N, path: &Path, wanted: Wanted) -> Result<Vec<Vec<f32>>, Failure> {
    let input = &N::SPEC.inputs[0];
    let &[height, width, channels] = input.shape else {
        let shape = input.shape;
        return Err(Failure::failed(format!("{} takes inputs of shape {shape:?}, which no image has", N::SPEC.name)));
    };
    let pixels = read(path, [height, width, channels], N::PHOTOS.first().copied().flatten(), wanted)?;
    let mut outputs: Vec<Vec<f32>> = N::SPEC.outputs.iter().map(|output| vec![0.0; output.len()]).collect();
    let mut rooms: Vec<&mut [f32]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    predict_all_into(network, &[pixels.as_standard_layout().as_slice().unwrap_or(&[])], &mut rooms)?;
    Ok(outputs)
}

/// How far the sum of probabilities may be from 1.
const ROUNDING: f32 = 1e-3;

/// What one of several outputs says: its classes, where its numbers are probabilities, else the numbers themselves.
fn content<'a>(tensor: &'a TensorSpec, values: &[f32], top: usize, names: Option<&'a [&'a str]>) -> Output<'a> {
    let is_flat = tensor.shape.len() == 1 && values.len() > 1;
    let sum: f32 = values.iter().sum();
    let content = if is_flat && values.iter().all(|&value| value >= 0.0) && (sum - 1.0).abs() < ROUNDING {
        // The names of the data's classes are those of an output with as many.
        Content::Top(best(values, top, names.filter(|names| names.len() == values.len())))
    } else {
        Content::Values(values.to_vec())
    };
    Output { output: tensor.name, shape: tensor.shape, content }
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
    format!("{strong}{}{strong:#}\n{}", answer.image, bars(&answer.top))
}

/// The answer of several outputs for people: each under its name, of numbers the first `most`.
fn describe_all(answer: &Answers<'_>, most: usize) -> String {
    let strong = output::STRONG;
    let mut text = format!("{strong}{}{strong:#}\n", answer.image);
    for Output { output, shape, content } in &answer.outputs {
        text.push_str(&format!("  {output} {shape:?}\n"));
        match content {
            Content::Top(classes) => text.push_str(&bars(classes)),
            Content::Values(values) => {
                let numbers: Vec<String> = values.iter().take(most).map(f32::to_string).collect();
                let more = if values.len() > most { " …" } else { "" };
                text.push_str(&format!("  {}{more}\n", numbers.join(" ")));
            }
        }
    }
    text
}

/// A bar for each class.
fn bars(classes: &[Class<'_>]) -> String {
    let labels: Vec<String> =
        classes.iter().map(|class| class.name.map_or_else(|| class.class.to_string(), str::to_owned)).collect();
    let width = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (label, class) in labels.iter().zip(classes) {
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
    use netwright_runtime::spec::ChannelOrder;

    use super::*;

    #[test]
    fn the_best_come_first_and_equals_in_order() {
        let classes = |scores: &[f32], top| best(scores, top, None).iter().map(|class| class.class).collect::<Vec<_>>();
        assert_eq!(classes(&[0.1, 0.4, 0.1, 0.4], 3), [1, 3, 0]);
        assert_eq!(classes(&[0.1, 0.9], 5), [1, 0]);
        assert_eq!(best(&[0.1, 0.9], 1, Some(&["cat"]))[0].name, None);
    }

    /// One red pixel: a PNG of one byte a channel.
    const RED: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\x0cIDATx\x9cc\xf8\xcf\xc0\0\0\
        \x03\x01\x01\0\xc9\xfe\x92\xef\0\0\0\0IEND\xaeB`\x82";

    #[test]
    fn what_the_description_says_of_photographs_is_done_unless_told_otherwise() {
        let path = std::env::temp_dir().join(format!("netwright-red-{}.png", std::process::id()));
        std::fs::write(&path, RED).unwrap();
        let order = ChannelOrder::Bgr;
        let photo = Photo { resize: 3, scale: 1.0, mean: &[1.0, 2.0, 5.0], std: &[1.0, 2.0, 10.0], order };
        let values = |photo, fit, invert| {
            let input = read(&path, [2, 3, 3], photo, Wanted { fit, invert }).unwrap();
            assert_eq!(input.dim(), (2, 3, 3));
            [input[[1, 2, 0]], input[[1, 2, 1]], input[[1, 2, 2]]]
        };
        let found = [
            values(Some(photo), None, None),
            values(Some(photo), Some(Fit::Stretch), None),
            values(Some(photo), None, Some(Invert::Yes)),
            values(None, None, None),
        ];
        std::fs::remove_file(&path).unwrap();
        // Blue, green, red, normalised; dark where it was light; red, green, blue as they are.
        assert_eq!(found, [[-1.0, -1.0, 25.0], [-1.0, -1.0, 25.0], [254.0, 126.5, -0.5], [1.0, 0.0, 0.0]]);
    }

    #[test]
    fn several_outputs_are_told_apart() {
        let tensor = |shape| TensorSpec { name: "y", shape };
        let (two, map) = (tensor(&[2]), tensor(&[1, 2, 1]));
        let names: Option<&[&str]> = Some(&["cat", "dog"]);
        let outputs = vec![
            content(&two, &[0.25, 0.75], 1, names),
            content(&two, &[0.5, 0.75], 1, names),
            content(&map, &[0.25, 0.75], 1, names),
        ];
        let answer = Answers { image: "a.png".to_owned(), network: "N", outputs };
        let json = serde_json::to_value(&answer).unwrap();
        assert_eq!(json["outputs"][0]["top"][0]["name"], "dog");
        assert_eq!(
            (&json["outputs"][1]["values"][1], json["outputs"][2]["shape"][1].as_u64()),
            (&0.75.into(), Some(2))
        );
        let text = describe_all(&answer, 1);
        assert!(text.contains("  dog   75.00 %  ") && text.ends_with("  y [1, 2, 1]\n  0.25 …\n"), "{text}");
    }

    #[test]
    fn bars_are_as_long_as_their_fraction() {
        assert_eq!(bar(1.0).chars().count(), BAR);
        assert_eq!((bar(0.0).as_str(), bar(f32::NAN).as_str(), bar(0.05).as_str()), ("", "", "█▌"));
    }
}
