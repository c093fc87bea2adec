//! Round trips, and files that are cut off, changed or hostile.

use std::collections::BTreeSet;

use crate::write::{Coding, Writer, Written};
use crate::{Archive, MAGIC, NwzError};

/// Numbers without a pattern (Marsaglia's xorshift64*).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }

    /// Numbers of which one in `one_in` is not zero, of so many different values.
    fn array(&mut self, len: usize, one_in: u64, n_values: u64) -> Vec<f32> {
        let number = |random: &mut Self| (random.below(n_values) as f32 + 1.0) * 0.37 - 3.0;
        (0..len).map(|_| if self.below(one_in) == 0 { number(self) } else { 0.0 }).collect()
    }
}

fn written(arrays: &[(&str, &[usize], &[f32])]) -> (Vec<u8>, Vec<Written>) {
    let mut writer = Writer::new("Net", "0123").unwrap();
    let written = arrays.iter().map(|(name, shape, numbers)| writer.add(name, shape, numbers).unwrap()).collect();
    (writer.finish(), written)
}

/// Writes and reads one array.
fn round_trip(numbers: &[f32]) -> Written {
    let (bytes, written) = written(&[("a", &[numbers.len()], numbers)]);
    let archive = Archive::parse(&bytes).unwrap();
    let mut out = vec![f32::NAN; numbers.len()];
    archive.arrays[0].decode(&mut out).unwrap();
    let bits = |numbers: &[f32]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&out), bits(numbers));
    let Written { coding, fixed, bytes: len, count, kept } = written[0];
    // The frame, the names and the number of arrays; then the array's name and shape and what its reading takes.
    let list = if coding.values == 0 { 0 } else { 2 };
    assert_eq!(len as u64, coding.bytes() + 3 + 5 + 3 + list + 8);
    assert_eq!(bytes.len(), len + 20 + 5 + 6 + 4 + 4);
    assert!(coding.bytes() <= fixed.bytes() && coding.bytes() <= 4 * count as u64);
    assert!(!fixed.gap_huffman && !fixed.value_huffman && coding.entries >= kept);
    written[0]
}

/// Every number comes back bit for bit, whatever the numbers are.
#[test]
fn what_is_written_is_read() {
    let mut random = Random(42);
    let mut ways = BTreeSet::new();
    for len in [0, 1, 2, 3, 17, 300, 5000] {
        for one_in in [1, 2, 5, 12, 100, 3000] {
            for n_values in [1, 2, 3, 15, 32, 256, 100_000] {
                let numbers = random.array(len, one_in, n_values);
                let Coding { gap_bits, gap_huffman, value_huffman, values, .. } = round_trip(&numbers).coding;
                ways.insert((gap_bits > 0, gap_huffman, values > 0, value_huffman));
            }
        }
    }
    // Everything that the format has is used by some array: with gaps and without, with Huffman's codes and without.
    assert!(ways.len() >= 7, "{ways:?}");
}

#[test]
fn numbers_of_every_kind_come_back() {
    round_trip(&[f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 1e-45, f32::MIN, 1.5]);
    round_trip(&[-0.0; 100]);
    let zeros = round_trip(&[0.0; 100_000]);
    assert_eq!((zeros.kept, zeros.coding.entries, zeros.coding.bytes()), (0, 0, 0));
    // More values than are shared: floats as they are, with gaps where that is shorter.
    let many: Vec<f32> = (0..20_000).map(|i| if i % 4 == 0 { i as f32 } else { 0.0 }).collect();
    let many = round_trip(&many).coding;
    assert!(many.values == 0 && many.gap_bits > 0 && many.bytes() < 4 * 5200, "{many:?}");
}

/// Gaps around the widest one, for each width that the writer may choose.
#[test]
fn wide_gaps_have_fillers() {
    let mut fillers = 0;
    for gap in [1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 4095, 4096, 4097, 8192, 12_287, 12_288, 20_000] {
        for usual in [0, 1, 6, 30] {
            let mut numbers = Vec::new();
            for i in 0..60 {
                numbers.extend(std::iter::repeat_n(0.0, if i % 20 == 10 { gap } else { usual }));
                numbers.push(if i % 3 == 0 { 2.0 } else { -1.0 });
            }
            numbers.extend(std::iter::repeat_n(0.0, gap));
            fillers += round_trip(&numbers).coding.fillers;
        }
    }
    assert!(fillers > 0);
}

