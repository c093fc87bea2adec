//! IDX files: round trips, and every way in which a file can be wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn raw(idx: &Idx) -> Vec<u8> {
    [idx.header(), idx.bytes().to_vec()].concat()
}

fn images() -> Idx {
    Idx::new(&[2, 3, 2], (0..12).collect()).unwrap()
}

fn decode_images(bytes: &[u8]) -> Result<Idx, DataError> {
    decode(bytes, Path::new("data/x.gz"), Content::Images, 1000)
}

fn message(bytes: &[u8]) -> String {
    decode_images(bytes).unwrap_err().to_string()
}

#[test]
fn raw_and_gzip_are_told_apart_by_their_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let idx = images();
    idx.write(&folder.path().join("raw.gz")).unwrap();
    fs::write(folder.path().join("packed"), gzip(&raw(&idx))).unwrap();
    assert_eq!(read(&folder.path().join("raw.gz"), Content::Images).unwrap(), idx);
    assert_eq!(read(&folder.path().join("packed"), Content::Images).unwrap(), idx);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no temporary file stays");
}

#[test]
fn gzip_members_may_follow_one_another() {
    let raw = raw(&images());
    let (a, b) = raw.split_at(7);
    assert_eq!(decode_images(&[gzip(a), gzip(b)].concat()).unwrap(), images());
}

#[test]
fn every_truncation_is_told_with_its_offset() {
    let raw = raw(&images());
    for len in 2..raw.len() {
        let expected = if len < 4 {
            4
        } else if len < 16 {
            16
        } else {
            raw.len()
        };
        let what = format!("data/x.gz: at byte {len}: the file ends here; expected {expected} bytes in all");
        let found = message(&raw[..len]);
        assert!(found.starts_with(&what), "{len}: {found}");
    }
    assert!(message(&[]).contains("at byte 0: expected an IDX file, raw or gzip"));
    assert!(message(&raw[..1]).contains("at byte 1: the file ends here; expected 4 bytes in all"));
    let packed = gzip(&raw);
    for len in 2..packed.len() {
        let found = message(&packed[..len]);
        let no_checksum = found.contains("at byte 28: damaged gzip data (its checksum is missing");
        assert!(found.contains("the file ends here") || no_checksum, "{len}: {found}");
    }
}

#[test]
fn a_wrong_header_is_told_with_its_offset() {
    let with = |at: usize, byte: u8| {
        let mut raw = raw(&images());
        raw[at] = byte;
        message(&raw)
    };
    assert!(
        with(0, b'P')
            .contains("at byte 0: expected an IDX file, raw or gzip (first bytes 00 00 or 1f 8b), found 50 00")
    );
    assert!(with(1, 7).contains("at byte 0: expected an IDX file"));
    assert!(with(2, 0x0d).contains("at byte 2: expected unsigned bytes (type 0x08), found type 0x0d"));
    assert!(with(3, 1).contains("at byte 3: expected images: 3 axes (N, H, W) or 4 (N, H, W, C), found 1 axes"));
    assert!(with(3, 255).contains("found 255 axes"));
    assert!(with(11, 0).contains("at byte 8: axis 1 has length zero"));
    assert!(with(4, 0xff).contains("at byte 4: the header declares [4278190082, 3, 2] elements; at most 1000 bytes"));
    let labels = decode(raw(&images()).as_slice(), Path::new("x"), Content::Labels, 1000).unwrap_err().to_string();
    assert!(labels.contains("at byte 3: expected labels: 1 axis (N), found 3 axes"));
}

#[test]
fn a_product_past_64_bits_is_refused() {
    let header = [&[0, 0, 8, 4][..], &[0xff; 16]].concat();
    assert!(message(&header).contains("the header declares [4294967295, 4294967295, 4294967295, 4294967295] elements"));
}

#[test]
fn what_follows_the_data_is_refused() {
    let more = [raw(&images()), vec![0]].concat();
    assert!(message(&more).contains("at byte 28: the data declared in the header ends here, but the file goes on"));
    assert!(message(&gzip(&more)).contains("at byte 28: the data declared in the header ends here"));
    let garbage = [gzip(&raw(&images())), b"garbage".to_vec()].concat();
    assert!(message(&garbage).contains("damaged gzip data"), "{}", message(&garbage));
}

