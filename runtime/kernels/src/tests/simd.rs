//! Every operation of the vectors against its definition on single floats, bit for bit.

use super::{Random, bits, cases};
use crate::isa::{dispatch, on_every_isa};
use crate::simd::row::{One, Row, Two};
use crate::simd::{LANES, Simd};

const SPECIAL: [f32; 8] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 1.0, f32::MIN_POSITIVE, f32::MAX];

/// Floats of all sizes, among them, now and then, such as arithmetic treats in its own way.
fn any_floats(random: &mut Random) -> [f32; LANES] {
    std::array::from_fn(|_| match random.within(0, 3) {
        0 => SPECIAL[random.within(0, 7)],
        1 => random.float() * 1e20,
        _ => random.float(),
    })
}

fn condition(holds: bool) -> f32 {
    f32::from_bits(if holds { !0 } else { 0 })
}

/// The same bits, but for those of a NaN that arithmetic made.
#[track_caller]
fn assert_same(what: &str, found: [f32; LANES], expected: [f32; LANES]) {
    for (lane, (found, expected)) in found.into_iter().zip(expected).enumerate() {
        let same = found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan());
        assert!(same, "{what}: lane {lane} is {found:e} ({:08x}), expected {expected:e}", found.to_bits());
    }
}

fn both(a: [f32; LANES], b: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    std::array::from_fn(|lane| f(a[lane], b[lane]))
}

#[inline(always)]
fn arithmetic<S: Simd>(s: S, a: &[f32; LANES], b: &[f32; LANES], c: &[f32; LANES]) {
    let (va, vb, vc) = (s.load(a), s.load(b), s.load(c));
    assert_same("add", s.lanes(s.add(va, vb)), both(*a, *b, |a, b| a + b));
    assert_same("sub", s.lanes(s.sub(va, vb)), both(*a, *b, |a, b| a - b));
    assert_same("mul", s.lanes(s.mul(va, vb)), both(*a, *b, |a, b| a * b));
    assert_same("div", s.lanes(s.div(va, vb)), both(*a, *b, |a, b| a / b));
    assert_same("sqrt", s.lanes(s.sqrt(va)), a.map(f32::sqrt));
    assert_same("max", s.lanes(s.max(va, vb)), both(*a, *b, |a, b| if a > b { a } else { b }));
    assert_same("min", s.lanes(s.min(va, vb)), both(*a, *b, |a, b| if a < b { a } else { b }));
    for (lane, found) in s.lanes(s.mul_add(va, vb, vc)).into_iter().enumerate() {
        let (fused, twice) = (a[lane].mul_add(b[lane], c[lane]), a[lane] * b[lane] + c[lane]);
        let is_either = [fused, twice].iter().any(|x| x.to_bits() == found.to_bits() || (x.is_nan() && found.is_nan()));
        assert!(is_either, "mul_add({}, {}, {}) is {found}", a[lane], b[lane], c[lane]);
    }
    assert_same("abs", s.lanes(s.abs(va)), a.map(f32::abs));
    let [d, e, f, g, h, i, j, k] = *c;
    assert_eq!(s.sum(vc).to_bits(), (((d + h) + (f + j)) + ((e + i) + (g + k))).to_bits());
    assert_eq!(s.max_lane(vc), c.iter().copied().fold(f32::NEG_INFINITY, f32::max));
}

/// The results' bits count, which are no numbers.
#[inline(always)]
fn comparisons<S: Simd>(s: S, a: &[f32; LANES], b: &[f32; LANES], c: &[f32; LANES]) {
    let same = |what: &str, found: S::V, expected: [f32; LANES]| {
        assert_eq!(s.lanes(found).map(f32::to_bits), expected.map(f32::to_bits), "{what} of {a:?} and {b:?}");
    };
    let (va, vb, vc) = (s.load(a), s.load(b), s.load(c));
    let greater = both(*a, *b, |a, b| condition(a > b));
    same("gt", s.gt(va, vb), greater);
    same("eq", s.eq(va, vb), both(*a, *b, |a, b| condition(a == b)));
    same("not_le", s.not_le(va, vb), both(*a, *b, |a, b| condition(a.is_nan() || b.is_nan() || a > b)));
    let by_bits = |f: fn(u32, u32) -> u32| both(*a, *b, |a, b| f32::from_bits(f(a.to_bits(), b.to_bits())));
    same("and", s.and(va, vb), by_bits(|a, b| a & b));
    same("or", s.or(va, vb), by_bits(|a, b| a | b));
    same("xor", s.xor(va, vb), by_bits(|a, b| a ^ b));
    let chosen = std::array::from_fn(|lane| if greater[lane].to_bits() == 0 { c[lane] } else { b[lane] });
    same("select", s.select(s.gt(va, vb), vb, vc), chosen);
}

