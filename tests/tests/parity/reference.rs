//! The reference files, and how close is close enough.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::formula;

/// Something for each array, by the array's name.
pub(crate) type Arrays<T> = BTreeMap<String, T>;

/// What one framework computed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reference {
    #[serde(rename = "versions")]
    _versions: BTreeMap<String, String>,
    pub(crate) layers: Arrays<Layer>,
    pub(crate) lenets: Arrays<LeNet>,
    pub(crate) optimizers: Arrays<Steps<Vec<f32>>>,
    pub(crate) schedules: Arrays<Vec<f64>>,
}

/// A layer between stem and head.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Layer {
    /// The layer's own output, in prediction.
    pub(crate) output: Vec<f32>,
    /// What a training step computes.
    pub(crate) loss: f64,
    pub(crate) gradients: Arrays<Vec<f32>>,
    /// State after the step.
    pub(crate) state: Arrays<Vec<f32>>,
    /// The learning rate of ten steps with momentum, each step's loss, and how far parameters and state came.
    pub(crate) rate: f32,
    pub(crate) losses: Vec<f64>,
    pub(crate) moved: Arrays<Brief>,
}

/// A whole network.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeNet {
    pub(crate) output: Vec<f32>,
    pub(crate) loss: f64,
    pub(crate) gradients: Arrays<Summary>,
    pub(crate) losses: Vec<f64>,
    pub(crate) moved: Arrays<Summary>,
}

/// Ten steps of an optimiser: each step's loss, and how far every parameter came from where it started.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Steps<T> {
    pub(crate) losses: Vec<f64>,
    pub(crate) moved: Arrays<T>,
}

/// What is kept of an array where there are many: its size, its norm, and its product with a fixed pseudo-random array.
#[derive(Deserialize)]
pub(crate) struct Brief(usize, f64, f64);

/// What is kept of a large array, in logical order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Summary {
    count: usize,
    mean: f64,
    norm: f64,
    /// The product with a fixed pseudo-random array: no two elements can change places unseen.
    projection: f64,
    /// The first eight elements and 24 spread over all.
    picked: Vec<f32>,
}

/// The frameworks, by name.
pub(crate) static FRAMEWORKS: LazyLock<[(&str, Reference); 2]> = LazyLock::new(|| {
    [
        ("torch", serde_json::from_str(include_str!("../../parity/reference/torch.json")).unwrap()),
        ("keras", serde_json::from_str(include_str!("../../parity/reference/keras.json")).unwrap()),
    ]
});

/// How far two numbers may lie apart: `absolute + relative |reference|`.
#[derive(Clone, Copy)]
pub(crate) struct Tolerance {
    pub(crate) relative: f64,
    /// In units of the reference array's largest element, which counts as 1 where it is larger and as 0.1 where it is
    /// smaller.
    pub(crate) absolute: f64,
}

/// What `torch.testing.assert_close` allows two f32 tensors, but for arrays of small numbers, where its absolute part
/// would let everything pass.
pub(crate) const F32: Tolerance = Tolerance { relative: 1.3e-6, absolute: 1e-5 };

impl Tolerance {
    /// Asserts that two arrays agree.
    pub(crate) fn assert_close(self, what: &str, found: impl IntoIterator<Item = f32>, reference: &[f32]) {
        let found: Vec<f32> = found.into_iter().collect();
        assert_eq!(found.len(), reference.len(), "{what}: the number of elements");
        let largest = reference.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        // An array may be zero in exact arithmetic, such as the gradient of a bias before a batch normalisation.
        let scale = f64::from(largest).clamp(0.1, 1.0);
        for (index, (&found, &reference)) in found.iter().zip(reference).enumerate() {
            let (found, reference) = (f64::from(found), f64::from(reference));
            let allowed = self.absolute * scale + self.relative * reference.abs();
            // Not `>`: a NaN is not close to anything.
            assert!(
                (found - reference).abs() <= allowed,
                "{what}: element {index} is {found:e}, the reference {reference:e}; {allowed:e} allowed"
            );
        }
    }

    /// Asserts that a single number agrees, to the sum of both parts.
    pub(crate) fn assert_number(self, what: &str, found: f64, reference: f64) {
        let allowed = self.absolute + self.relative * reference.abs();
        assert!(
            (found - reference).abs() <= allowed,
            "{what} is {found:e}, the reference {reference:e}; {allowed:e} allowed"
        );
    }

    /// Asserts that an array agrees in norm and projection: to the relative part of the norm, and to the absolute part of
    /// as many ones.
    pub(crate) fn assert_brief(self, what: &str, found: &[f32], &Brief(count, norm, projection): &Brief) {
        assert_eq!(found.len(), count, "{what}: the number of elements");
        let allowed = self.relative * norm + self.absolute * (count as f64).sqrt();
        for (name, found, reference) in
            [("norm", norm_of(found), norm), ("projection", projection_of(found), projection)]
        {
            assert!(
                (found - reference).abs() <= allowed,
                "{what}: the {name} is {found:e}, the reference's {reference:e}; {allowed:e} allowed"
            );
        }
    }

    /// Asserts that an array agrees with what is known of the reference. `spread` is how far a single element may be
    /// off, in units of the elements' root mean square.
    pub(crate) fn assert_summary(self, what: &str, found: &[f32], reference: &Summary, spread: f64) {
        assert_eq!(found.len(), reference.count, "{what}: the number of elements");
        let count = found.len();
        let sum: f64 = found.iter().map(|&value| f64::from(value)).sum();
        let (norm, projection) = (norm_of(found), projection_of(found));
        let rms = reference.norm / (count as f64).sqrt();
        let part = self.relative * reference.norm;
        let close = |name: &str, found: f64, reference: f64, allowed: f64| {
            assert!(
                (found - reference).abs() <= allowed,
                "{what}: the {name} is {found:e}, the reference's {reference:e}; {allowed:e} allowed"
            );
        };
        close("norm", norm, reference.norm, part);
        // Independent errors of the elements add up as their squares do.
        close("projection", projection, reference.projection, part);
        close("mean", sum / count as f64, reference.mean, self.relative * rms);
        let picked = (0..count.min(8)).chain((0..24).map(|index| index * count / 24));
        for (index, &expected) in picked.zip(&reference.picked) {
            close(&format!("element {index}"), f64::from(found[index]), f64::from(expected), spread * rms);
        }
    }
}

fn norm_of(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt()
}

/// The product with the fixed pseudo-random array.
fn projection_of(values: &[f32]) -> f64 {
    values.iter().zip(formula::unit("projection", values.len())).map(|(&value, unit)| f64::from(value) * unit).sum()
}
