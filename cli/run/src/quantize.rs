//! `netwright quantize`: trained weights as integers, and activations by the ranges that training images give.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use netwright_runtime::data::Splits;
use netwright_runtime::dataset::Dataset;
use netwright_runtime::int8::{self, Channels, PointReport, Quantized};
use netwright_runtime::train::{Evaluation, evaluate};
use netwright_runtime::{Error, Trainable};
use serde::Serialize;

use crate::data::{self, DataArgs};
use crate::eval::BATCH;
use crate::failure::Failure;
use crate::run::weights as found;
use crate::threads::Threads;
use crate::values::positive;
use crate::{Subject, output, text};

/// Most images that layers are compared on.
const COMPARED: usize = 200;

/// The options of `quantize`.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Weights, pruned or not; zeros stay zero
    /// [default: those that the last training run of the network left in runs/]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    /// Training images, evenly spread, that the ranges of activations are taken from
    #[arg(long, value_name = "N", default_value = "1000", value_parser = positive)]
    images: NonZeroUsize,
    #[command(flatten)]
    threads: Threads,
    /// The file to write [default: the weights' own name with -int8.nwz]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// Quantises, measures and prints.
pub(crate) fn run<N: Trainable>(subject: &Subject, options: &Options) -> Result<(), Failure> {
    options.threads.run(|| {
        let weights = found::find(subject, options.weights.as_deref())?;
        let network = weights.load::<N>()?;
        if network.core().is_int8() {
            return Err(Failure::usage(format!("{} has integers already", weights.path().display())));
        }
        let name = options.data.data.as_deref().or(weights.data()).unwrap_or(data::DEFAULT);
        let Splits { train, test } = data::load_for::<N>(name, options.data.limit.map(usize::from))?;
        let images = spread(train.len(), options.images.get());
        let quantized = int8::quantize(&network, &|batch| gather(&train, &images, batch))?;
        let Some(quantized) = quantized else {
            let message = format!("{} has no convolution and no dense layer to compute in integers", N::SPEC.name);
            return Err(Failure::failed(message));
        };
        let compared = spread(train.len(), options.images.get().min(COMPARED));
        let points = int8::signal_to_noise(&network, &quantized.network, &|batch| gather(&train, &compared, batch))?;
        let before = evaluate(&network, &test, BATCH)?;
        let after = evaluate(&quantized.network, &test, BATCH)?;
        let file = options.out.clone().unwrap_or_else(|| {
            let stem = weights.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
            weights.path().with_file_name(format!("{stem}-int8.nwz"))
        });
        quantized.compressed.save(&file)?;
        let report = Report {
            weights: weights.path().display().to_string(),
            file: file.display().to_string(),
            data: name,
            images: images.len(),
            quantized: &quantized,
            points,
            before,
            after,
        };
        if options.json { output::print_json(&report.answer()) } else { output::print(&report.describe()) }
    })
}

/// The numbers of so many images of `n`, evenly spread: a dataset may be sorted by its classes.
fn spread(n: usize, wanted: usize) -> Vec<u32> {
    let wanted = wanted.min(n);
    (0..wanted).map(|idx| (idx as u64 * n as u64 / wanted as u64) as u32).collect()
}

/// A batch of chosen images.
fn gather(data: &Dataset, images: &[u32], batch: usize) -> Result<Option<Vec<Vec<f32>>>, Error> {
    let Some(indices) = images.chunks(BATCH).nth(batch) else { return Ok(None) };
    let mut room = vec![0.0; indices.len() * data.input_len()];
    data.gather_inputs(indices, &mut room)?;
    Ok(Some(vec![room]))
}

/// What there is to tell.
struct Report<'a, N> {
    weights: String,
    file: String,
    data: &'a str,
    /// Images that ranges were taken from.
    images: usize,
    quantized: &'a Quantized<N>,
    points: Vec<PointReport>,
    before: Evaluation,
    after: Evaluation,
}

/// The answer as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    network: &'a str,
    weights: &'a str,
    file: &'a str,
    data: &'a str,
    calibration_images: usize,
    float_bytes: usize,
    bytes: usize,
    n: usize,
    accuracy_before: Option<f64>,
    accuracy_after: Option<f64>,
    loss_before: f64,
    loss_after: f64,
    values: Vec<Row<'a>>,
    /// Layers that stay in floats.
    floats: Vec<&'a str>,
}

