//! What compression has come to, as the paper tells it (Han et al., 2016, tables 2 to 5).

use netwright_runtime::spec::Spec;
use netwright_runtime::train::Evaluation;
use netwright_runtime::weights::{Coding, Compressed, Written};
use serde::Serialize;

use crate::failure::Failure;
use crate::{output, text};

/// What there is to tell.
pub(super) struct Report<'a> {
    pub(super) spec: &'static Spec,
    pub(super) compressed: &'a Compressed,
    pub(super) weights: String,
    pub(super) file: String,
    /// The data, and what the network came to on it before and after; `None` where there was none.
    pub(super) measured: Option<Measured>,
}

/// A network on data.
pub(super) struct Measured {
    pub(super) data: String,
    /// What the images are: test images, or training images that were set aside.
    pub(super) images: &'static str,
    pub(super) before: Evaluation,
    pub(super) after: Evaluation,
}

/// The answer as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    network: &'a str,
    weights: &'a str,
    file: &'a str,
    /// Bytes of all numbers as floats, and of the file.
    float_bytes: usize,
    bytes: usize,
    rate: f64,
    images: Option<&'a str>,
    n: Option<usize>,
    accuracy_before: Option<f64>,
    accuracy_after: Option<f64>,
    loss_before: Option<f64>,
    loss_after: Option<f64>,
    arrays: Vec<Row<'a>>,
}

/// An array as JSON.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    weights: usize,
    kept: usize,
    values: usize,
    fillers: usize,
    /// Bits of an entry without Huffman's codes and with them.
    value_bits: f64,
    value_bits_huffman: f64,
    gap_bits: f64,
    gap_bits_huffman: f64,
    bytes: usize,
    rates: Rates,
}

/// How many times smaller than as floats.
#[derive(Debug, Clone, Copy, Serialize)]
struct Rates {
    /// Counting the weights that are kept.
    pruned: f64,
    /// With shared values and gaps.
    shared: f64,
    /// With Huffman's codes: as in the file.
    huffman: f64,
}

/// Bits of an entry's value and gap.
fn bits(coding: &Coding) -> (f64, f64) {
    let entries = coding.entries.max(1) as f64;
    (coding.values_len as f64 / entries, coding.gaps_len as f64 / entries)
}

impl Rates {
    fn of<'w>(arrays: impl Iterator<Item = &'w Written> + Clone, bytes: usize) -> Self {
        let floats = 4.0 * arrays.clone().map(|array| array.count).sum::<usize>() as f64;
        let kept = arrays.clone().map(|array| array.kept).sum::<usize>();
        let shared = arrays.map(|array| array.fixed.bytes()).sum::<u64>();
        let rate = |bytes: f64| floats / bytes.max(1.0);
        Self { pruned: rate(4.0 * kept as f64), shared: rate(shared as f64), huffman: rate(bytes as f64) }
    }
}