/// What the paper's first layer comes to: 235,200 weights, 8 % kept, 6-bit values, gaps of 5 bits.
#[test]
fn a_pruned_layer_is_small() {
    let mut random = Random(9);
    let mut numbers = random.array(235_200, 12, 1);
    for number in numbers.iter_mut().filter(|number| **number != 0.0) {
        // Two humps, as what is left of a bell when its middle is cut out.
        let side = if random.below(2) == 0 { 1.0 } else { -1.0 };
        *number = side * (1.0 + (0..4).map(|_| random.below(8) as f32).sum::<f32>() / 8.0);
    }
    let layer = round_trip(&numbers);
    assert_eq!((layer.fixed.gap_bits, layer.fixed.values), (5, 59));
    assert!(layer.coding.gap_huffman && layer.coding.value_huffman);
    assert!(layer.coding.bytes() * 36 < 4 * 235_200, "{layer:?}");
}

#[test]
fn an_archive_tells_what_it_holds() {
    let (bytes, _) = written(&[("conv1.weight", &[2, 1, 3], &[1.0; 6]), ("é", &[], &[5.0])]);
    let archive = Archive::parse(&bytes).unwrap();
    assert_eq!((archive.network, archive.fingerprint), ("Net", "0123"));
    let arrays: Vec<_> = archive.arrays.iter().map(|array| (array.name(), array.shape(), array.count())).collect();
    assert_eq!(arrays, [("conv1.weight", &[2, 1, 3][..], 6), ("é", &[][..], 1)]);
    let mut out = [0.0];
    archive.arrays[1].decode(&mut out).unwrap();
    assert_eq!(out, [5.0]);
    assert!(archive.arrays[0].decode(&mut out).unwrap_err().to_string().contains("another size"));
    let empty = Writer::new("", "").unwrap().finish();
    assert!(Archive::parse(&empty).unwrap().arrays.is_empty());
}

#[test]
fn what_cannot_be_written_is_refused() {
    let mut writer = Writer::new("Net", "").unwrap();
    writer.add("a", &[2], &[1.0, 2.0]).unwrap();
    let mut refused = |name: &str, shape: &[usize]| writer.add(name, shape, &[1.0, 2.0]).unwrap_err().reason;
    assert_eq!(refused("a", &[2]), "two arrays have this name");
    assert_eq!(refused("b", &[3]), "its shape is not that of its numbers");
    assert_eq!(refused("b", &[usize::MAX, usize::MAX]), "its shape is not that of its numbers");
    assert_eq!(refused("b", &[2, 1, 1, 1, 1, 1, 1, 1, 1]), "it is too large for a .nwz file");
    assert_eq!(refused(&"x".repeat(70_000), &[2]), "the name is too long");
}

/// A small file with all ways of writing.
fn sample() -> Vec<u8> {
    let mut random = Random(3);
    let mut sparse = random.array(3000, 9, 6);
    // One value more often than the others.
    sparse.iter_mut().filter(|number| **number < -1.5).for_each(|number| *number = 0.5);
    let dense = random.array(64, 1, 3);
    let verbatim: Vec<f32> = (0..9).map(|i| i as f32 * 1.7).collect();
    let (bytes, written) =
        written(&[("sparse", &[30, 100], &sparse), ("dense", &[64], &dense), ("verbatim", &[9], &verbatim)]);
    assert!(written[0].coding.gap_huffman && written[0].coding.value_huffman);
    assert!(written[1].coding.gap_bits == 0 && written[1].coding.values == 3 && written[2].coding.values == 0);
    bytes
}

fn read(bytes: &[u8]) -> Result<(), NwzError> {
    let archive = Archive::parse(bytes)?;
    archive.arrays.iter().try_for_each(|array| array.decode(&mut vec![0.0; array.count()]))
}

#[test]
fn every_cut_and_every_longer_file_is_noticed() {
    let mut bytes = sample();
    assert_eq!(read(&bytes), Ok(()));
    for len in 0..bytes.len() {
        let error = read(&bytes[..len]).unwrap_err();
        assert!(matches!(error, NwzError::Length { .. }) || len == 0, "{len}: {error}");
    }
    bytes.push(0);
    assert!(matches!(read(&bytes), Err(NwzError::Length { .. })));
}

#[test]
fn every_flipped_bit_is_noticed() {
    let bytes = sample();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            let error = read(&damaged).unwrap_err();
            match at {
                0..8 => assert_eq!(error, NwzError::Magic),
                8..12 => assert!(matches!(error, NwzError::Version { .. })),
                12..20 => assert!(matches!(error, NwzError::Length { .. })),
                _ => assert!(matches!(error, NwzError::Checksum { .. })),
            }
        }
    }
}

/// A file around these arrays, with the right length and checksum.
fn framed(n_arrays: u32, arrays: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend((MAGIC.len() as u64 + 4 + 8 + 4 + 4 + arrays.len() as u64 + 4).to_le_bytes());
    bytes.extend([0, 0, 0, 0]);
    bytes.extend(n_arrays.to_le_bytes());
    bytes.extend(arrays);
    let sum = crc32fast::hash(&bytes);
    bytes.extend(sum.to_le_bytes());
    bytes
}

