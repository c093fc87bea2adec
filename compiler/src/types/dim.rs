//! Integer polynomials in normal form.
//!
//! Two dimensions that are equal for all values of their variables nearly always have the same normal form: sums of
//! monomials are collected, and a division keeps under its line only what its divisor does not divide. Where that fails,
//! the question is left to the instance, never guessed.

use std::collections::BTreeMap;
use std::fmt;
use std::ops;
use std::sync::Arc;

/// A whole number that may depend on variables; or unknown, after an overflow or a question that cannot be decided.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dim(Option<Polynomial>);

/// Coefficients by monomial; none is zero. The empty monomial is the constant.
type Polynomial = BTreeMap<Monomial, i64>;

/// Atoms in order, repeated as often as their power says.
type Monomial = Vec<Atom>;

/// What cannot be taken apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Atom {
    /// A parameter or dimension variable of the block being checked.
    Variable(Arc<str>),
    /// A quotient rounded down. The divisor is positive in every instance.
    Quotient(Box<Dim>, Box<Dim>),
}

/// Most terms of a polynomial; one with more becomes unknown, so that no text makes the checker slow.
const MAX_TERMS: usize = 32;

/// Most atoms of a monomial.
const MAX_DEGREE: usize = 8;

/// Most atoms of a polynomial, those within quotients counted: quotients of quotients would grow without end, since what is
/// above the line is multiplied out.
const MAX_ATOMS: usize = 256;

impl Dim {
    /// A variable.
    #[must_use]
    pub fn variable(name: &str) -> Self {
        Self(Some(BTreeMap::from([(vec![Atom::Variable(name.into())], 1)])))
    }

    /// What nothing is known of.
    #[must_use]
    pub const fn unknown() -> Self {
        Self(None)
    }

