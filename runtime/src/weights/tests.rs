use std::fs;

use super::*;
use crate::spec::{Init, Layout, ParameterSpec};
use crate::testing::ARRAYS;

fn parameters() -> Parameters {
    Parameters::initialised(&ARRAYS, 11)
}

/// A file with this header and `data` bytes of data.
fn file(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

fn refusal(bytes: &[u8]) -> WeightsError {
    match from_bytes(&ARRAYS, bytes).unwrap_err() {
        Error::Weights { path: None, source } => source,
        other => panic!("{other}"),
    }
}

/// A header as other tools write it: their own order, no notes.
const FOREIGN: &str = r#"{"norm.mean":{"dtype":"F32","shape":[5],"data_offsets":[0,20]},
    "dense1.weight":{"dtype":"F32","shape":[20,3],"data_offsets":[20,260]},
    "conv1.weight":{"dtype":"F32","shape":[3,3,2,5],"data_offsets":[280,640]},
    "conv1.bias":{"dtype":"F32","shape":[5],"data_offsets":[260,280]}}"#;

#[test]
fn what_is_saved_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let mut saved = parameters();
    saved.set("norm.mean", ndarray::arr1(&[f32::NAN, f32::INFINITY, -0.0, 1e-42, 3.0]).view().into_dyn()).unwrap();
    save(&saved, &path).unwrap();
    let bits = |parameters: &Parameters| parameters.values().iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&load(&ARRAYS, &path).unwrap()), bits(&saved));
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes, to_bytes(&saved).unwrap());
    assert_eq!(bits(&from_bytes(&ARRAYS, &bytes).unwrap()), bits(&saved));
    save(&saved, &path).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// The library reads what is written here, and finds arrays in logical order.
#[test]
fn other_tools_can_read_it() {
    let (parameters, bytes) = (parameters(), to_bytes(&parameters()).unwrap());
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.len(), 4);
    for name in parameters.names() {
        let (tensor, array) = (tensors.tensor(name).unwrap(), parameters.get(name).unwrap());
        assert_eq!((tensor.shape(), tensor.dtype()), (array.shape(), safetensors::Dtype::F32));
        let expected: Vec<u8> = array.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(tensor.data(), expected);
    }
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let notes = metadata.metadata().clone().unwrap();
    assert_eq!((&*notes["netwright.network"], &*notes["netwright.fingerprint"]), ("Arrays", "a1b2"));
    let (header, _) = bytes.split_at(8);
    assert!(u64::from_le_bytes(header.try_into().unwrap()).is_multiple_of(8));
}

