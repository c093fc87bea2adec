use std::fs;

use super::*;
use crate::random::Stream;
use crate::testing::ARRAYS;

/// Parameters of which three in four are zero, and the others few values.
fn parameters() -> Parameters {
    let mut parameters = Parameters::initialised(&ARRAYS, 11);
    let mut random = Stream::new(5, "compressed");
    for name in ["conv1.weight", "dense1.weight"] {
        let mut array = parameters.get(name).unwrap();
        array.mapv_inplace(|_| if random.below(4) == 0 { 0.25 * (1 + random.below(3)) as f32 } else { 0.0 });
        parameters.set(name, array.view()).unwrap();
    }
    parameters
}

fn refusal(bytes: &[u8]) -> String {
    match from_bytes(&ARRAYS, bytes).unwrap_err() {
        Error::Weights { path: None, source } => source.to_string(),
        other => panic!("{other}"),
    }
}

#[test]
fn both_formats_load_by_their_first_bytes() {
    let folder = tempfile::tempdir().unwrap();
    // Its name tells nothing.
    let path = folder.path().join("weights.safetensors");
    let parameters = parameters();
    let compressed = compress(&parameters).unwrap();
    compressed.save(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), compressed.bytes);
    assert_eq!(load(&ARRAYS, &path).unwrap().values(), parameters.values());
    assert_eq!(from_bytes(&ARRAYS, &compressed.bytes).unwrap().values(), parameters.values());
    assert_eq!(embedded(&ARRAYS, &compressed.bytes).values(), parameters.values());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let kept: Vec<usize> = compressed.arrays.iter().map(|written| written.count - written.kept).collect();
    assert!(kept[0] > 50 && kept[2] > 30 && kept[3] == 0, "{kept:?}");
    assert!(compressed.bytes.len() < to_bytes(&parameters).unwrap().len() / 2);
    save(&parameters, &path).unwrap();
    assert_eq!(load(&ARRAYS, &path).unwrap().values(), parameters.values());
}

#[test]
fn every_cut_and_every_flipped_bit_is_noticed() {
    let bytes = compress(&parameters()).unwrap().bytes;
    for len in 0..bytes.len() {
        assert!(from_bytes(&ARRAYS, &bytes[..len]).is_err(), "{len}");
    }
    for at in 0..8 * bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at / 8] ^= 1 << (at % 8);
        assert!(from_bytes(&ARRAYS, &damaged).is_err(), "bit {at}");
    }
    assert_eq!(refusal(&bytes[..40]), format!("it has 40 bytes, expected {}; it is cut off or damaged", bytes.len()));
    let mut newer = bytes.clone();
    newer[8] = 3;
    let expected = "its format is version 3, expected 1 or 2; it was written by another version of Netwright";
    assert_eq!(refusal(&newer), expected);
    let mut flipped = bytes;
    flipped[60] ^= 1;
    assert!(refusal(&flipped).starts_with("its checksum is "));
}

#[test]
fn a_mismatch_lists_every_difference() {
    let mut writer = netwright_nwz::write::Writer::new("Other\u{1b}", "ffff").unwrap();
    for (name, shape) in [("conv1.weight", &[5, 5, 2, 5][..]), ("norm.mean", &[5]), ("fc", &[2])] {
        writer.add(name, shape, &vec![0.0; shape.iter().product()]).unwrap();
    }
    assert_eq!(
        refusal(&writer.finish()),
        "it does not fit `Arrays` in 4 places (`Other\\u{1b}` wrote it):\n  \
         conv1.weight: expected [3, 3, 2, 5], found [5, 5, 2, 5]\n  \
         conv1.bias: missing, expected [5]\n  \
         dense1.weight: missing, expected [20, 3]\n  \
         fc: not in the network, found [2]"
    );
}

/// No more is read than a file for the network can have.
#[test]
fn a_file_that_is_far_too_long_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sparse");
    fs::write(&path, compress(&parameters()).unwrap().bytes).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    let error = load(&ARRAYS, &path).unwrap_err();
    assert!(matches!(error, Error::Weights { source: WeightsError::TooLong { found: 0x100_0000_0000, .. }, .. }));
    fs::write(&path, &netwright_nwz::MAGIC[..4]).unwrap();
    assert!(matches!(load(&ARRAYS, &path), Err(Error::Weights { source: WeightsError::Length { .. }, .. })));
}
