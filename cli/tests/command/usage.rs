//! Wrong command lines, colours, and readers that go away.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use tempfile::tempdir;

use crate::program::{good, netwright, run};

#[test]
fn a_wrong_name_has_a_suggestion() {
    let folder = tempdir().unwrap();
    let said = run(folder.path(), &["train", "lenett"]);
    assert_eq!((said.exit, said.stdout.as_str()), (Some(2), ""));
    assert!(said.stderr.contains("did you mean <lenet>?"), "{}", said.stderr);
    let data = run(folder.path(), &["train", "lenet", "--data", "fashion-mnits"]);
    assert_eq!(data.exit, Some(2));
    assert!(data.stderr.contains("did you mean `fashion-mnist`?"), "{}", data.stderr);
    assert!(!folder.path().join("runs").exists(), "a run that cannot start leaves a folder");
}

/// Nobody can add to a text that comes with the command.
#[test]
fn a_bundled_network_without_a_train_section_has_a_help_that_helps() {
    let folder = tempdir().unwrap();
    for (args, help) in [
        (&["train", "alexnet"][..], "copy models/alexnet.net of Netwright's repository, and add `train { loss"),
        (&["eval", "resnet"], "copy models/resnet.net of Netwright's repository, and add `train { loss"),
        (&["prune", "vgg", "--structured"], "copy models/vgg.net of Netwright's repository, and add `train { loss"),
        (&["bench", "alexnet"], "measure `--mode infer`"),
    ] {
        let said = run(folder.path(), args);
        assert_eq!((said.exit, said.stdout.as_str()), (Some(1), ""), "{args:?}: {said:?}");
        assert!(said.stderr.contains("it has no `train` section") && said.stderr.contains(help), "{said:?}");
    }
}

#[test]
fn wrong_options_end_with_two() {
    let folder = tempdir().unwrap();
    for args in [
        &["train"][..],
        &["train", "lenet", "--epochs", "0"],
        &["train", "lenet", "--batch", "-1"],
        &["train", "lenet", "--threads", "0"],
        &["train", "lenet", "--threads", "5000", "--data", "digits"],
        &["predict", "lenet", "--threads", "0", "x.png"],
        &["bench", "lenet", "--seconds", "nan"],
        &["bench", "lenet", "--batch", "99999999999"],
        &["nonsense"],
        &["predict", "lenet"],
    ] {
        let said = run(folder.path(), args);
        assert_eq!((said.exit, said.stdout.as_str()), (Some(2), ""), "{args:?}: {said:?}");
        assert!(said.stderr.contains("error"), "{said:?}");
    }
    let fraction = run(folder.path(), &["train", "lenet", "--data", "digits", "--validation", "1.5"]);
    assert_eq!(fraction.exit, Some(1));
    assert!(fraction.stderr.contains("`validation` is 1.5; expected a fraction between 0 and 1"), "{fraction:?}");
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn help_and_version_are_answers() {
    let folder = tempdir().unwrap();
    let all = good(folder.path(), &["--help"]).stdout;
    assert!(all.contains("Bundled networks: ") && all.contains("squeezenet"), "{all}");
    assert_eq!(good(folder.path(), &["--version"]).stdout, format!("netwright {}\n", env!("CARGO_PKG_VERSION")));
    for command in [
        "check",
        "fmt",
        "summary",
        "expand",
        "new",
        "graph",
        "explain",
        "train",
        "eval",
        "predict",
        "prune",
        "compress",
        "quantize",
        "import-weights",
        "data",
        "bench",
    ] {
        let help = good(folder.path(), &[command, "--help"]).stdout;
        assert!(help.contains("Usage: netwright"), "{help}");
    }
}

#[test]
fn colours_are_for_terminals_only() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("bad.net"), "network Bad { input x: [4]; output y = densee(x, 3); }").unwrap();
    assert!(!run(folder.path(), &["check", "bad.net"]).stderr.contains('\u{1b}'));
    let forced = netwright(folder.path(), &["check", "bad.net"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(forced.stderr.contains(&0x1b));
    let mut plain = netwright(folder.path(), &["check", "bad.net"]);
    let plain = plain.env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1").output().unwrap();
    assert!(!plain.stderr.contains(&0x1b));
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let folder = tempdir().unwrap();
    let mut command = netwright(folder.path(), &["expand", "lenet"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The reader is gone before anything is written.
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
}
