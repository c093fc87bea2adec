//! Weights that share their values, as Deep Compression has them (Han, Mao and Dally, 2016, section 3): each array's
//! weights are put into clusters, and those of a cluster are one number from then on, which can be trained.
//!
//! Zeros in a matrix of weights are pruned weights: they belong to no cluster and stay zero.

mod clusters;

use super::prune::{is_prunable, runs};
use super::{Constraint, Moment, OptimizerState};
use crate::error::Error;
use crate::parameters::Parameters;
use crate::spec::{ParameterSpec, Spec};

pub use clusters::{Cluster, clusters};

/// Most bits of a symbol: an array has at most `2^12` values.
pub const MAX_BITS: u32 = netwright_nwz::MAX_VALUES.trailing_zeros();

/// Which weights of a network have one value.
///
/// As a [`Constraint`] it trains the values: the gradient of one is the sum of its weights' gradients (section 3.3), and all
/// of them take the same step.
#[derive(Debug, Clone)]
pub struct Sharing {
    spec: &'static Spec,
    groups: Vec<Group>,
}

/// One array of parameters.
#[derive(Debug, Clone)]
struct Group {
    parameter: &'static ParameterSpec,
    /// The places in the stored vector of the elements that are not pruned, in order, each with its cluster.
    members: Vec<(u32, u32)>,
    /// One number for each cluster.
    of_clusters: Vec<f64>,
}

impl Sharing {
    /// Clusters the trained parameters and gives the weights their clusters' values. `bits` says how many values the array
    /// of a parameter may have, as a power of two of at most [`MAX_BITS`], or `None` for as many as there are; zero is one of
    /// the values where weights are pruned.
    ///
    /// # Errors
    ///
    /// [`Error::NonFinite`] if a parameter is not finite; [`Error::Setting`] for bits out of range.
    pub fn new(
        parameters: &mut Parameters,
        bits: impl Fn(&'static ParameterSpec) -> Option<u32>,
    ) -> Result<Self, Error> {
        if let Some((name, value)) = parameters.first_non_finite() {
            let (when, cause) = ("before its values were shared".to_owned(), "train the network again".to_owned());
            return Err(Error::NonFinite { what: format!("`{name}`"), value, when, cause });
        }
        let spec = parameters.spec();
        let mut groups = Vec::new();
        for parameter in spec.parameters.iter().filter(|parameter| parameter.trained) {
            let bits = bits(parameter);
            if let Some(found) = bits.filter(|bits| !(1..=MAX_BITS).contains(bits)) {
                let (expected, found) = ("a number from 1 to 12", found.to_string());
                return Err(Error::Setting { setting: "bits", expected, found });
            }
            groups.push(Group::new(parameter, parameters.trained_mut(), bits));
        }
        Ok(Self { spec, groups })
    }
}

impl Group {
    fn new(parameter: &'static ParameterSpec, vector: &mut [f32], bits: Option<u32>) -> Self {
        let kept = |idx: &usize| !is_prunable(parameter) || vector[*idx] != 0.0;
        let kept: Vec<usize> = runs(parameter).flatten().filter(kept).collect();
        let mut values: Vec<f32> = kept.iter().map(|&idx| vector[idx]).collect();
        let zero = usize::from(kept.len() < parameter.count());
        let clusters = bits.map(|bits| clusters(&mut values, (1 << bits) - zero));
        let cluster = |(nth, &idx): (usize, &usize)| match &clusters {
            Some(clusters) => clusters.partition_point(|cluster| cluster.last < vector[idx]),
            None => nth,
        };
        // There are at most 2^31 elements.
        let members = kept.iter().enumerate().map(|member| (*member.1 as u32, cluster(member) as u32)).collect();
        let of_clusters = match &clusters {
            Some(clusters) => clusters.iter().map(|cluster| f64::from(cluster.value)).collect(),
            None => kept.iter().map(|&idx| f64::from(vector[idx])).collect(),
        };
        let group = Self { parameter, members, of_clusters };
        group.spread(vector);
        group
    }

    /// Gives each member its cluster's number, and zero to all others.
    fn spread(&self, vector: &mut [f32]) {
        vector[self.parameter.offset..self.parameter.offset + self.parameter.layout.len()].fill(0.0);
        for &(idx, cluster) in &self.members {
            vector[idx as usize] = self.of_clusters[cluster as usize] as f32;
        }
    }

    /// Each cluster's number becomes the sum of its members'.
    fn sum(&mut self, vector: &[f32]) {
        self.of_clusters.fill(0.0);
        for &(idx, cluster) in &self.members {
            self.of_clusters[cluster as usize] += f64::from(vector[idx as usize]);
        }
    }

    /// Each cluster's number becomes that of its first member.
    fn first(&mut self, vector: &[f32]) {
        for &(idx, cluster) in self.members.iter().rev() {
            self.of_clusters[cluster as usize] = f64::from(vector[idx as usize]);
        }
    }
}

impl Constraint for Sharing {
    fn describe(&self) -> String {
        let sizes = self.groups.iter().map(|group| format!("{} {}", group.parameter.name, group.of_clusters.len()));
        format!("shared values: {}", sizes.collect::<Vec<_>>().join(", "))
    }

    fn begin(&mut self, spec: &'static Spec, parameters: &mut [f32]) -> Result<(), Error> {
        if spec.fingerprint != self.spec.fingerprint || spec.trained != self.spec.trained {
            let (expected, found) = (format!("values of `{}`", spec.name), format!("values of `{}`", self.spec.name));
            return Err(Error::Shape { what: "shared values", expected, found });
        }
        for group in &mut self.groups {
            group.first(parameters);
            group.spread(parameters);
        }
        Ok(())
    }

    fn before_step(&mut self, _: Moment, _: &[f32], gradients: &mut [f32]) {
        for group in &mut self.groups {
            group.sum(gradients);
            group.spread(gradients);
        }
    }

    /// The members of a cluster have had the same gradients from the first step on, so that the optimiser's state is the
    /// same for all of them, and zero for pruned weights.
    fn after_step(&mut self, _: Moment, parameters: &mut [f32], _: &mut OptimizerState) {
        for group in &mut self.groups {
            group.first(parameters);
            group.spread(parameters);
        }
    }

    fn restore(&mut self, spec: &'static Spec, parameters: &[f32], _: &[&[f32]]) -> Result<(), String> {
        let mut met = parameters.to_vec();
        self.begin(spec, &mut met).map_err(|error| error.to_string())?;
        let differs = |group: &&Group| runs(group.parameter).flatten().any(|idx| met[idx] != parameters[idx]);
        match self.groups.iter().find(differs) {
            Some(group) => Err(format!("the weights of `{}` do not share their values", group.parameter.name)),
            None => Ok(()),
        }
    }
}
