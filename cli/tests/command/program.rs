//! Running the program, and a run that is trained once for all tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// The program in a folder, far from any cache, terminal or network.
pub(crate) fn netwright(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netwright"));
    command.args(args).current_dir(folder).stdin(Stdio::null());
    command.env("NETWRIGHT_CACHE", folder.join("cache")).env_remove("NETWRIGHT_ISA").env_remove("CLICOLOR_FORCE");
    command
}

/// What a program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) exit: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// The only line of standard output, as JSON.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The fields that `docs/command.md` lists for a command's answer, in order of their names.
pub(crate) fn documented(command: &str) -> Vec<String> {
    let page = include_str!("../../../docs/command.md");
    let row = page.lines().find(|line| line.starts_with(&format!("| `{command}` | "))).expect(command);
    // What stands behind a semicolon is another form of the answer.
    let first = row.split(';').next().unwrap().trim_start_matches(&format!("| `{command}` | "));
    let mut fields: Vec<String> = first.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    fields.sort_unstable();
    fields
}

/// Asserts that what `docs/command.md` says below its table of a command's answer names every field of one of its parts.
pub(crate) fn assert_described(command: &str, part: &Value) {
    let page = include_str!("../../../docs/command.md");
    let start = format!("- `{command}`: ");
    let item = page.split("\n- ").map(|item| format!("- {item}")).find(|item| item.starts_with(&start)).expect(command);
    let item = item.split("\n\n").next().unwrap();
    for field in fields(part) {
        assert!(item.contains(&format!("`{field}`")), "{command}: {field} is not in {item}");
    }
}

/// The fields of an answer, in order of their names.
pub(crate) fn fields(answer: &Value) -> Vec<String> {
    let mut fields: Vec<String> = answer.as_object().unwrap().keys().cloned().collect();
    fields.sort_unstable();
    fields
}

/// Runs the program to its end.
pub(crate) fn run(folder: &Path, args: &[&str]) -> Said {
    said(&mut netwright(folder, args))
}

/// What a program says until its end.
pub(crate) fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { exit: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The program with a cache that is kept from one run of the tests to the next, since it builds programs of its own.
pub(crate) fn builder(folder: &Path, args: &[&str]) -> Command {
    let mut command = netwright(folder, args);
    command.env("NETWRIGHT_CACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    command
}

/// Runs the program that builds programs to its end, which must be a good one.
pub(crate) fn building(folder: &Path, args: &[&str]) -> Said {
    well(said(&mut builder(folder, args)))
}

/// Runs the program to its end, which must be a good one.
pub(crate) fn good(folder: &Path, args: &[&str]) -> Said {
    well(run(folder, args))
}

fn well(said: Said) -> Said {
    assert_eq!(said.exit, Some(0), "{said:#?}");
    said
}

/// The lines of a run's metrics.
pub(crate) fn metrics(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// An array of a file of weights, in the order of its axes.
pub(crate) fn array(path: &Path, name: &str) -> Vec<f32> {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let numbers = file.tensor(name).unwrap().data().chunks_exact(4);
    numbers.map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

/// How many numbers of an array are zero, to the bit.
pub(crate) fn zeros(array: &[f32]) -> usize {
    array.iter().filter(|number| number.to_bits() == 0).count()
}

/// The settings of the run that is trained once.
pub(crate) const EPOCHS: usize = 4;

/// A folder with a run of LeNet on the digits in `runs/lenet`, trained by the first test that asks, and what it said.
pub(crate) fn trained() -> &'static (PathBuf, Said) {
    static TRAINED: OnceLock<(PathBuf, Said)> = OnceLock::new();
    TRAINED.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("trained");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let epochs = EPOCHS.to_string();
        let said = good(&folder, &["train", "lenet", "--data", "digits", "--epochs", &epochs, "--seed", "5"]);
        (folder, said)
    })
}