/// An array called `a`: its shape, and everything behind it.
fn record(shape: &[u32], rest: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![1, 0, b'a', shape.len() as u8];
    bytes.extend(shape.iter().flat_map(|size| size.to_le_bytes()));
    rest.iter().for_each(|part| bytes.extend(*part));
    bytes
}

/// Files with a right checksum that keep to no rule: none makes the reader panic, allocate or go on for long.
#[test]
fn hostile_files_are_refused() {
    let refused = |arrays: &[u8]| match read(&framed(1, arrays)) {
        Err(NwzError::Malformed { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    let four = |number: u32| number.to_le_bytes();
    let one = 1.0_f32.to_le_bytes();
    // Without gaps, as floats, one entry of four bytes: nothing is wrong with it.
    assert_eq!(read(&framed(1, &record(&[1], &[&[0, 0, 0], &four(1), &four(4), &one]))), Ok(()));
    assert_eq!(refused(&record(&[1; 9], &[])), "it has too many axes");
    assert_eq!(refused(&record(&[u32::MAX; 8], &[])), "it has too many numbers");
    assert_eq!(refused(&record(&[1 << 30], &[])), "it has too many numbers");
    assert_eq!(refused(&record(&[0, u32::MAX, 2], &[&[13, 0]])), "its gaps are too wide");
    assert_eq!(refused(&record(&[1], &[&[255, 1]])), "its gaps are too wide");
    assert_eq!(refused(&record(&[1], &[&[0, 2]])), "its gaps are written in an unknown way");
    assert_eq!(refused(&record(&[1], &[&[0, 0, 3]])), "its values are written in an unknown way");
    assert_eq!(refused(&record(&[1], &[&[12, 1]])), "it ends within an array");
    assert_eq!(refused(&record(&[4], &[&[2, 1, 0x11, 0x10]])), "a Huffman code has more codewords than fit");
    assert_eq!(refused(&record(&[4], &[&[2, 1, 0x22, 0x20]])), "a Huffman code has codewords without a meaning");
    assert_eq!(refused(&record(&[4], &[&[2, 1, 0, 0]])), "a Huffman code has codewords without a meaning");
    assert_eq!(refused(&record(&[1], &[&[0, 0, 1, 1, 16]])), "it shares too many values");
    assert_eq!(refused(&record(&[1], &[&[0, 0, 1, 0, 16]])), "it ends within an array");
    let shared = |n: u8, entries: u32, stream: &[u8]| {
        let list: Vec<u8> = std::iter::repeat_n(one, usize::from(n)).flatten().collect();
        record(&[4], &[&[1, 0, 1, n, 0], &list, &four(entries), &four(stream.len() as u32), stream])
    };
    // Three values take two bits, a gap one: 1 00, 0 01.
    assert_eq!(read(&framed(1, &shared(3, 2, &[0b1000_0100]))), Ok(()));
    assert_eq!(refused(&shared(3, 2, &[0b1000_1100])), "a symbol has no value");
    assert_eq!(refused(&shared(0, 1, &[0])), "a symbol has no value");
    assert_eq!(refused(&shared(3, 3, &[0b1001_0010, 0])), "an entry is behind the last number");
    assert_eq!(refused(&shared(3, 5, &[])), "it has more entries than numbers");
    assert_eq!(refused(&shared(3, 2, &[0b1000_0101])), "its stream is not as long as its entries");
    assert_eq!(refused(&shared(3, 2, &[0b1000_0100, 0])), "its stream is not as long as its entries");
    assert_eq!(refused(&shared(3, 2, &[])), "its stream is not as long as its entries");
    assert_eq!(refused(&record(&[4], &[&[0, 0, 0], &four(1), &four(u32::MAX)])), "it ends within an array");
    assert_eq!(refused(&[1, 0, 0xff, 0]), "a name is not UTF-8");
    assert_eq!(refused(&[255, 255, b'a']), "it ends within an array");
    assert_eq!(
        refused(&[record(&[1], &[&[0, 0, 0], &four(0), &four(0)]), vec![0]].concat()),
        "there are bytes behind the last array"
    );
    let twice = record(&[1], &[&[0, 0, 0], &four(0), &four(0)]).repeat(2);
    assert!(matches!(read(&framed(2, &twice)), Err(NwzError::Malformed { reason: "two arrays have this name", .. })));
    assert!(matches!(
        read(&framed(u32::MAX, &twice)),
        Err(NwzError::Malformed { reason: "it ends within an array", .. })
    ));
}

/// Any bytes with a right checksum are read or refused.
#[test]
fn random_contents_do_no_harm() {
    let mut random = Random(11);
    let sample = sample();
    let content = &sample[31..sample.len() - 4];
    let (mut good, mut bad) = (0, 0);
    for _ in 0..20_000 {
        let mut changed = content.to_vec();
        for _ in 0..=random.below(3) {
            let at = random.below(changed.len() as u64) as usize;
            changed[at] = random.next() as u8;
        }
        let bytes = framed(3, &changed[4..]);
        match Archive::parse(&bytes) {
            Ok(archive) if archive.arrays.iter().all(|array| array.count() < 1 << 16) => {
                let all = archive.arrays.iter().try_for_each(|array| array.decode(&mut vec![0.0; array.count()]));
                if all.is_ok() { good += 1 } else { bad += 1 }
            }
            Ok(_) => {}
            Err(_) => bad += 1,
        }
    }
    assert!(good > 100 && bad > 1000, "{good} {bad}");
}

/// A small file for inference in integers.
fn int8() -> Vec<u8> {
    let range = |name, scale, zero| crate::Range { name, scale, zero };
    let ranges = [range("image", 0.0078125, 0), range("conv1", 0.25, 17)];
    let mut writer = Writer::int8("Net", "0123", &ranges).unwrap();
    writer.add_scaled("w", &[2, 3], &[1.0, -127.0, 3.0, 0.0, 5.0, -6.0], &[0.5, 0.25, 2.0]).unwrap();
    writer.add("b", &[3], &[0.1, 0.2, 0.3]).unwrap();
    writer.finish()
}

#[test]
fn integers_come_back_with_their_scales_and_ranges() {
    let bytes = int8();
    let archive = Archive::parse(&bytes).unwrap();
    let mut out = [0.0; 6];
    archive.arrays[0].decode_unscaled(&mut out).unwrap();
    assert_eq!(out, [1.0, -127.0, 3.0, 0.0, 5.0, -6.0]);
    assert_eq!(archive.arrays[0].scales().collect::<Vec<_>>(), [0.5, 0.25, 2.0]);
    archive.arrays[0].decode(&mut out).unwrap();
    assert_eq!(out, [0.5, -31.75, 6.0, 0.0, 1.25, -12.0]);
    let mut out = [0.0; 3];
    archive.arrays[1].decode(&mut out).unwrap();
    assert_eq!((out, archive.arrays[1].scales().len()), ([0.1, 0.2, 0.3], 0));
    let ranges = archive.ranges.as_deref().unwrap();
    assert_eq!(
        ranges.iter().map(|r| (r.name, r.scale, r.zero)).collect::<Vec<_>>(),
        [("image", 0.0078125, 0), ("conv1", 0.25, 17)]
    );
    assert!(archive.check_int8("Net", "0123", ["image", "conv1"], ["w"]).is_ok());
    let mismatch = archive.check_int8("Net", "0123", ["image", "conv2"], ["w", "b"]).unwrap_err().to_string();
    for part in ["conv2: its range is missing", "conv1: a range of it", "b: expected integers"] {
        assert!(mismatch.contains(part), "{mismatch}");
    }
}

#[test]
fn every_damage_to_integers_is_noticed() {
    let bytes = int8();
    assert!((0..bytes.len()).all(|len| Archive::parse(&bytes[..len]).is_err()));
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(Archive::parse(&damaged).is_err(), "bit {bit}");
    }
}

/// Files whose checksum is right, and whose numbers are not.
#[test]
fn scales_and_ranges_that_are_none_are_refused() {
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e-45] {
        let mut writer = Writer::int8("Net", "0123", &[]).unwrap();
        writer.add_scaled("w", &[1], &[1.0], &[scale]).unwrap();
        assert!(Archive::parse(&writer.finish()).is_err(), "{scale}");
        let range = crate::Range { name: "x", scale, zero: 0 };
        assert!(Archive::parse(&Writer::int8("Net", "0123", &[range]).unwrap().finish()).is_err(), "{scale}");
    }
    let range = crate::Range { name: "x", scale: 1.0, zero: 128 };
    assert!(Archive::parse(&Writer::int8("Net", "0123", &[range]).unwrap().finish()).is_err());
    let range = crate::Range { zero: 127, ..range };
    assert!(Archive::parse(&Writer::int8("Net", "0123", &[range]).unwrap().finish()).is_ok());
    assert!(Archive::parse(&Writer::int8("Net", "0123", &[range, range]).unwrap().finish()).is_err());
    assert!(Writer::new("Net", "0123").unwrap().add_scaled("w", &[1], &[1.0], &[1.0]).is_err());
    assert!(Writer::int8("Net", "0123", &[]).unwrap().add_scaled("w", &[2], &[1.0, 2.0], &[1.0]).is_err());
}