#[test]
fn a_damaged_gzip_stream_is_refused() {
    let packed = gzip(&raw(&images()));
    let mut changed = packed.clone();
    let crc = packed.len() - 6;
    changed[crc] ^= 1;
    assert!(message(&changed).contains("damaged gzip data"), "{}", message(&changed));
    for at in 2..packed.len() {
        let mut changed = packed.clone();
        changed[at] ^= 0xff;
        // The header's time and system (bytes 4 to 9) carry nothing that could be checked; the rest must not pass.
        match decode_images(&changed) {
            Ok(idx) => assert!((4..=9).contains(&at) && idx == images(), "byte {at}"),
            Err(error) => assert!(matches!(error, DataError::Idx { .. }), "byte {at}: {error}"),
        }
    }
}

/// Counts what is asked of it, so that a test sees when reading stops.
struct Endless {
    start: Vec<u8>,
    handed_out: u64,
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = out.len().min(4096);
        for slot in &mut out[..n] {
            *slot = self.start.get(self.handed_out as usize).copied().unwrap_or(0);
            self.handed_out += 1;
        }
        Ok(n)
    }
}

#[test]
fn reading_stops_one_byte_past_the_declared_end() {
    let mut endless = Endless { start: images().header(), handed_out: 0 };
    let error = decode(&mut endless, Path::new("x"), Content::Images, 1000).unwrap_err();
    assert!(matches!(error, DataError::Idx { offset: 28, problem: IdxProblem::Trailing, .. }));
    assert!(endless.handed_out <= 3 * 8192, "{}", endless.handed_out);
}

#[test]
fn a_gzip_bomb_is_not_unpacked() {
    // 256 MiB of zeros behind a header that declares 12 bytes: a quarter of a megabyte on disk.
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&images().header()).unwrap();
    let zeros = vec![0; 1 << 20];
    (0..256).for_each(|_| packed.write_all(&zeros).unwrap());
    let packed = packed.finish().unwrap();
    let started = std::time::Instant::now();
    assert!(message(&packed).contains("at byte 28: the data declared in the header ends here"));
    assert!(started.elapsed().as_millis() < 200, "stopped only after {:?}", started.elapsed());
    // A header that declares what the bomb holds runs into the limit before anything is unpacked.
    let honest = gzip(&[0, 0, 8, 3, 0, 1, 0, 0, 0, 0, 0x10, 0, 0, 0, 0x10, 0]);
    assert!(message(&honest).contains("at most 1000 bytes are read"));
    // A header that promises much and holds nothing costs no more than the reserve.
    let empty = [0, 0, 8, 3, 0, 0, 0x40, 0, 0, 0, 0, 0xff, 0, 0, 0, 0xff];
    let error = decode(&empty[..], Path::new("x"), Content::Images, MAX_BYTES).unwrap_err();
    assert!(matches!(error, DataError::Idx { offset: 16, problem: IdxProblem::Truncated { .. }, .. }), "{error}");
}

#[test]
fn images_and_labels_must_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    images().write(&path("images")).unwrap();
    let labels = |bytes: &[u8]| Idx::new(&[bytes.len()], bytes.to_vec()).unwrap().write(&path("labels")).unwrap();
    labels(&[0, 1]);
    let data = read_pair(&path("images"), &path("labels"), 2).unwrap();
    assert_eq!((data.len(), data.shape(), data.label(1)), (2, &[3, 2, 1][..], Some(1)));
    labels(&[0, 1, 1]);
    let error = read_pair(&path("images"), &path("labels"), 2).unwrap_err().to_string();
    assert!(error.contains("labels: at byte 4: 3 labels, but 2 images in ") && error.ends_with("images"), "{error}");
    labels(&[0, 2]);
    let error = read_pair(&path("images"), &path("labels"), 2).unwrap_err().to_string();
    assert!(error.contains("labels: at byte 9: label 2 is out of range; with 2 classes labels are 0 to 1"), "{error}");
}

#[test]
fn only_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let missing = read(&folder.path().join("none"), Content::Labels).unwrap_err().to_string();
    assert!(missing.contains("none: cannot open: "), "{missing}");
    let not_a_file = read(folder.path(), Content::Labels).unwrap_err().to_string();
    assert!(not_a_file.contains("not a regular file"), "{not_a_file}");
    if Path::new("/dev/zero").exists() {
        assert!(read(Path::new("/dev/zero"), Content::Labels).unwrap_err().to_string().contains("not a regular file"));
    }
}

#[test]
fn only_what_can_be_written_is_built() {
    assert!(matches!(Idx::new(&[2], vec![0]), Err(DataError::CountMismatch { expected: 2, found: 1, .. })));
    assert!(matches!(Idx::new(&[], vec![]), Err(DataError::EmptyShape { .. })));
    assert!(matches!(Idx::new(&[1; 256], vec![0]), Err(DataError::TooLarge { .. })));
    assert!(matches!(Idx::new(&[usize::MAX, 2], vec![]), Err(DataError::TooLarge { .. })));
}
