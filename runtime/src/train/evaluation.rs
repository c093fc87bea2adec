//! Measuring a network on a dataset.

use serde::{Deserialize, Serialize};

use super::batch::{self, Batch};
use super::metrics::{Confusion, largest};
use crate::dataset::{DataError, Dataset};
use crate::engine;
use crate::error::Error;
use crate::network::{Network, Trainable};
use crate::spec::TensorSpec;

/// What a network comes to on a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The mean loss over the images, weighted where classes have weights.
    pub loss: f64,
    /// The fraction classified rightly; `None` where the loss takes values.
    pub accuracy: Option<f64>,
    /// How many images there are.
    pub n: usize,
}

/// The recipe's loss and the accuracy on a dataset, in inference mode, `batch` images at a time.
///
/// # Errors
///
/// If the dataset is empty or does not fit the network, `batch` is 0, or memory cannot be had.
pub fn evaluate<N: Trainable>(network: &N, data: &Dataset, batch: usize) -> Result<Evaluation, Error> {
    batch::check::<N>(data)?;
    let mut memory = Batch::new(data, at_least_one(batch)?)?;
    let (mut loss, mut weight, mut correct) = (0.0, 0.0, 0);
    for indices in batch::indices(data)?.chunks(batch) {
        let (inputs, targets) = memory.gather(data, indices, None)?;
        let result = engine::evaluate_all(network, &inputs, targets)?;
        loss += result.loss * result.weight;
        weight += result.weight;
        correct += result.correct;
    }
    let n = data.len();
    let accuracy = (N::TRAINING.classes > 0).then(|| correct as f64 / n as f64);
    Ok(Evaluation { loss: loss / weight, accuracy, n })
}

/// How often images of each class were taken for each, where the network's first output has one score for each class.
///
/// # Errors
///
/// If the dataset is empty, has no classes or more than the network, does not fit its inputs, `batch` is 0, or memory
/// cannot be had.
pub fn confusion<N: Network>(network: &N, data: &Dataset, batch: usize) -> Result<Confusion, Error> {
    batch::check_inputs::<N>(data)?;
    let scores = N::SPEC.outputs[0].len();
    match data.n_classes() {
        None => return Err(DataError::WrongTargets { expected: "class labels", found: "values" }.into()),
        Some(found) if found > scores => {
            return Err(Error::Targets {
                expected: format!("at most {scores} classes"),
                found: format!("a dataset of {found}"),
            });
        }
        Some(_) => {}
    }
    let mut memory = Batch::new(data, at_least_one(batch)?)?;
    let room = |output: &TensorSpec| batch::zeroed(batch.min(data.len()).saturating_mul(output.len()));
    let mut outputs: Vec<Vec<f32>> = N::SPEC.outputs.iter().map(room).collect::<Result<_, _>>()?;
    let mut confusion = Confusion::new(scores)?;
    for indices in batch::indices(data)?.chunks(batch) {
        let mut rooms: Vec<&mut [f32]> = outputs
            .iter_mut()
            .zip(N::SPEC.outputs)
            .map(|(room, output)| &mut room[..indices.len() * output.len()])
            .collect();
        engine::predict_all_into(network, &memory.inputs(data, indices)?, &mut rooms)?;
        for (&idx, scores) in indices.iter().zip(rooms[0].chunks_exact(scores)) {
            if let Some(label) = data.label(idx as usize) {
                confusion.add(label as usize, largest(scores));
            }
        }
    }
    Ok(confusion)
}

fn at_least_one(batch: usize) -> Result<usize, Error> {
    let error = Error::Setting { setting: "batch", expected: "at least 1", found: "0".to_owned() };
    if batch == 0 { Err(error) } else { Ok(batch) }
}