    /// Whether anything is known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.0.is_some()
    }

    /// The number, if it depends on nothing.
    #[must_use]
    pub fn as_number(&self) -> Option<i64> {
        let terms = self.0.as_ref()?;
        match terms.len() {
            0 => Some(0),
            1 => terms.get(&Vec::new()).copied(),
            _ => None,
        }
    }

    /// The number as a size, if it is one.
    #[must_use]
    pub fn as_size(&self) -> Option<usize> {
        usize::try_from(self.as_number()?).ok()
    }

    /// The variable's name, if this is nothing but a variable.
    #[must_use]
    pub fn as_variable(&self) -> Option<&str> {
        match self.only_term()? {
            ([Atom::Variable(name)], 1) => Some(name),
            _ => None,
        }
    }

    fn only_term(&self) -> Option<(&[Atom], i64)> {
        let terms = self.0.as_ref()?;
        let (monomial, factor) = terms.iter().next().filter(|_| terms.len() == 1)?;
        Some((monomial, *factor))
    }

    /// Monomials with their coefficients; none of an unknown.
    pub(super) fn terms(&self) -> impl Iterator<Item = (&[Atom], i64)> {
        self.0.iter().flatten().map(|(monomial, factor)| (monomial.as_slice(), *factor))
    }

    /// The quotient rounded down. An instance whose divisor is not positive has a mistake of its own.
    #[must_use]
    pub fn divided(&self, by: &Self) -> Self {
        let (Some(_), Some(_)) = (&self.0, &by.0) else { return Self(None) };
        match by.as_number() {
            Some(0) => Self(None),
            Some(1) => self.clone(),
            Some(divisor) if divisor < 0 => (-self).divided(&-by),
            Some(divisor) => self.divided_by_number(divisor),
            None => self.divided_by_polynomial(by),
        }
    }

    /// The quotient rounded up.
    #[must_use]
    pub fn divided_up(&self, by: &Self) -> Self {
        (self + by - 1).divided(by)
    }

    /// `floor((d q + r) / d) = q + floor(r / d)`, with every coefficient of `r` in `0..d`; then what `r` and `d` have
    /// in common goes, and a quotient of a quotient becomes one.
    fn divided_by_number(&self, divisor: i64) -> Self {
        let (mut whole, mut rest) = (Polynomial::new(), Polynomial::new());
        for (monomial, factor) in self.terms() {
            put(&mut whole, monomial, factor.div_euclid(divisor));
            put(&mut rest, monomial, factor.rem_euclid(divisor));
        }
        let constant = rest.get(&Vec::new()).copied().unwrap_or(0);
        let common = rest
            .iter()
            .filter(|(monomial, _)| !monomial.is_empty())
            .fold(divisor, |common, (_, &factor)| gcd(common, factor));
        if common == divisor {
            // Nothing but a constant smaller than the divisor is left.
            return Self(Some(whole));
        }
        let mut reduced: Polynomial = rest.into_iter().map(|(monomial, factor)| (monomial, factor / common)).collect();
        put_all(&mut reduced, constant / common);
        let (mut above, mut below) = (Self(Some(reduced)), divisor / common);
        // floor((floor(x / a) + c) / b) = floor((x + a c) / (a b))
        if let Some((inner, a, c)) = above.shifted_quotient() {
            match (below.checked_mul(a), a.checked_mul(c)) {
                (Some(product), Some(shift)) => {
                    below = product;
                    above = inner + shift;
                    return Self(Some(whole)) + above.divided_by_number(below);
                }
                _ => return Self(None),
            }
        }
        Self(Some(whole)) + Self::atom(Atom::Quotient(Box::new(above), Box::new(Self::from(below))))
    }

    /// `x`, `a` and `c`, if this is `floor(x / a) + c` with a number `a`.
    fn shifted_quotient(&self) -> Option<(Self, i64, i64)> {
        let mut found = None;
        let mut shift = 0;
        for (monomial, factor) in self.terms() {
            match monomial {
                [] => shift = factor,
                [Atom::Quotient(above, below)] if factor == 1 && found.is_none() => {
                    found = Some((above.as_ref().clone(), below.as_number()?));
                }
                _ => return None,
            }
        }
        found.map(|(above, below)| (above, below, shift))
    }

    fn divided_by_polynomial(&self, by: &Self) -> Self {
        let (mut whole, mut rest) = (Self::from(0_i64), self.clone());
        if let Some((divisor, factor)) = by.only_term() {
            for (monomial, above) in self.terms() {
                if let Some(quotient) = without(monomial, divisor).filter(|_| above % factor == 0) {
                    let mut term = Polynomial::new();
                    put(&mut term, &quotient, above / factor);
                    whole = whole + Self(Some(term));
                    let mut gone = Polynomial::new();
                    put(&mut gone, monomial, above);
                    rest = rest - Self(Some(gone));
                }
            }
        } else if let (Some((monomial, above)), Some((first, below))) = (self.terms().last(), by.terms().last())
            && monomial == first
            && above % below == 0
            && by.clone() * (above / below) == *self
        {
            return Self::from(above / below);
        }
        if rest.as_number() == Some(0) {
            return whole;
        }
        whole + Self::atom(Atom::Quotient(Box::new(rest), Box::new(by.clone())))
    }

    fn atom(atom: Atom) -> Self {
        let terms = BTreeMap::from([(vec![atom], 1)]);
        Self(is_small(&terms).then_some(terms))
    }

    /// The same with a variable replaced everywhere.
    #[must_use]
    pub fn substitute(&self, name: &str, value: &Self) -> Self {
        self.map_variables(&mut |variable| if variable == name { value.clone() } else { Self::variable(variable) })
    }

    /// The number for these values of the variables; `None` if it overflows or a divisor is not positive.
    #[must_use]
    pub fn evaluate(&self, values: &dyn Fn(&str) -> Option<i64>) -> Option<i64> {
        let mut sum = 0_i64;
        self.0.as_ref()?;
        for (monomial, factor) in self.terms() {
            let mut product = factor;
            for atom in monomial {
                product = product.checked_mul(match atom {
                    Atom::Variable(name) => values(name)?,
                    Atom::Quotient(above, below) => {
                        let below = below.evaluate(values).filter(|&below| below > 0)?;
                        above.evaluate(values)?.div_euclid(below)
                    }
                })?;
            }
            sum = sum.checked_add(product)?;
        }
        Some(sum)
    }

    fn map_variables(&self, map: &mut dyn FnMut(&str) -> Self) -> Self {
        if self.0.is_none() {
            return Self(None);
        }
        let mut sum = Self::from(0_i64);
        for (monomial, factor) in self.terms() {
            let mut product = Self::from(factor);
            for atom in monomial {
                product = product
                    * match atom {
                        Atom::Variable(name) => map(name),
                        Atom::Quotient(above, below) => above.map_variables(map).divided(&below.map_variables(map)),
                    };
            }
            sum = sum + product;
        }
        sum
    }

    /// Calls `visit` with every variable in it.
    pub(super) fn variables(&self, visit: &mut dyn FnMut(&Arc<str>)) {
        for atom in self.terms().flat_map(|(monomial, _)| monomial) {
            match atom {
                Atom::Variable(name) => visit(name),
                Atom::Quotient(above, below) => {
                    above.variables(visit);
                    below.variables(visit);
                }
            }
        }
    }

    /// Whether a variable is in it.
    #[must_use]
    pub fn mentions(&self, name: &str) -> bool {
        let mut found = false;
        self.variables(&mut |variable| found |= variable.as_ref() == name);
        found
    }

    /// Combines two polynomials term by term.
    fn merged(a: &Self, b: &Self, sign: i64) -> Option<Polynomial> {
        let mut sum = a.0.clone()?;
        for (monomial, factor) in b.0.as_ref()? {
            let entry = sum.entry(monomial.clone()).or_insert(0);
            *entry = entry.checked_add(factor.checked_mul(sign)?)?;
        }
        sum.retain(|_, factor| *factor != 0);
        is_small(&sum).then_some(sum)
    }

    fn product(a: &Self, b: &Self) -> Option<Polynomial> {
        let (a, b) = (a.0.as_ref()?, b.0.as_ref()?);
        let mut sum = Polynomial::new();
        for (left, x) in a {
            for (right, y) in b {
                let mut monomial = [left.as_slice(), right.as_slice()].concat();
                monomial.sort();
                if monomial.len() > MAX_DEGREE {
                    return None;
                }
                let entry = sum.entry(monomial).or_insert(0);
                *entry = entry.checked_add(x.checked_mul(*y)?)?;
            }
        }
        sum.retain(|_, factor| *factor != 0);
        is_small(&sum).then_some(sum)
    }
}

