//! `netwright fmt`.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use tempfile::tempdir;

use crate::program::{Said, good, netwright, run, said};

const WILD: &str = "network A{input x:[4]; // four\n\n\n\noutput y=x->dense(2 ,)\n-> softmax;}";
const TAME: &str = "network A {\n    input x: [4]; // four\n\n    output y = x -> dense(2)\n        -> softmax;\n}\n";
const BAD: &str = "network B { input x: [4]; output y = x -> ; }";

/// Runs the program on a text.
fn piped(folder: &Path, args: &[&str], text: &[u8]) -> Said {
    let mut command = netwright(folder, args);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { exit: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn files_are_formatted_in_place() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let at = |name: &str| folder.join(name);
    fs::create_dir(at("nets")).unwrap();
    fs::write(at("nets/wild.net"), WILD).unwrap();
    fs::write(at("nets/tame.net"), TAME).unwrap();
    fs::write(at("nets/other.txt"), WILD).unwrap();
    let old = fs::metadata(at("nets/tame.net")).unwrap().modified().unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(at("nets/wild.net"), fs::Permissions::from_mode(0o640)).unwrap();
        fs::write(at("outside.net"), WILD).unwrap();
        std::os::unix::fs::symlink("../outside.net", at("nets/link.net")).unwrap();
    }
    let first = good(folder, &["fmt", "nets"]);
    assert_eq!((first.stdout.as_str(), first.stderr.as_str()), ("", "formatted nets/wild.net\n"));
    assert_eq!(fs::read_to_string(at("nets/wild.net")).unwrap(), TAME);
    assert_eq!(fs::read_to_string(at("nets/other.txt")).unwrap(), WILD);
    assert_eq!(fs::metadata(at("nets/tame.net")).unwrap().modified().unwrap(), old);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(at("nets/wild.net")).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_to_string(at("outside.net")).unwrap(), WILD);
        // A link that is named leads to its file, and stays a link.
        good(folder, &["fmt", "nets/link.net"]);
        assert!(fs::symlink_metadata(at("nets/link.net")).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(at("outside.net")).unwrap(), TAME);
    }
    let second = good(folder, &["fmt"]);
    assert_eq!((second.stdout.as_str(), second.stderr.as_str()), ("", ""));
}

#[test]
fn what_is_not_in_the_form_is_shown() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("wild.net"), WILD).unwrap();
    fs::write(folder.join("tame.net"), TAME).unwrap();
    assert_eq!(good(folder, &["fmt", "--check", "tame.net"]).stdout, "");
    let told = run(folder, &["fmt", "--check", "wild.net", "tame.net"]);
    assert_eq!(told.exit, Some(1));
    assert!(told.stderr.contains("1 of 2 texts not in the form"), "{told:?}");
    assert_eq!(
        told.stdout,
        "--- wild.net\n+++ wild.net\n@@ -1,6 +1,6 @@\n-network A{input x:[4]; // four\n+network A {\n+    input x: [4]; // four\n \n-\n-\n\
        -output y=x->dense(2 ,)\n--> softmax;}\n\\ No newline at end of file\n\
        +    output y = x -> dense(2)\n+        -> softmax;\n+}\n"
    );
    assert_eq!(fs::read_to_string(folder.join("wild.net")).unwrap(), WILD);
    let coloured = said(netwright(folder, &["fmt", "--check", "wild.net"]).env("CLICOLOR_FORCE", "1"));
    assert!(coloured.stdout.contains("\u{1b}[32m+network A {\u{1b}[0m\n"), "{coloured:?}");
}

#[test]
fn standard_input_goes_to_standard_output() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let formatted = piped(folder, &["fmt", "-"], WILD.as_bytes());
    assert_eq!((formatted.exit, formatted.stdout.as_str(), formatted.stderr.as_str()), (Some(0), TAME, ""));
    assert_eq!(piped(folder, &["fmt", "-"], TAME.as_bytes()).stdout, TAME);
    let checked = piped(folder, &["fmt", "--check", "-"], WILD.as_bytes());
    assert!(checked.exit == Some(1) && checked.stdout.starts_with("--- <stdin>\n"), "{checked:?}");
    let bad = piped(folder, &["fmt", "-"], BAD.as_bytes());
    assert_eq!((bad.exit, bad.stdout.as_str()), (Some(1), ""));
    assert!(bad.stderr.contains("error[N0017]") && bad.stderr.contains("<stdin>:1:43"), "{bad:?}");
    let latin = piped(folder, &["fmt", "-"], b"// gr\xfc\xdfe");
    assert!(latin.exit == Some(1) && latin.stderr.contains("not UTF-8"), "{latin:?}");
}

#[test]
fn what_cannot_be_formatted_stays_as_it_is() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("bad.net"), BAD).unwrap();
    fs::write(folder.join("wild.net"), WILD).unwrap();
    let told = run(folder, &["fmt", "bad.net", "gone.net", "wild.net"]);
    assert_eq!((told.exit, told.stdout.as_str()), (Some(1), ""));
    assert!(told.stderr.contains("error[N0017]") && told.stderr.contains("`gone.net` does not exist"), "{told:?}");
    assert_eq!(fs::read_to_string(folder.join("bad.net")).unwrap(), BAD);
    assert_eq!(fs::read_to_string(folder.join("wild.net")).unwrap(), TAME);

    for args in [&["fmt", "lenet"][..], &["fmt", "<lenet>", "wild.net"], &["fmt", "-", "wild.net"], &["fmt", "no-such"]]
    {
        let told = run(folder, args);
        assert_eq!((told.exit, told.stdout.as_str()), (Some(2), ""), "{args:?}: {told:?}");
    }
    fs::create_dir(folder.join("empty")).unwrap();
    let empty = run(folder, &["fmt", "empty"]);
    assert!(empty.exit == Some(1) && empty.stderr.contains("there is no .net file in empty"), "{empty:?}");
}