#[test]
fn files_made_elsewhere_load() {
    let mut bytes = file(FOREIGN, 640);
    let data = bytes.len() - 640;
    bytes[data + 4..data + 8].copy_from_slice(&2.5_f32.to_le_bytes());
    bytes[data + 280 + 4 * 5..][..4].copy_from_slice(&7.0_f32.to_le_bytes());
    let loaded = from_bytes(&ARRAYS, &bytes).unwrap();
    assert_eq!(loaded.state(), [0.0, 2.5, 0.0, 0.0, 0.0]);
    assert_eq!(loaded.get("conv1.weight").unwrap()[[0, 0, 1, 0]], 7.0);
    // Notes of others are no concern of ours.
    let noted = FOREIGN.replacen('{', r#"{"__metadata__":{"format":"pt"},"#, 1);
    assert!(from_bytes(&ARRAYS, &file(&noted, 640)).is_ok());
}

/// What [`to_bytes`] gives, with its arrays in the order of the last name first: another tool may have written it anew.
fn turned(parameters: &Parameters) -> Vec<u8> {
    let bytes = to_bytes(parameters).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let notes = serde_json::to_string(metadata.metadata()).unwrap();
    let (mut header, mut data) = (format!("{{\"__metadata__\":{notes}"), Vec::new());
    let mut names: Vec<_> = parameters.names().collect();
    names.sort_unstable_by(|a, b| b.cmp(a));
    for name in names {
        let tensor = tensors.tensor(name).unwrap();
        let (start, end) = (data.len(), data.len() + tensor.data().len());
        let shape = tensor.shape();
        header += &format!(",\"{name}\":{{\"dtype\":\"F32\",\"shape\":{shape:?},\"data_offsets\":[{start},{end}]}}");
        data.extend_from_slice(tensor.data());
    }
    [file(&(header + "}"), 0), data].concat()
}

#[test]
fn the_checksum_goes_by_names() {
    let bytes = turned(&parameters());
    assert_ne!(bytes, to_bytes(&parameters()).unwrap());
    assert_eq!(from_bytes(&ARRAYS, &bytes).unwrap().values(), parameters().values());
    for at in bytes.len() - 640..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 4;
        assert!(matches!(refusal(&damaged), WeightsError::Checksum { .. }), "byte {at}");
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let bytes = to_bytes(&parameters()).unwrap();
    for at in 0..bytes.len() {
        for bit in [0, 5] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            assert!(from_bytes(&ARRAYS, &damaged).is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn every_cut_is_noticed() {
    let mut bytes = to_bytes(&parameters()).unwrap();
    for len in 0..bytes.len() {
        assert!(matches!(refusal(&bytes[..len]), WeightsError::Length { .. }), "{len}");
    }
    bytes.push(0);
    assert!(matches!(refusal(&bytes), WeightsError::Length { .. }));
}

#[test]
fn a_mismatch_lists_every_difference() {
    let header = r#"{"__metadata__":{"netwright.network":"Arr\u001bays","netwright.fingerprint":"ffff"},
        "conv1.weight":{"dtype":"F32","shape":[5,5,2,5],"data_offsets":[0,1000]},
        "norm.mean":{"dtype":"F16","shape":[5],"data_offsets":[1000,1010]},
        "fc\n.weight":{"dtype":"F32","shape":[2],"data_offsets":[1010,1018]},
        "dense1.weight":{"dtype":"F32","shape":[20,3],"data_offsets":[1018,1258]}}"#;
    let error = from_bytes(&ARRAYS, &file(header, 1258)).unwrap_err().to_string();
    assert_eq!(
        error,
        "cannot load weights: it does not fit `Arrays` in 4 places (`Arr\\u{1b}ays` wrote it):\n  \
         conv1.weight: expected [3, 3, 2, 5], found [5, 5, 2, 5]\n  \
         conv1.bias: missing, expected [5]\n  \
         norm.mean: expected elements of type F32, found F16\n  \
         fc\\n.weight: not in the network, found [2]"
    );
    // The data is not looked at, so it need not be there.
    assert_eq!(error, from_bytes(&ARRAYS, &file(header, 0)).unwrap_err().to_string());
}

#[test]
fn equal_names_and_shapes_load_whatever_the_fingerprint() {
    static RENAMED: Spec = Spec { name: "Renamed", fingerprint: "0000", ..arrays() };
    const fn arrays() -> Spec {
        Spec {
            name: "",
            fingerprint: "",
            inputs: &[],
            outputs: &[],
            parameters: &[BIAS],
            trained: 16,
            stored: 16,
            layers: &[],
        }
    }
    const BIAS: ParameterSpec = ParameterSpec {
        name: "b",
        shape: &[3],
        offset: 0,
        layout: Layout::Padded { len: 3 },
        init: Init::Ones,
        trained: true,
    };
    static ORIGINAL: Spec = Spec { name: "Original", fingerprint: "1111", ..arrays() };
    let bytes = to_bytes(&Parameters::initialised(&ORIGINAL, 0)).unwrap();
    assert_eq!(from_bytes(&RENAMED, &bytes).unwrap().get("b").unwrap().sum(), 3.0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w");
    fs::write(&path, &bytes).unwrap();
    let wrote = writer(&path).unwrap().unwrap();
    assert_eq!((wrote.network.as_str(), wrote.fingerprint.as_str()), ("Original", ORIGINAL.fingerprint));
    assert_ne!(wrote.fingerprint, RENAMED.fingerprint);
    fs::write(&path, file(FOREIGN, 640)).unwrap();
    assert_eq!(writer(&path).unwrap(), None);
    fs::write(&path, "no weights").unwrap();
    assert!(matches!(writer(&path), Err(Error::Weights { path: Some(_), .. })));
    let mismatch = from_bytes(&ARRAYS, &bytes).unwrap_err().to_string();
    assert!(mismatch.starts_with("cannot load weights: it does not fit `Arrays` in 5 places (`Original` wrote it):"));
}

#[test]
fn hostile_headers_are_refused() {
    let long = file("", 0);
    let claim = |len: u64| [&len.to_le_bytes()[..], &long[8..], &[b'{'; 64]].concat();
    assert!(matches!(refusal(&claim(u64::MAX)), WeightsError::HeaderTooLong { found: u64::MAX, .. }));
    assert!(matches!(refusal(&claim(1 << 21)), WeightsError::HeaderTooLong { .. }));
    assert!(matches!(refusal(&claim(65)), WeightsError::Length { expected: 73, found: 72 }));
    let text = |header: &str| refusal(&file(header, 640));
    for header in [
        "",
        "null",
        "[]",
        "{}x",
        "{\"a\":",
        &"[".repeat(100_000),
        &format!("{{\"a\":{}", "{\"a\":".repeat(100_000)),
        &FOREIGN.replace("F32", "F31"),
        &FOREIGN.replace("[0,20]", "[0,24]"),
        &FOREIGN.replace("[0,20]", "[20,0]"),
        &FOREIGN.replace("[0,20]", "[-1,20]"),
        &FOREIGN.replace("[0,20]", "[0,18446744073709551615]"),
        &FOREIGN.replace("[0,20]", "[0,1e30]"),
        &FOREIGN.replace("\"shape\":[5]", "\"shape\":[4611686018427387904,4611686018427387904]"),
        &FOREIGN.replace("\"shape\":[5]", "\"shape\":[]"),
    ] {
        let error = text(header);
        assert!(matches!(error, WeightsError::Header { .. }), "{header:.60}: {error}");
    }
    assert!(matches!(text("{}"), WeightsError::Mismatch(_)));
    let own = |notes: &str| FOREIGN.replacen('{', &format!("{{\"__metadata__\":{{{notes}}},"), 1);
    assert!(matches!(text(&own("\"netwright.version\":\"2\"")), WeightsError::Version { .. }));
    assert!(matches!(text(&own("\"netwright.kind\":\"checkpoint\"")), WeightsError::Kind { .. }));
    assert!(matches!(text(&own("\"netwright.network\":\"Arrays\"")), WeightsError::Header { .. }));
    assert!(matches!(text(&own("\"netwright.crc32\":\"00000000\"")), WeightsError::Checksum { .. }));
}

#[test]
fn only_ordinary_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let missing = load(&ARRAYS, path("none")).unwrap_err();
    assert!(matches!(&missing, Error::Io { action: "open", .. }), "{missing}");
    for special in [folder.path().to_owned(), "/dev/zero".into()] {
        if !special.exists() {
            continue;
        }
        let error = load(&ARRAYS, &special).unwrap_err();
        assert!(matches!(error, Error::Weights { path: Some(_), source: WeightsError::NotAFile }));
    }
    // A file far larger than its header says is refused by its length, not read.
    let sparse = fs::File::create(path("sparse")).unwrap();
    std::io::Write::write_all(&mut &sparse, &file(FOREIGN, 640)).unwrap();
    sparse.set_len(1 << 40).unwrap();
    let error = load(&ARRAYS, path("sparse")).unwrap_err();
    assert!(matches!(error, Error::Weights { source: WeightsError::Length { .. }, .. }), "{error}");
}

#[test]
fn a_failed_save_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w");
    save(&parameters(), &path).unwrap();
    let broken = file::save(&path, |out| {
        out.write_all(&[0; 100])?;
        Err(std::io::Error::other("the disk is full"))
    });
    assert!(broken.unwrap_err().to_string().ends_with("the disk is full"));
    assert!(load(&ARRAYS, &path).is_ok());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(matches!(save(&parameters(), folder.path().join("no/w")), Err(Error::Io { action: "write", .. })));
}
