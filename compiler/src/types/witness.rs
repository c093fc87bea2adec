//! Values of a block's variables that satisfy everything demanded so far, found by trying.
//!
//! A promise that fails for such values is broken; that no such values are found proves nothing and is left to the
//! instances.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Dim, Facts};

/// Values for variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness(BTreeMap<Arc<str>, i64>);

/// How many assignments are tried.
const TRIES: u64 = 400;

/// Sizes that layers tend to have; constants of the demands are tried beside them.
const USUAL: [i64; 12] = [7, 8, 4, 1, 2, 3, 5, 9, 16, 32, 15, 64];

impl Witness {
    /// Values of `variables` that satisfy the facts and for which `wanted` holds.
    #[must_use]
    pub fn find(facts: &Facts, variables: &[Arc<str>], wanted: &dyn Fn(&Witness) -> bool) -> Option<Self> {
        let mut palette = USUAL.to_vec();
        for side in facts.demands().iter().flat_map(|demand| demand.sides()) {
            let near = side.terms().filter(|(monomial, _)| monomial.is_empty()).map(|(_, value)| value.abs());
            for value in near {
                palette.extend([value, value + 1]);
            }
        }
        palette.truncate(64);
        (0..TRIES).find_map(|number| {
            let mut values = BTreeMap::new();
            for (index, name) in variables.iter().enumerate() {
                let pick = if number < USUAL.len() as u64 { number } else { mixed(number, index as u64) };
                let value = palette.get((pick % palette.len() as u64) as usize).copied().unwrap_or(1);
                values.insert(Arc::clone(name), value.max(facts.least(name).unwrap_or(i64::MIN)));
            }
            for (name, value) in facts.replacements() {
                let value = value.evaluate(&|name| values.get(name).copied())?;
                values.insert(Arc::clone(name), value);
            }
            let witness = Self(values);
            let is_least = facts.leasts().all(|(name, least)| witness.get(name).is_none_or(|value| value >= least));
            let is_valid =
                is_least && facts.demands().iter().all(|demand| demand.holds(&|name| witness.get(name)) == Some(true));
            (is_valid && wanted(&witness)).then_some(witness)
        })
    }

    /// A variable's value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<i64> {
        self.0.get(name).copied()
    }

    /// A dimension's value.
    #[must_use]
    pub fn value(&self, dim: &Dim) -> Option<i64> {
        dim.evaluate(&|name| self.get(name))
    }

    /// The variables of these dimensions with their values, as a message says them: `H = 7, C = 8`.
    #[must_use]
    pub fn describe<'a>(&self, dims: impl IntoIterator<Item = &'a Dim>) -> String {
        let mut names: Vec<Arc<str>> = Vec::new();
        for dim in dims {
            dim.variables(&mut |name| {
                if !names.contains(name) {
                    names.push(Arc::clone(name));
                }
            });
        }
        let values = names.iter().filter_map(|name| Some(format!("{name} = {}", self.get(name)?)));
        values.collect::<Vec<_>>().join(", ")
    }
}

/// A number that looks random, the same for the same arguments (the finaliser of SplitMix64; Steele et al., 2014).
fn mixed(number: u64, index: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(index.wrapping_mul(0xd1b5_4a32_d192_ed03));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
