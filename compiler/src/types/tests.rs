//! The normal form against numbers: what it says of dimensions must hold for values of their variables.

use super::*;

fn v(name: &str) -> Dim {
    Dim::variable(name)
}

#[test]
fn equal_dimensions_have_one_form() {
    let (h, w) = (v("H"), v("W"));
    assert_eq!(&h + &w - &h, w);
    assert_eq!((&h + 1) * (&h - 1), &h * &h - 1);
    assert_eq!((&h * 2).divided(&Dim::from(2_i64)), h);
    // The same padding of a convolution with stride: (H + 2 - 3) / 2 + 1 = (H + 1) / 2
    assert_eq!((&h - 1).divided(&Dim::from(2_i64)) + 1, (&h + 1).divided(&Dim::from(2_i64)));
    assert_eq!(h.divided(&Dim::from(2_i64)).divided(&Dim::from(3_i64)), h.divided(&Dim::from(6_i64)));
    assert_eq!((&h * &w).divided(&w), h);
    assert_eq!((&h * 4 + 6).divided(&Dim::from(8_i64)), (&h * 2 + 3).divided(&Dim::from(4_i64)));
    assert_eq!(h.divided_up(&Dim::from(2_i64)), (&h + 1).divided(&Dim::from(2_i64)));
}

#[test]
fn dimensions_read_as_the_language_writes_them() {
    let h = v("H");
    assert_eq!((&h - 1).to_string(), "H - 1");
    assert_eq!((&h * 3 + 1).divided(&Dim::from(4_i64)).to_string(), "(3 * H + 1) / 4");
    assert_eq!((h.divided(&Dim::from(2_i64)) * v("C")).to_string(), "C * (H / 2)");
    assert_eq!((-&h).to_string(), "-H");
    assert_eq!((&h - &h).to_string(), "0");
    assert_eq!(Dim::unknown().to_string(), "?");
}

#[test]
fn quotients_under_quotients_have_a_limit() {
    let sum = v("H") + v("W") + v("C") + 1;
    let mut dim = sum.divided(&Dim::from(2_i64));
    let mut n_known = 0;
    for _ in 0..1000 {
        dim = (&dim * &sum).divided(&Dim::from(2_i64));
        n_known += usize::from(dim.is_known());
    }
    assert!((1..100).contains(&n_known), "{n_known}");
}

#[test]
fn overflow_is_unknown() {
    let big = Dim::from(i64::MAX);
    assert!(!(&big + 1).is_known());
    assert!(!(&big * 2).is_known());
    assert!(!v("H").divided(&Dim::from(0_i64)).is_known());
    let mut power = v("H");
    for _ in 0..20 {
        power = &power * &power;
    }
    assert!(!power.is_known());
    assert!(!(Dim::unknown() + 1).is_known());
}

/// A small generator of numbers.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// A random dimension beside the value that naive 128-bit arithmetic gives it.
fn random(numbers: &mut Numbers, depth: u32, values: &[(&str, i64)]) -> (Dim, Option<i128>) {
    if depth == 0 || numbers.below(4) == 0 {
        let pick = numbers.below(values.len() as u64 + 1) as usize;
        return match values.get(pick) {
            Some((name, value)) => (v(name), Some(i128::from(*value))),
            None => {
                let value = numbers.below(9) as i64 - 2;
                (Dim::from(value), Some(i128::from(value)))
            }
        };
    }
    let (a, x) = random(numbers, depth - 1, values);
    let (b, y) = random(numbers, depth - 1, values);
    let both = x.zip(y);
    match numbers.below(5) {
        0 => (&a + &b, both.map(|(x, y)| x + y)),
        1 => (&a - &b, both.map(|(x, y)| x - y)),
        2 => (&a * &b, both.map(|(x, y)| x * y)),
        3 => {
            let divisor = numbers.below(6) as i64 + 1;
            (a.divided(&Dim::from(divisor)), x.map(|x| x.div_euclid(i128::from(divisor))))
        }
        _ => {
            let (name, value) = values[numbers.below(values.len() as u64) as usize];
            (a.divided(&v(name)), x.map(|x| x.div_euclid(i128::from(value))))
        }
    }
}

#[test]
fn normal_forms_keep_their_value() {
    let mut numbers = Numbers(1);
    let mut n_checked = 0;
    for _ in 0..20_000 {
        let values = [
            ("H", numbers.below(40) as i64 + 1),
            ("C", numbers.below(9) as i64 + 1),
            ("s", numbers.below(3) as i64 + 1),
        ];
        let (dim, value) = random(&mut numbers, 4, &values);
        let lookup = |name: &str| values.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
        if let (true, Some(value)) = (dim.is_known(), value)
            && let Some(found) = dim.evaluate(&lookup)
        {
            assert_eq!(i128::from(found), value, "{dim} at {values:?}");
            n_checked += 1;
            // Bounds hold too.
            let mut facts = Facts::new();
            for (name, _) in values {
                facts.declare_least(name, 1);
            }
            let zero = Dim::from(0_i64);
            match facts.at_least(&dim, &zero) {
                Truth::Always => assert!(found >= 0, "{dim} at {values:?}"),
                Truth::Never => assert!(found < 0, "{dim} at {values:?}"),
                Truth::Open => {}
            }
            if facts.equal(&dim, &zero) == Truth::Never {
                assert_ne!(found, 0, "{dim} at {values:?}");
            }
        }
    }
    assert!(n_checked > 15_000, "{n_checked}");
}

#[test]
fn facts_unify() {
    let mut facts = Facts::new();
    facts.declare_least("C", 1);
    assert_eq!(facts.equal(&v("C"), &v("F")), Truth::Open);
    assert!(facts.require_equal(&v("C"), &v("F")));
    assert_eq!(facts.equal(&(v("C") * 2), &(v("F") + v("C"))), Truth::Always);
    assert!(facts.require_equal(&v("F"), &Dim::from(64_i64)));
    assert_eq!(facts.equal(&v("C"), &Dim::from(64_i64)), Truth::Always);
    assert_eq!(facts.equal(&v("C"), &Dim::from(65_i64)), Truth::Never);
}

#[test]
fn bounds_decide() {
    let mut facts = Facts::new();
    facts.declare_least("e", 1);
    assert_eq!(facts.equal(&(v("e") + v("f")), &v("f")), Truth::Never);
    assert_eq!(facts.at_least(&(v("e") * 3), &Dim::from(3_i64)), Truth::Always);
    assert_eq!(facts.at_least(&Dim::from(0_i64), &v("e")), Truth::Never);
    assert_eq!(facts.multiple(&(v("e") * 6), &Dim::from(3_i64)), Truth::Always);
    assert_eq!(facts.multiple(&v("e"), &Dim::from(3_i64)), Truth::Open);
}

#[test]
fn witnesses_satisfy_what_is_demanded() {
    let mut facts = Facts::new();
    facts.declare_least("H", 1);
    facts.demand(Demand::Equal(v("C"), Dim::from(48_i64)));
    facts.demand(Demand::Multiple(v("C"), v("g")));
    facts.demand(Demand::AtLeast(v("g"), Dim::from(2_i64)));
    let variables: Vec<_> = ["H", "C", "g"].map(Into::into).to_vec();
    let witness = Witness::find(&facts, &variables, &|_| true).expect("48 has divisors");
    assert_eq!(witness.get("C"), Some(48));
    assert!(witness.get("g").is_some_and(|g| g >= 2 && 48 % g == 0));
    facts.demand(Demand::Different(v("C"), Dim::from(48_i64)));
    assert_eq!(Witness::find(&facts, &variables, &|_| true), None);
}