/// Whether a polynomial is within the limits.
fn is_small(terms: &Polynomial) -> bool {
    let mut left = MAX_ATOMS;
    terms.len() <= MAX_TERMS && takes(terms, &mut left)
}

/// Takes away from what is left for every atom; `false` if it does not suffice.
fn takes(terms: &Polynomial, left: &mut usize) -> bool {
    terms.keys().flatten().all(|atom| {
        let Some(rest) = left.checked_sub(1) else { return false };
        *left = rest;
        match atom {
            Atom::Variable(_) => true,
            Atom::Quotient(above, below) => {
                [above, below].into_iter().all(|dim| dim.0.as_ref().is_none_or(|terms| takes(terms, left)))
            }
        }
    })
}

/// Adds a term that the polynomial does not have yet.
fn put(terms: &mut Polynomial, monomial: &[Atom], factor: i64) {
    if factor != 0 {
        terms.insert(monomial.to_vec(), factor);
    }
}

/// Sets the constant term.
fn put_all(terms: &mut Polynomial, constant: i64) {
    terms.remove(&Vec::new());
    put(terms, &[], constant);
}

/// The monomial without the atoms of the divisor, if it has them all.
fn without(monomial: &[Atom], divisor: &[Atom]) -> Option<Monomial> {
    let mut rest = monomial.to_vec();
    for atom in divisor {
        let at = rest.iter().position(|other| other == atom)?;
        rest.remove(at);
    }
    Some(rest)
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl From<i32> for Dim {
    fn from(value: i32) -> Self {
        Self::from(i64::from(value))
    }
}

impl From<i64> for Dim {
    fn from(value: i64) -> Self {
        let mut terms = Polynomial::new();
        put(&mut terms, &[], value);
        Self(Some(terms))
    }
}

impl From<usize> for Dim {
    fn from(value: usize) -> Self {
        i64::try_from(value).map_or(Self(None), Self::from)
    }
}

/// Defines an operator for owned and borrowed operands.
macro_rules! operator {
    ($trait:ident, $method:ident, |$a:ident, $b:ident| $result:expr) => {
        impl ops::$trait<&Dim> for &Dim {
            type Output = Dim;
            fn $method(self, other: &Dim) -> Dim {
                let ($a, $b) = (self, other);
                Dim($result)
            }
        }
        impl ops::$trait<Dim> for Dim {
            type Output = Dim;
            fn $method(self, other: Dim) -> Dim {
                ops::$trait::$method(&self, &other)
            }
        }
        impl ops::$trait<&Dim> for Dim {
            type Output = Dim;
            fn $method(self, other: &Dim) -> Dim {
                ops::$trait::$method(&self, other)
            }
        }
        impl ops::$trait<i64> for Dim {
            type Output = Dim;
            fn $method(self, other: i64) -> Dim {
                ops::$trait::$method(&self, &Dim::from(other))
            }
        }
        impl ops::$trait<i64> for &Dim {
            type Output = Dim;
            fn $method(self, other: i64) -> Dim {
                ops::$trait::$method(self, &Dim::from(other))
            }
        }
    };
}

operator!(Add, add, |a, b| Dim::merged(a, b, 1));
operator!(Sub, sub, |a, b| Dim::merged(a, b, -1));
operator!(Mul, mul, |a, b| Dim::product(a, b));

impl ops::Neg for &Dim {
    type Output = Dim;
    fn neg(self) -> Dim {
        self * -1
    }
}

impl fmt::Display for Dim {
    /// As the language writes it: `2 * H + 1`, `(H - 1) / 2`; an unknown is `?`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(terms) = &self.0 else { return f.write_str("?") };
        if terms.is_empty() {
            return f.write_str("0");
        }
        // The constant last, what is added before what is taken away.
        let mut ordered: Vec<_> = terms.iter().collect();
        ordered.sort_by_key(|(monomial, factor)| (monomial.is_empty(), **factor < 0));
        for (index, (monomial, factor)) in ordered.into_iter().enumerate() {
            f.write_str(match (index, *factor < 0) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            })?;
            let size = factor.unsigned_abs();
            if size != 1 || monomial.is_empty() {
                write!(f, "{size}{}", if monomial.is_empty() { "" } else { " * " })?;
            }
            for (place, atom) in monomial.iter().enumerate() {
                f.write_str(if place == 0 { "" } else { " * " })?;
                atom.write(f, monomial.len() > 1 || size != 1)?;
            }
        }
        Ok(())
    }
}

impl Atom {
    fn write(&self, f: &mut fmt::Formatter<'_>, is_factor: bool) -> fmt::Result {
        match self {
            Self::Variable(name) => f.write_str(name),
            Self::Quotient(above, below) => {
                let wrapped = |dim: &Dim, f: &mut fmt::Formatter<'_>| {
                    let is_plain = dim.as_variable().is_some() || dim.as_number().is_some_and(|number| number >= 0);
                    if is_plain { write!(f, "{dim}") } else { write!(f, "({dim})") }
                };
                f.write_str(if is_factor { "(" } else { "" })?;
                wrapped(above, f)?;
                f.write_str(" / ")?;
                wrapped(below, f)?;
                f.write_str(if is_factor { ")" } else { "" })
            }
        }
    }
}
