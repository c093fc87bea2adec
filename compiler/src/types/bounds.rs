//! Bounds of a dimension over all values of its variables, by interval arithmetic.

use super::dim::Atom;
use super::{Dim, Facts};

/// The least and the largest value; `None` is without bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) least: Option<i64>,
    pub(super) most: Option<i64>,
}

impl Bounds {
    const ANY: Self = Self { least: None, most: None };

    fn number(value: i64) -> Self {
        Self { least: Some(value), most: Some(value) }
    }

    fn plus(self, other: Self) -> Self {
        let sum = |a: Option<i64>, b: Option<i64>| a?.checked_add(b?);
        Self { least: sum(self.least, other.least), most: sum(self.most, other.most) }
    }

    /// The product; of factors that may be negative only if one is a number.
    fn times(self, other: Self) -> Self {
        let product = |a: Option<i64>, b: Option<i64>| a?.checked_mul(b?);
        match (self.least, other.least) {
            (Some(a), Some(b)) if a >= 0 && b >= 0 => {
                Self { least: product(self.least, other.least), most: product(self.most, other.most) }
            }
            _ if self.least == self.most && self.least.is_some() => other.scaled(self.least.unwrap_or(0)),
            _ if other.least == other.most && other.least.is_some() => self.scaled(other.least.unwrap_or(0)),
            _ => Self::ANY,
        }
    }

    fn scaled(self, factor: i64) -> Self {
        let scale = |bound: Option<i64>| bound?.checked_mul(factor);
        match factor.signum() {
            0 => Self::number(0),
            1 => Self { least: scale(self.least), most: scale(self.most) },
            _ => Self { least: scale(self.most), most: scale(self.least) },
        }
    }
}

/// The bounds of a dimension, given what is known of its variables.
pub(super) fn bounds(dim: &Dim, facts: &Facts) -> Bounds {
    if !dim.is_known() {
        return Bounds::ANY;
    }
    dim.terms().fold(Bounds::number(0), |sum, (monomial, factor)| {
        let product = monomial.iter().fold(Bounds::number(1), |product, atom| product.times(atom_bounds(atom, facts)));
        sum.plus(product.scaled(factor))
    })
}

fn atom_bounds(atom: &Atom, facts: &Facts) -> Bounds {
    match atom {
        Atom::Variable(name) => Bounds { least: facts.least(name), most: None },
        Atom::Quotient(above, below) => {
            let (above, below) = (bounds(above, facts), bounds(below, facts));
            let Some(least_below) = below.least.filter(|&least| least > 0) else { return Bounds::ANY };
            let exact = (below.most == below.least).then_some(least_below);
            let least = match above.least {
                // A larger divisor brings what is not negative nearer to zero.
                Some(least) if least >= 0 => Some(below.most.map_or(0, |most| least.div_euclid(most))),
                least => least.map(|least| least.div_euclid(exact.unwrap_or(least_below))),
            };
            let most = above.most.map(|most| if most >= 0 { most.div_euclid(least_below) } else { -1 });
            Bounds { least, most }
        }
    }
}