/// A value as JSON.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    /// What calibration saw; of a value that is stored as bytes.
    low: Option<f32>,
    high: Option<f32>,
    scale: Option<f32>,
    zero: Option<u8>,
    /// The scales of the weights of the layer that makes it.
    least_weight_scale: Option<f32>,
    most_weight_scale: Option<f32>,
    error: f64,
    /// In decibels; nothing where no number is off.
    signal_to_noise: Option<f64>,
}

impl<N: Trainable> Report<'_, N> {
    fn float_bytes(&self) -> usize {
        4 * self.quantized.compressed.arrays.iter().map(|array| array.count).sum::<usize>()
    }

    fn rows(&self) -> Vec<Row<'static>> {
        let points = N::INT8.map_or(&[][..], |int8| int8.points);
        let row = |(point, report): (&'static int8::Point, &PointReport)| {
            let tensor = point.tensor.and_then(|tensor| self.quantized.tensors.get(tensor));
            let channels: Option<&Channels> = point.layer.and_then(|layer| self.quantized.layers.get(layer));
            Row {
                name: point.name,
                low: tensor.map(|tensor| tensor.0),
                high: tensor.map(|tensor| tensor.1),
                scale: tensor.map(|tensor| tensor.2.scale),
                zero: tensor.map(|tensor| tensor.2.zero),
                least_weight_scale: channels.map(|channels| channels.least),
                most_weight_scale: channels.map(|channels| channels.most),
                error: report.error,
                signal_to_noise: Some(report.signal_to_noise).filter(|decibels| decibels.is_finite()),
            }
        };
        points.iter().zip(&self.points).map(row).collect()
    }

    fn answer(&self) -> Answer<'_> {
        Answer {
            network: N::SPEC.name,
            weights: &self.weights,
            file: &self.file,
            data: self.data,
            calibration_images: self.images,
            float_bytes: self.float_bytes(),
            bytes: self.quantized.compressed.bytes.len(),
            n: self.after.n,
            accuracy_before: self.before.accuracy,
            accuracy_after: self.after.accuracy,
            loss_before: self.before.loss,
            loss_after: self.after.loss,
            values: self.rows(),
            floats: N::INT8.map_or(&[][..], |int8| int8.floats).iter().map(|(name, _)| *name).collect(),
        }
    }

    fn describe(&self) -> String {
        let number = |value: Option<f32>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
        let row = |row: Row<'static>| {
            let range = row.low.zip(row.high).map(|(low, high)| format!("{low:.3} to {high:.3}"));
            let weights = row.least_weight_scale.zip(row.most_weight_scale);
            [
                row.name.to_owned(),
                range.unwrap_or_else(|| "floats".to_owned()),
                number(row.scale),
                row.zero.map_or_else(|| "-".to_owned(), |zero| zero.to_string()),
                weights.map_or_else(|| "-".to_owned(), |(least, most)| format!("{least:.2e} to {most:.2e}")),
                format!("{:.2e}", row.error),
                row.signal_to_noise.map_or_else(|| "-".to_owned(), |decibels| format!("{decibels:.1} dB")),
            ]
        };
        let headings = ["value", "range", "scale", "zero", "weight scales", "error", "signal to noise"];
        let table = output::table(headings, self.rows().into_iter().map(row).collect(), &[1, 2, 3, 4, 5, 6]);
        let (floats, bytes) = (self.float_bytes(), self.quantized.compressed.bytes.len());
        let mut lines = format!(
            "{} with {} in integers: ranges from {} of {}\n\n{table}\n",
            N::SPEC.name,
            self.weights,
            text::count(self.images, "training image"),
            self.data,
        );
        let stays = N::INT8.map_or(&[][..], |int8| int8.floats);
        if !stays.is_empty() {
            let names: Vec<&str> = stays.iter().map(|(name, _)| *name).collect();
            lines.push_str(&format!("in floats: {}\n", names.join(", ")));
        }
        if let Some((before, after)) = self.before.accuracy.zip(self.after.accuracy) {
            lines.push_str(&format!(
                "accuracy on {}: {} in floats, {} in integers\n",
                text::count(self.after.n, "test image"),
                text::percent(before),
                text::percent(after),
            ));
        }
        lines.push_str(&format!(
            "{}: {} bytes, {:.2} times smaller than {} of floats\n",
            self.file,
            text::thousands(bytes as u64),
            floats as f64 / bytes as f64,
            text::thousands(floats as u64),
        ));
        lines
    }
}
