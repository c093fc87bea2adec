//! The mask: which weights are gone, and the constraint that keeps them so.

use netwright_kernels::AlignedVec;

use super::{Method, Pace, Pruning, Share, check_names};
use crate::error::Error;
use crate::spec::{ParameterSpec, Spec};
use crate::train::{Constraint, Moment, OptimizerState};

/// Keeps pruned weights at zero, and prunes more of them when their time has come. A weight that is gone never comes back.
#[derive(Debug)]
pub struct Mask {
    /// The settings, as the section spells them.
    settings: String,
    pace: Pace,
    epochs: usize,
    scale_dropout: bool,
    groups: Vec<Group>,
    /// 1 for what stays and 0 for what is gone, as the trained parameters are stored; 0 for padding.
    kept: AlignedVec,
    /// Room to sort a group's weights in.
    keys: Vec<u64>,
}

/// Weights that are compared with one another.
#[derive(Debug)]
struct Group {
    parameters: Vec<&'static ParameterSpec>,
    /// Their weights.
    weights: usize,
    /// The fraction that is kept in the end.
    keep: f64,
    /// How many are gone.
    pruned: usize,
}

impl Mask {
    /// A mask with everything still there.
    ///
    /// # Errors
    ///
    /// If a setting is out of range, a name is no layer's, or memory cannot be had.
    pub fn new(spec: &'static Spec, pruning: &Pruning<'_>) -> Result<Self, Error> {
        pruning.check()?;
        check_names(spec, pruning.layers)?;
        let groups = groups(spec, pruning);
        let most = groups.iter().map(|group| group.weights).max().unwrap_or(0);
        let out_of_memory = || Error::OutOfMemory { floats: spec.trained };
        let mut kept = AlignedVec::zeroed(spec.trained).map_err(|_| out_of_memory())?;
        for parameter in spec.parameters.iter().filter(|parameter| parameter.trained) {
            runs(parameter).for_each(|run| kept[run].fill(1.0));
        }
        let mut keys = Vec::new();
        keys.try_reserve_exact(most).map_err(|_| out_of_memory())?;
        let Pruning { pace, epochs, scale_dropout, .. } = *pruning;
        Ok(Self { settings: pruning.to_string(), pace, epochs, scale_dropout, groups, kept, keys })
    }

    /// The fraction of the weights in its groups that is kept now.
    #[must_use]
    pub fn density(&self) -> f64 {
        let (weights, pruned) = self
            .groups
            .iter()
            .fold((0, 0), |(weights, pruned), group| (weights + group.weights, pruned + group.pruned));
        if weights == 0 { 1.0 } else { (weights - pruned) as f64 / weights as f64 }
    }

    /// Prunes as much as is due after `steps` steps; returns whether more is gone now.
    fn advance(&mut self, steps: u64, steps_per_epoch: u64, parameters: &[f32]) -> bool {
        let mut changed = false;
        for group in &mut self.groups {
            let kept = self.pace.kept(group.keep, steps, steps_per_epoch, self.epochs);
            // At least one weight of a group stays, or nothing could be learnt.
            let due = group.weights - ((kept * group.weights as f64).round() as usize).clamp(1, group.weights.max(1));
            if due > group.pruned {
                group.prune(due, parameters, &mut self.kept, &mut self.keys);
                changed = true;
            }
        }
        changed
    }

    /// Zero for what is gone.
    fn apply(&self, vector: &mut [f32]) {
        for group in &self.groups {
            for parameter in &group.parameters {
                let range = parameter.offset..parameter.offset + parameter.layout.len();
                let (values, kept) = (&mut vector[range.clone()], &self.kept[range]);
                // Not a product: what is gone is zero also where the number is not finite.
                values.iter_mut().zip(kept).for_each(|(value, kept)| *value = if *kept == 0.0 { 0.0 } else { *value });
            }
        }
    }
}