impl Report<'_> {
    /// Prints it, as JSON or for people.
    pub(super) fn print(&self, json: bool) -> Result<(), Failure> {
        if json { output::print_json(&self.answer()) } else { output::print(&self.describe()) }
    }

    fn float_bytes(&self) -> usize {
        4 * self.compressed.arrays.iter().map(|array| array.count).sum::<usize>()
    }

    fn rates(&self) -> Rates {
        Rates::of(self.compressed.arrays.iter(), self.compressed.bytes.len())
    }

    fn answer(&self) -> Answer<'_> {
        let measured = self.measured.as_ref();
        Answer {
            network: self.spec.name,
            weights: &self.weights,
            file: &self.file,
            float_bytes: self.float_bytes(),
            bytes: self.compressed.bytes.len(),
            rate: self.rates().huffman,
            images: measured.map(|measured| measured.images),
            n: measured.map(|measured| measured.after.n),
            accuracy_before: measured.and_then(|measured| measured.before.accuracy),
            accuracy_after: measured.and_then(|measured| measured.after.accuracy),
            loss_before: measured.map(|measured| measured.before.loss),
            loss_after: measured.map(|measured| measured.after.loss),
            arrays: self
                .spec
                .parameters
                .iter()
                .zip(&self.compressed.arrays)
                .map(|(of, array)| row(of.name, array))
                .collect(),
        }
    }

    fn describe(&self) -> String {
        let rows = self.spec.parameters.iter().zip(&self.compressed.arrays);
        let rows = rows.map(|(parameter, array)| cells(&row(parameter.name, array)));
        let (rates, arrays) = (self.rates(), &self.compressed.arrays);
        let sum = |number: fn(&Written) -> usize| arrays.iter().map(number).sum::<usize>();
        let total = Row {
            name: "total",
            weights: sum(|array| array.count),
            kept: sum(|array| array.kept),
            rates,
            ..mean(arrays)
        };
        let rows = rows.chain([cells(&total)]).collect();
        let headings =
            ["array", "weights", "kept", "value bits", "with H", "gap bits", "with H", "bytes", "P", "P+Q", "P+Q+H"];
        let numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
        let table = output::table(headings, rows, &numbers);
        let bytes = self.compressed.bytes.len();
        let mut text = format!(
            "{table}\n\nP: pruned, Q: values shared, H: Huffman's codes; bits are those of an entry\n\n\
             {}: {} as floats, {} in {}, {:.1} times smaller\n",
            self.spec.name,
            text::kilobytes(self.float_bytes() as u64),
            text::kilobytes(bytes as u64),
            self.file,
            rates.huffman,
        );
        if let Some(Measured { data, images, before, after }) = &self.measured {
            let of = |evaluation: &Evaluation| match evaluation.accuracy {
                Some(accuracy) => {
                    format!("accuracy {} (error {})", text::percent(accuracy), text::percent(1.0 - accuracy))
                }
                None => format!("loss {:.4}", evaluation.loss),
            };
            text.push_str(&format!(
                "{} of {data}: {} before, {} after\n",
                text::count(after.n, images),
                of(before),
                of(after)
            ));
        }
        text
    }
}

fn row<'a>(name: &'a str, array: &Written) -> Row<'a> {
    let ((value_bits, gap_bits), (value_bits_huffman, gap_bits_huffman)) = (bits(&array.fixed), bits(&array.coding));
    Row {
        name,
        weights: array.count,
        kept: array.kept,
        values: array.coding.values,
        fillers: array.coding.fillers,
        value_bits,
        value_bits_huffman,
        gap_bits,
        gap_bits_huffman,
        bytes: array.bytes,
        rates: Rates::of(std::iter::once(array), array.bytes),
    }
}

/// The bits of all arrays together.
fn mean(arrays: &[Written]) -> Row<'static> {
    let mean = |coding: fn(&Written) -> &Coding| {
        let entries = arrays.iter().map(|array| coding(array).entries).sum::<usize>().max(1) as f64;
        let values = arrays.iter().map(|array| coding(array).values_len).sum::<u64>();
        let gaps = arrays.iter().map(|array| coding(array).gaps_len).sum::<u64>();
        (values as f64 / entries, gaps as f64 / entries)
    };
    let ((value_bits, gap_bits), (value_bits_huffman, gap_bits_huffman)) =
        (mean(|array| &array.fixed), mean(|array| &array.coding));
    let bytes = arrays.iter().map(|array| array.bytes).sum();
    let none = Rates { pruned: 0.0, shared: 0.0, huffman: 0.0 };
    Row {
        name: "",
        weights: 0,
        kept: 0,
        values: 0,
        fillers: 0,
        value_bits,
        value_bits_huffman,
        gap_bits,
        gap_bits_huffman,
        bytes,
        rates: none,
    }
}

fn cells(row: &Row<'_>) -> [String; 11] {
    let bits = |bits: f64| format!("{bits:.1}");
    let rate = |rate: f64| format!("{rate:.1}x");
    [
        row.name.to_owned(),
        text::thousands(row.weights as u64),
        format!("{:.1} %", 100.0 * row.kept as f64 / row.weights.max(1) as f64),
        bits(row.value_bits),
        bits(row.value_bits_huffman),
        bits(row.gap_bits),
        bits(row.gap_bits_huffman),
        text::thousands(row.bytes as u64),
        rate(row.rates.pruned),
        rate(row.rates.shared),
        rate(row.rates.huffman),
    ]
}