#[inline(always)]
fn integers<S: Simd>(s: S, a: &[u32; LANES], b: u32) {
    let words = |v: S::V| s.lanes(v).map(f32::to_bits);
    let va = s.load_integers(a);
    assert_eq!(words(va), *a);
    let (low, high) = s.mul_wide(va, b);
    let products = a.map(|a| u64::from(a) * u64::from(b));
    assert_eq!((words(low), words(high)), (products.map(|p| p as u32), products.map(|p| (p >> 32) as u32)));
    assert_eq!(words(s.at_least(va, b)), a.map(|a| if a >= b { !0 } else { 0 }));
    assert_eq!(words(s.at_least(va, a[3])), a.map(|x| if x >= a[3] { !0 } else { 0 }));
    let index = a.map(|a| a % LANES as u32);
    assert_eq!(words(s.permute(va, s.load_integers(&index))), index.map(|index| a[index as usize]));
    let bytes = a.map(|a| a as u8);
    assert_eq!(s.lanes(s.load_bytes(&bytes)), bytes.map(f32::from));
    let mut stored = [0; LANES];
    s.store_bytes(s.load_bytes(&bytes), &mut stored);
    assert_eq!(stored, bytes);
}

#[inline(always)]
fn integral<S: Simd>(s: S, a: &[f32; LANES], n: &[f32; LANES]) {
    let ties = a.map(|a| (a * 4096.0).trunc() / 2.0);
    for a in [*a, ties, a.map(|a| a * 4_000_000.0)] {
        assert_eq!(s.lanes(s.round(s.load(&a))), a.map(f32::round_ties_even));
    }
    let power = |n: f32| f64::from_bits(((n as i64 + 1023) as u64) << 52);
    let first = n.map(|n| (n / 2.0).floor());
    let expected = std::array::from_fn(|lane| {
        let once = f64::from(a[lane]) * power(first[lane]);
        (f64::from(once as f32) * power(n[lane] - first[lane])) as f32
    });
    assert_same("scale", s.lanes(s.scale(s.load(a), s.load(n))), expected);
}

/// Slices of exactly as many floats as the mask has lanes, so that Miri and AddressSanitizer see one read or written past them.
#[inline(always)]
fn masks<S: Simd>(s: S, a: &[f32; LANES], count: usize) {
    let head: Box<[f32]> = a[..count].into();
    let with = |fill: f32| std::array::from_fn::<f32, LANES, _>(|lane| if lane < count { a[lane] } else { fill });
    assert_eq!(s.lanes(s.load_head(&head)), with(0.0));
    assert_eq!(s.lanes(s.load_head_or(&head, -7.0)), with(-7.0));
    let mut written: Box<[f32]> = vec![0.0; count].into();
    s.store_head(s.load(a), &mut written);
    assert_eq!(written, head);
    let mut whole = [-7.0; LANES];
    s.store_head(s.load(a), &mut whole[..count]);
    assert_eq!(whole, with(-7.0));
    if let Some(first) = head.first() {
        // SAFETY: there is one float.
        assert_eq!(s.lanes(unsafe { s.splat_at(first) }), [*first; LANES]);
    }
}

