//! Reading regular files out of a tar archive, strictly: whatever looks wrong ends the reading.
//!
//! The format is POSIX ustar (IEEE Std 1003.1, "pax", "ustar Interchange Format"): blocks of 512 bytes, a header
//! before each file, and a zero block at the end. Headers that extend others (pax, GNU long names) are passed over, so
//! that a file named by one keeps its short name.

use std::io::{self, Read};

const BLOCK: usize = 512;

/// Calls `visit` for each regular file with its path, its length in bytes and its content; what `visit` leaves unread
/// is passed over.
///
/// # Errors
/// What is wrong with the archive, or what `visit` returned.
pub(super) fn read(
    mut archive: impl Read,
    mut visit: impl FnMut(&str, u64, &mut dyn Read) -> Result<(), String>,
) -> Result<(), String> {
    let mut offset = 0_u64;
    loop {
        let mut header = [0; BLOCK];
        archive.read_exact(&mut header).map_err(|error| broken(offset, &error))?;
        if header.iter().all(|&byte| byte == 0) {
            return Ok(());
        }
        let damaged = |what| format!("the archive is damaged: {what} in the header at byte {offset}");
        if checksum(&header) != octal(&header[148..156]) {
            return Err(damaged("wrong checksum"));
        }
        let len = octal(&header[124..136]).ok_or_else(|| damaged("no length"))?;
        let padded = len.checked_next_multiple_of(BLOCK as u64).ok_or_else(|| damaged("length too large"))?;
        let mut content = archive.by_ref().take(len);
        if matches!(header[156], b'0' | 0) {
            let name = name(&header).ok_or_else(|| damaged("a name that is not UTF-8"))?;
            visit(&name, len, &mut content)?;
        }
        let rest = content.limit() + (padded - len);
        let skipped = io::copy(&mut archive.by_ref().take(rest), &mut io::sink());
        match skipped {
            Ok(n) if n == rest => {}
            Ok(_) => return Err(broken(offset, &io::ErrorKind::UnexpectedEof.into())),
            Err(error) => return Err(broken(offset, &error)),
        }
        offset = offset.saturating_add(BLOCK as u64).saturating_add(padded);
    }
}

fn broken(offset: u64, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => format!("the archive ends early, in the entry at byte {offset}"),
        _ => format!("the archive cannot be read after byte {offset}: {error}"),
    }
}

/// The path: the prefix field, where there is one, and the name field.
fn name(header: &[u8; BLOCK]) -> Option<String> {
    let text = |field: &[u8]| String::from_utf8(field.split(|&byte| byte == 0).next().unwrap_or(&[]).to_vec()).ok();
    let name = text(&header[..100])?;
    let prefix =
        if header[257..262] == *b"ustar" && header[262] == 0 { text(&header[345..500])? } else { String::new() };
    Some(if prefix.is_empty() { name } else { format!("{prefix}/{name}") })
}

/// Sum of the header's bytes, its checksum field counted as spaces.
fn checksum(header: &[u8; BLOCK]) -> Option<u64> {
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    Some(sum(&header[..148]) + 8 * u64::from(b' ') + sum(&header[156..]))
}

/// An octal number that spaces or zero bytes end; `None` for anything else.
fn octal(field: &[u8]) -> Option<u64> {
    let start = field.iter().position(|&byte| byte != b' ')?;
    let digits = field.get(start..)?.split(|&byte| byte == 0 || byte == b' ').next()?;
    if digits.is_empty() || !digits.iter().all(|byte| (b'0'..=b'7').contains(byte)) {
        return None;
    }
    Some(digits.iter().fold(0, |value, digit| value * 8 + u64::from(digit - b'0')))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]
pub(in crate::data::fetch) mod tests {
    use super::*;

    /// One file as it stands in an archive.
    pub(in crate::data::fetch) fn entry(name: &str, content: &[u8], kind: u8) -> Vec<u8> {
        let mut header = [0; BLOCK];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[156] = kind;
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum = checksum(&header).unwrap();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        header[155] = b' ';
        let mut bytes = [&header[..], content].concat();
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }

    fn archive() -> Vec<u8> {
        let entries = [entry("p/a", b"first", b'0'), entry("p/pax", b"12 path=x\n", b'x'), entry("p/b", &[7; 600], 0)];
        [entries.concat(), vec![0; 1024]].concat()
    }

    fn files(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, String> {
        let mut files = Vec::new();
        read(bytes, |name, len, content| {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
            assert_eq!(bytes.len() as u64, len);
            files.push((name.to_owned(), bytes));
            Ok(())
        })?;
        Ok(files)
    }

    #[test]
    fn regular_files_are_read_and_others_passed_over() {
        let expected = vec![("p/a".to_owned(), b"first".to_vec()), ("p/b".to_owned(), vec![7; 600])];
        assert_eq!(files(&archive()).unwrap(), expected);
        let mut names = Vec::new();
        read(archive().as_slice(), |name, _, _| {
            names.push(name.to_owned());
            Ok(())
        })
        .unwrap();
        assert_eq!(names, ["p/a", "p/b"], "unread content is passed over");
    }

    #[test]
    fn every_truncation_is_an_error() {
        let archive = archive();
        // What follows the first zero block is of no consequence.
        let end = archive.len() - 512;
        assert!(files(&archive[..end]).is_ok());
        for len in 0..end {
            let result = read(&archive[..len], |_, _, _| Ok(()));
            assert!(result.unwrap_err().starts_with("the archive ends early"), "{len}");
        }
    }

    #[test]
    fn damaged_headers_are_errors() {
        let with = |at: usize, byte: u8| {
            let mut archive = archive();
            archive[at] = byte;
            files(&archive).unwrap_err()
        };
        assert!(with(0, b'q').contains("wrong checksum in the header at byte 0"));
        assert!(with(150, b'9').contains("wrong checksum"));
        let mut no_length = entry("p/a", b"", b'0');
        no_length[124..136].fill(0x80);
        let sum: [u8; BLOCK] = no_length[..BLOCK].try_into().unwrap();
        no_length[148..155].copy_from_slice(format!("{:06o}\0", checksum(&sum).unwrap()).as_bytes());
        assert!(files(&no_length).unwrap_err().contains("no length"));
        assert_eq!(read(archive().as_slice(), |_, _, _| Err("no".to_owned())), Err("no".to_owned()));
    }
}
