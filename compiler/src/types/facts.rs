//! What is known of a block's variables while it is checked, and what its instances will have to satisfy.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Dim;
use super::bounds::bounds;

/// The answer to a question about dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// For all values of the variables.
    Always,
    /// For no values of the variables.
    Never,
    /// It depends on the instance, or cannot be decided.
    Open,
}

/// What every instance of the block must satisfy, on the path through its conditions that is being checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Demand {
    /// Both are the same.
    Equal(Dim, Dim),
    /// They differ.
    Different(Dim, Dim),
    /// The first is no less than the second.
    AtLeast(Dim, Dim),
    /// The second divides the first.
    Multiple(Dim, Dim),
}

impl Demand {
    /// Whether these values satisfy it; `None` if that cannot be computed.
    #[must_use]
    pub fn holds(&self, values: &dyn Fn(&str) -> Option<i64>) -> Option<bool> {
        let both = |a: &Dim, b: &Dim| Some((a.evaluate(values)?, b.evaluate(values)?));
        Some(match self {
            Self::Equal(a, b) => both(a, b).map(|(a, b)| a == b)?,
            Self::Different(a, b) => both(a, b).map(|(a, b)| a != b)?,
            Self::AtLeast(a, b) => both(a, b).map(|(a, b)| a >= b)?,
            Self::Multiple(a, b) => both(a, b).filter(|&(_, b)| b > 0).map(|(a, b)| a % b == 0)?,
        })
    }

    pub(super) fn sides(&self) -> [&Dim; 2] {
        let (Self::Equal(a, b) | Self::Different(a, b) | Self::AtLeast(a, b) | Self::Multiple(a, b)) = self;
        [a, b]
    }
}

/// What is known of the variables. Without variables every question about known numbers is decided.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The least value of a variable.
    least: BTreeMap<Arc<str>, i64>,
    /// Variables that stand for others: each value mentions none that is replaced.
    replaced: Vec<(Arc<str>, Dim)>,
    demands: Vec<Demand>,
}

impl Facts {
    /// Nothing known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares that a variable is at least this.
    pub fn declare_least(&mut self, variable: &str, least: i64) {
        let bound = self.least.entry(variable.into()).or_insert(least);
        *bound = (*bound).max(least);
    }

    pub(super) fn least(&self, variable: &str) -> Option<i64> {
        self.least.get(variable).copied()
    }

    /// What instances must satisfy.
    #[must_use]
    pub fn demands(&self) -> &[Demand] {
        &self.demands
    }

    pub(super) fn leasts(&self) -> impl Iterator<Item = (&Arc<str>, i64)> {
        self.least.iter().map(|(name, least)| (name, *least))
    }

    pub(super) fn replacements(&self) -> &[(Arc<str>, Dim)] {
        &self.replaced
    }

    /// The dimension with every variable replaced that is known to be something else.
    #[must_use]
    pub fn resolve(&self, dim: &Dim) -> Dim {
        self.replaced.iter().fold(
            dim.clone(),
            |dim, (name, value)| {
                if dim.mentions(name) { dim.substitute(name, value) } else { dim }
            },
        )
    }

    /// Whether two dimensions are the same.
    #[must_use]
    pub fn equal(&self, a: &Dim, b: &Dim) -> Truth {
        let difference = self.resolve(&(a - b));
        if difference.as_number() == Some(0) {
            return Truth::Always;
        }
        let bounds = bounds(&difference, self);
        if bounds.least.is_some_and(|least| least > 0) || bounds.most.is_some_and(|most| most < 0) {
            return Truth::Never;
        }
        Truth::Open
    }

    /// Whether `a >= b`.
    #[must_use]
    pub fn at_least(&self, a: &Dim, b: &Dim) -> Truth {
        let bounds = bounds(&self.resolve(&(a - b)), self);
        match (bounds.least, bounds.most) {
            (Some(least), _) if least >= 0 => Truth::Always,
            (_, Some(most)) if most < 0 => Truth::Never,
            _ => Truth::Open,
        }
    }

    /// Whether `b`, which is positive, divides `a`.
    #[must_use]
    pub fn multiple(&self, a: &Dim, b: &Dim) -> Truth {
        let (a, b) = (self.resolve(a), self.resolve(b));
        match (a.as_number(), b.as_number()) {
            (Some(a), Some(b)) if b != 0 => {
                if a % b == 0 {
                    Truth::Always
                } else {
                    Truth::Never
                }
            }
            _ if a.is_known() && &a.divided(&b) * &b == a => Truth::Always,
            _ => Truth::Open,
        }
    }

    /// Asks whether two dimensions are the same; `false` if they never are. An open question is demanded of instances.
    pub fn require_equal(&mut self, a: &Dim, b: &Dim) -> bool {
        let truth = self.equal(a, b);
        self.require(truth, || Demand::Equal(a.clone(), b.clone()))
    }

    /// Asks whether `a >= b`; `false` if it never is. An open question is demanded of instances.
    pub fn require_at_least(&mut self, a: &Dim, b: &Dim) -> bool {
        let truth = self.at_least(a, b);
        self.require(truth, || Demand::AtLeast(a.clone(), b.clone()))
    }

    /// Asks whether `b` divides `a`; `false` if it never does. An open question is demanded of instances.
    pub fn require_multiple(&mut self, a: &Dim, b: &Dim) -> bool {
        let truth = self.multiple(a, b);
        self.require(truth, || Demand::Multiple(a.clone(), b.clone()))
    }

    fn require(&mut self, truth: Truth, demand: impl FnOnce() -> Demand) -> bool {
        if truth == Truth::Open {
            self.demand(demand());
        }
        truth != Truth::Never
    }

    /// Takes something for granted from here on.
    pub fn demand(&mut self, demand: Demand) {
        if self.demands.len() >= MAX_DEMANDS || !demand.sides().iter().all(|side| side.is_known()) {
            return;
        }
        match &demand {
            Demand::Equal(a, b) => {
                let (a, b) = (self.resolve(a), self.resolve(b));
                let replace = [(&a, &b), (&b, &a)].into_iter().find_map(|(variable, value)| {
                    let name = variable.as_variable()?;
                    (!value.mentions(name)).then(|| (Arc::<str>::from(name), value.clone()))
                });
                if let Some((name, value)) = replace {
                    for (_, other) in &mut self.replaced {
                        *other = other.substitute(&name, &value);
                    }
                    self.replaced.push((name, value));
                }
            }
            Demand::AtLeast(a, b) => {
                if let (Some(name), Some(least)) = (a.as_variable(), b.as_number()) {
                    let name = name.to_owned();
                    self.declare_least(&name, least);
                }
            }
            Demand::Different(..) | Demand::Multiple(..) => {}
        }
        self.demands.push(demand);
    }
}

/// Most demands that are kept of one block; what is beyond them is left to the instances.
const MAX_DEMANDS: usize = 500;