impl Group {
    /// Takes the smallest weights away until `due` are gone, those that were gone before among them.
    fn prune(&mut self, due: usize, parameters: &[f32], kept: &mut [f32], keys: &mut Vec<u64>) {
        keys.clear();
        for index in self.parameters.iter().flat_map(|parameter| runs(parameter)).flatten() {
            // What is gone sorts before everything, then magnitudes, whose bits are in their order; equal ones by place.
            let magnitude = if kept[index] == 0.0 { 0 } else { u64::from(parameters[index].abs().to_bits()) + 1 };
            keys.push(magnitude << 32 | index as u64);
        }
        if due < keys.len() {
            keys.select_nth_unstable(due);
        }
        for key in &keys[..due] {
            kept[(key & u64::from(u32::MAX)) as usize] = 0.0;
        }
        self.pruned = due;
    }
}

/// The weights of a parameter in the stored vector, without padding.
pub(in crate::train) fn runs(parameter: &ParameterSpec) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
    let offset = parameter.offset;
    parameter.layout.runs().map(move |run| offset + run.stored..offset + run.stored + run.len)
}

/// Which weights are compared with one another, and how many of them stay.
fn groups(spec: &'static Spec, pruning: &Pruning<'_>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut common: Option<Group> = None;
    for parameter in spec.parameters {
        let Some(share) = pruning.fraction(parameter) else { continue };
        let weights = parameter.count();
        match (share, pruning.method) {
            (Share::Own(keep), _) | (Share::Common(keep), Method::Magnitude) => {
                groups.push(Group { parameters: vec![parameter], weights, keep: f64::from(keep), pruned: 0 });
            }
            (Share::Common(keep), Method::GlobalMagnitude) => {
                let empty = Group { parameters: Vec::new(), weights: 0, keep: f64::from(keep), pruned: 0 };
                let group = common.get_or_insert(empty);
                group.parameters.push(parameter);
                group.weights += weights;
            }
        }
    }
    groups.extend(common);
    groups
}

impl Constraint for Mask {
    fn describe(&self) -> String {
        self.settings.clone()
    }

    fn begin(&mut self, spec: &'static Spec, parameters: &mut [f32]) -> Result<(), Error> {
        check_length(spec, self.kept.len())?;
        self.advance(0, 1, parameters);
        self.apply(parameters);
        Ok(())
    }

    fn before_step(&mut self, _: Moment, _: &[f32], gradients: &mut [f32]) {
        self.apply(gradients);
    }

    fn after_step(&mut self, at: Moment, parameters: &mut [f32], state: &mut OptimizerState) {
        if self.advance(at.step + 1, at.steps_per_epoch, parameters) {
            // Momentum of what is gone would go on to move it; without gradients it stays zero from here on.
            state.slots_mut().for_each(|slot| self.apply(slot));
        }
        self.apply(parameters);
    }

    fn dropout(&self) -> f32 {
        // The square root is the same on every machine.
        if self.scale_dropout { self.density().sqrt() as f32 } else { 1.0 }
    }

    fn slots(&self) -> &'static [&'static str] {
        &["mask"]
    }

    fn slot(&self, _: usize) -> &[f32] {
        &self.kept
    }

    fn restore(&mut self, spec: &'static Spec, parameters: &[f32], slots: &[&[f32]]) -> Result<(), String> {
        check_length(spec, self.kept.len()).map_err(|error| error.to_string())?;
        let [kept] = slots else { return Err(format!("it has {} vectors, expected 1", slots.len())) };
        let groups: Vec<&'static ParameterSpec> =
            self.groups.iter().flat_map(|group| group.parameters.iter().copied()).collect();
        for parameter in spec.parameters.iter().filter(|parameter| parameter.trained) {
            let prunable = groups.iter().any(|pruned| pruned.name == parameter.name);
            for index in runs(parameter).flatten() {
                match (kept[index], parameters[index]) {
                    (1.0, _) => {}
                    (0.0, 0.0) if prunable => {}
                    _ => return Err(format!("the mask of `{}` does not fit it", parameter.name)),
                }
            }
        }
        self.kept.copy_from_slice(kept);
        for group in &mut self.groups {
            let gone = group.parameters.iter().flat_map(|parameter| runs(parameter)).flatten();
            group.pruned = gone.filter(|&index| kept[index] == 0.0).count();
        }
        Ok(())
    }
}

fn check_length(spec: &'static Spec, found: usize) -> Result<(), Error> {
    if spec.trained == found {
        return Ok(());
    }
    let (expected, found) = (spec.trained.to_string(), found.to_string());
    Err(Error::Shape { what: "mask", expected, found })
}
