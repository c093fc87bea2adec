//! `netwright new`: a crate with a network of its own, ready to train.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use netwright_run::{Failure, output, text};

use crate::origin::Origin;

/// The arguments of `new`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The crate's folder, which must not exist; its last part is the crate's name
    #[arg(value_name = "NAME")]
    path: PathBuf,
}

/// What is written, by path. `NAME` stands for the crate's name, `FILE` for the description's, `Network` for the network's.
const FILES: [(&str, &str); 3] = [
    ("nets/FILE.net", include_str!("new/network.net")),
    ("src/main.rs", include_str!("new/main.rs.txt")),
    (".gitignore", "/target\n/runs\n*.safetensors\n"),
];

/// Names that Rust or cargo keep to themselves, or that the dependency has.
const KEPT: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "netwright",
    "override",
    "priv",
    "proc-macro",
    "proc_macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// Writes the crate.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let folder = &args.path;
    let name = name(folder)?;
    let manifest = manifest(&name, &Origin::of_this_program());
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(|error| Failure::io("make the folder", parent, &error))?;
    }
    fs::create_dir(folder).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::usage(format!("{} exists already, and nothing is overwritten", folder.display()))
                .help("choose another name")
        }
        _ => Failure::io("make the folder", folder, &error),
    })?;
    let (file, network) = (name.replace('-', "_"), camel_case(&name));
    let filled = |text: &str| text.replace("NAME", &name).replace("FILE", &file).replace("Network", &network);
    let files = FILES.map(|(path, text)| (filled(path), filled(text)));
    for (path, text) in files.iter().chain([&("Cargo.toml".to_owned(), manifest)]) {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| Failure::io("make the folder", parent, &error))?;
        }
        output::write_file(&path, text)?;
    }
    let place = text::word(&folder.display().to_string());
    output::note(&format!(
        "made {place}: the network is in nets/{file}.net\ntry: cd {place} && cargo run --release\n     \
         netwright train {place}/nets/{file}.net --data digits"
    ));
    Ok(())
}

/// The crate's name, from its folder's.
fn name(folder: &Path) -> Result<String, Failure> {
    let Some(name) = folder.file_name().and_then(|name| name.to_str()) else {
        return Err(Failure::usage(format!("{} is no name for a crate", folder.display())));
    };
    let is_right = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c))
        && name.len() <= 64;
    match (is_right, KEPT.contains(&name)) {
        (true, false) => Ok(name.to_owned()),
        (true, true) => Err(Failure::usage(format!("a crate cannot be called {name}")).help("choose another name")),
        (false, _) => Err(Failure::usage(format!("{} is no name for a crate", name.escape_debug()))
            .help("expected a small letter, then small letters, digits, `-` and `_`, at most 64")),
    }
}

/// `my-digits` as `MyDigits`.
fn camel_case(name: &str) -> String {
    let parts = name.split(['-', '_']).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (first, rest) = part.split_at(1);
            first.to_ascii_uppercase() + rest
        })
        .collect()
}

/// `Cargo.toml`.
fn manifest(name: &str, origin: &Origin) -> String {
    let source = match origin {
        // A string of TOML, so that quotes and backslashes in the path do no harm.
        Origin::Repository(repository) => {
            format!("path = {}", toml::Value::from(repository.display().to_string()))
        }
        Origin::Registry => format!("version = \"{}\"", env!("CARGO_PKG_VERSION")),
    };
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\nnetwright = {{ {source} }}\n\n\
         # The kernels are slow without it.\n[profile.dev.package.\"*\"]\nopt-level = 3\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_crates() {
        for good in ["digits", "my-digits", "some/where/net_2"] {
            assert!(name(Path::new(good)).is_ok(), "{good}");
        }
        for bad in ["", "..", "Digits", "2net", "a b", "test", "netwright", "é", "a\u{1b}[31m", &"a".repeat(65)] {
            assert!(name(Path::new(bad)).is_err(), "{bad}");
        }
        assert_eq!(["digits", "my-digits", "net_2", "a--b-"].map(camel_case), ["Digits", "MyDigits", "Net2", "AB"]);
    }

    #[test]
    fn the_manifest_is_toml() {
        let repository = Origin::Repository("/a \"b\"\\c".into());
        let table: toml::Table = toml::from_str(&manifest("mine", &repository)).unwrap();
        assert_eq!(table["dependencies"]["netwright"]["path"].as_str(), Some("/a \"b\"\\c"));
        let table: toml::Table = toml::from_str(&manifest("mine", &Origin::Registry)).unwrap();
        assert_eq!(table["dependencies"]["netwright"]["version"].as_str(), Some(env!("CARGO_PKG_VERSION")));
        assert_eq!(table["package"]["name"].as_str(), Some("mine"));
    }
}