/// A row of a tile against its definition, over slices of exactly as many floats as it may touch. `a` and `b` have sixteen.
#[inline(always)]
fn row<S: Simd, R: Row<S>>(s: S, a: &[f32], b: &[f32], count: usize) {
    let (mask, whole) = (R::mask(s, count), R::COLUMNS);
    let load = |from: &[f32]| {
        assert!(from.len() >= whole);
        // SAFETY: the slice has the columns.
        unsafe { R::load(s, from.as_ptr()) }
    };
    let stored = |row: R| {
        let mut to: Box<[f32]> = vec![f32::NAN; whole].into();
        // SAFETY: the slice has the columns.
        unsafe { row.store(s, to.as_mut_ptr()) };
        bits(&to)
    };
    let each = |f: fn(f32, f32) -> f32| bits(&a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect::<Vec<_>>()[..whole]);
    assert_eq!(stored(load(&Box::<[f32]>::from(&a[..whole]))), bits(&a[..whole]));
    assert_eq!(stored(R::splat(s, a[0])), bits(&vec![a[0]; whole]));
    // SAFETY: there is one float.
    assert_eq!(stored(unsafe { R::splat_at(s, &raw const b[3]) }), bits(&vec![b[3]; whole]));
    assert_eq!(stored(load(a).add(s, load(b))), each(|a, b| a + b));
    assert_eq!(stored(load(a).relu(s)), each(|a, _| if 0.0 > a { 0.0 } else { a }));
    // The vectors of the same instruction set.
    let one = |at: usize| {
        let [a, b] = [a, b].map(|all| s.load_head(&all[at..][..LANES]));
        s.lanes(s.mul_add(a, b, b))
    };
    let (low, high) = (one(0), one(LANES));
    assert_eq!(stored(load(a).mul_add(s, load(b), load(b))), bits(&[low, high].concat()[..whole]));

    let head: Box<[f32]> = a[..count].into();
    let mut padded = head.to_vec();
    padded.resize(whole, 0.0);
    // SAFETY: the mask shows as many columns as the slice has floats.
    let masked = unsafe { R::load_masked(s, head.as_ptr(), mask) };
    assert_eq!(stored(masked), bits(&padded));
    let mut to: Box<[f32]> = vec![-7.0; count].into();
    // SAFETY: as above.
    unsafe { load(a).store_masked(s, to.as_mut_ptr(), mask) };
    assert_eq!(bits(&to), bits(&head));
    let mut around = vec![-7.0; whole];
    // SAFETY: the slice has all columns.
    unsafe { load(a).store_masked(s, around.as_mut_ptr(), mask) };
    assert_eq!(bits(&around[..count]), bits(&head));
    assert!(around[count..].iter().all(|&x| x == -7.0));
}

/// Rows of eight and of sixteen columns, those in two vectors and those of the instruction set's own.
#[inline(always)]
fn rows<S: Simd>(s: S, a: &[f32], b: &[f32]) {
    for count in 1..=LANES {
        row::<S, One<S>>(s, a, b, count);
        row::<S, Two<S>>(s, a, b, LANES + count);
        row::<S, S::Pair>(s, a, b, LANES + count);
    }
}

#[test]
fn rows_are_their_columns() {
    on_every_isa(|_| {
        let mut random = Random::new(61);
        for _ in 0..cases(200) {
            let [a, b] = std::array::from_fn(|_| [any_floats(&mut random), any_floats(&mut random)].concat());
            let (a, b) = (&a[..], &b[..]);
            dispatch!(wide rows(a: &[f32], b: &[f32]));
        }
    });
}

#[test]
fn operations_are_their_definitions() {
    on_every_isa(|_| {
        let mut random = Random::new(60);
        for _ in 0..cases(3000) {
            let [a, b] = [any_floats(&mut random), any_floats(&mut random)];
            let numbers = std::array::from_fn(|_| random.float());
            let words = std::array::from_fn(|_| random.word());
            let factor = random.word();
            let exponents = std::array::from_fn(|_| random.within(0, 506) as f32 - 252.0);
            let (a, b, numbers, words, exponents) = (&a, &b, &numbers, &words, &exponents);
            dispatch!(arithmetic(a: &[f32; LANES], b: &[f32; LANES], numbers: &[f32; LANES]));
            dispatch!(comparisons(a: &[f32; LANES], b: &[f32; LANES], numbers: &[f32; LANES]));
            dispatch!(integers(words: &[u32; LANES], factor: u32));
            dispatch!(integral(numbers: &[f32; LANES], exponents: &[f32; LANES]));
        }
    });
}

#[test]
fn masks_touch_their_lanes_alone() {
    on_every_isa(|_| {
        let a = std::array::from_fn(|lane| lane as f32 + 1.0);
        for count in 0..=LANES {
            let a = &a;
            dispatch!(masks(a: &[f32; LANES], count: usize));
        }
    });
}
