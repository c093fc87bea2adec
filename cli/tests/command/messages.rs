//! The forms of diagnostics: `netwright check --message-format`, and `netwright explain`.

use std::fs;

use serde_json::Value;
use tempfile::tempdir;

use crate::program::{good, netwright, run};

const BAD: &str =
    "network Bad {\n    input image: [28, 28, 1];\n    output y = image -> conv(6, kernel: 5) -> dense(120);\n}\n";

#[test]
fn json_is_rustcs() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("bad.net"), BAD).unwrap();
    let said = run(folder, &["check", "--message-format", "json", "bad.net", "lenet"]);
    assert_eq!((said.exit, said.stderr.as_str()), (Some(1), ""));
    let message: Value = said.json();
    assert_eq!(message["$message_type"], "diagnostic");
    assert_eq!(message["message"], "`dense` takes a flat input, found [24, 24, 6]");
    assert_eq!((&message["code"]["code"], &message["level"]), (&"N0302".into(), &"error".into()));
    assert!(message["code"]["explanation"].as_str().unwrap().contains("```net"));
    let rendered = message["rendered"].as_str().unwrap();
    assert!(rendered.starts_with("error[N0302]: ") && rendered.ends_with("\n\n"), "{rendered}");

    let spans = message["spans"].as_array().unwrap();
    assert_eq!(spans.len(), 2);
    let (primary, secondary) = (&spans[0], &spans[1]);
    let bytes = |span: &Value, key: &str| span[key].as_u64().unwrap() as usize;
    let part = |span: &Value| &BAD[bytes(span, "byte_start")..bytes(span, "byte_end")];
    assert_eq!((part(primary), part(secondary)), ("dense(120)", "conv(6, kernel: 5)"));
    assert_eq!((&primary["is_primary"], &secondary["is_primary"]), (&true.into(), &false.into()));
    assert_eq!((&primary["file_name"], &primary["label"]), (&"bad.net".into(), &"expected [features]".into()));
    assert_eq!(secondary["label"], "this produces [24, 24, 6]");
    let place = ["line_start", "line_end", "column_start", "column_end"].map(|key| primary[key].as_u64().unwrap());
    assert_eq!(place, [3, 3, 47, 57]);
    let text = &primary["text"][0];
    assert_eq!((&text["highlight_start"], &text["highlight_end"]), (&47.into(), &57.into()));
    assert_eq!(text["text"].as_str(), BAD.lines().nth(2));
    assert!(primary["suggested_replacement"].is_null() && primary["suggestion_applicability"].is_null());

    let help = &message["children"][0];
    assert_eq!((&help["level"], &help["message"]), (&"help".into(), &"insert `flatten` before `dense`".into()));
    assert!(help["code"].is_null() && help["rendered"].is_null());
    let edit = &help["spans"][0];
    assert_eq!(
        (bytes(edit, "byte_start"), bytes(edit, "byte_end")),
        (bytes(primary, "byte_start"), bytes(primary, "byte_start"))
    );
    assert_eq!(edit["suggested_replacement"], "flatten -> ");
    assert_eq!(edit["suggestion_applicability"], "MachineApplicable");

    assert_eq!(run(folder, &["check", "--json", "bad.net", "lenet"]).stdout, said.stdout);
    let missing = run(folder, &["check", "--json", "none.net"]).json();
    assert_eq!((&missing["message"], &missing["code"]), (&"`none.net` does not exist".into(), &Value::Null));
    assert_eq!(run(folder, &["check", "--json", "--message-format", "short", "bad.net"]).exit, Some(2));
}

#[test]
fn short_is_a_line_and_github_a_command() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("bad.net"), BAD).unwrap();
    let short = run(folder, &["check", "--message-format", "short", "bad.net", "lenet5"]);
    assert_eq!(short.stderr, "bad.net:3:47: error[N0302]: `dense` takes a flat input, found [24, 24, 6]\n");
    assert_eq!((short.exit, short.stdout.lines().count()), (Some(1), 1));
    let github = run(folder, &["check", "--message-format", "github", "bad.net", "lenet5", "none.net"]);
    assert_eq!((github.exit, github.stderr.as_str()), (Some(1), ""));
    assert_eq!(
        github.stdout,
        "::error file=bad.net,line=3,endLine=3,col=47,endColumn=57,title=N0302%3A `dense` takes a flat input%2C found \
         [24%2C 24%2C 6]::expected [features]%0Ahelp: insert `flatten` before `dense`\n\
         ::error file=none.net::`none.net` does not exist\n"
    );
}

/// Files that a description uses are called as it is.
#[test]
fn used_files_are_named_beside_the_main_one() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir_all(folder.join("nets/blocks")).unwrap();
    fs::write(folder.join("nets/blocks/one.net"), "block One(x: [N]) -> [N] { return x -> relv; }\n").unwrap();
    let main = "use \"blocks/one.net\";\nnetwork N { input x: [4]; output y = x -> One; }\n";
    fs::write(folder.join("nets/main.net"), main).unwrap();
    let said = run(folder, &["check", "--message-format", "short", "nets/main.net"]);
    let (place, _) = said.stderr.split_once(':').unwrap();
    assert_eq!(std::path::Path::new(place), std::path::Path::new("nets/blocks/one.net"), "{said:?}");
}

#[test]
fn people_are_told_once_where_to_read_more() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("bad.net"), BAD).unwrap();
    for command in ["check", "summary", "expand"] {
        let said = run(folder, &[command, "bad.net"]).stderr;
        assert_eq!(said.matches("for more: netwright explain N0302\n").count(), 1, "{said}");
    }
    assert!(!run(folder, &["check", "lenet"]).stderr.contains("for more"));
}

#[test]
fn codes_are_explained() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let page = good(folder, &["explain", "n0302"]).stdout;
    assert!(page.starts_with("N0302: ") && page.contains("\n```net\n"), "{page}");
    assert_eq!(good(folder, &["explain", "error[N0302]"]).stdout, page);
    let two = good(folder, &["explain", "N0302", "N0101"]).stdout;
    assert!(two.starts_with(&page) && two.contains("\nN0101: "), "{two}");

    let styled = netwright(folder, &["explain", "N0302"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    let styled = String::from_utf8(styled.stdout).unwrap();
    assert!(styled.contains("\u{1b}[") && !styled.contains("```"), "{styled}");

    let unknown = run(folder, &["explain", "N032"]);
    assert_eq!((unknown.exit, unknown.stdout.as_str()), (Some(2), ""));
    assert!(unknown.stderr.contains("no message with the code N032"), "{}", unknown.stderr);
    assert!(unknown.stderr.contains("did you mean N03"), "{}", unknown.stderr);
    assert!(!run(folder, &["explain", "lenet"]).stderr.contains("did you mean"));
}

#[test]
fn all_codes_are_listed_by_range() {
    let folder = tempdir().unwrap();
    let list = good(folder.path(), &["explain"]).stdout;
    let lines: Vec<&str> = list.lines().collect();
    let shapes = lines.iter().position(|line| *line == "N03xx: shapes").unwrap();
    assert_eq!(lines[shapes + 2], "  N0302  `dense` takes a flat input");
    assert!(lines[shapes - 1].is_empty());
}

/// A description with mistakes that have one mend each, the later ones seen only once the first is mended.
const CROOKED: &str = "network Crooked {
    input image: [28, 28, 1]
    logits = imag -> cnov(6, kernal: 5) -> relu -> dense(10);
    output y = softmax(logits);
    train { loss: cross_entropy(logit); bach: 8; optimizer: adma(lr: 0.1); }
}
";

#[test]
fn files_are_mended_where_there_is_one_way() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let at = |name: &str| folder.join(name);
    fs::write(at("crooked.net"), CROOKED).unwrap();
    let said = good(folder, &["check", "--fix", "crooked.net"]);
    assert!(said.stdout.starts_with("ok crooked.net: Crooked, "), "{said:?}");
    assert_eq!(said.stderr, "made 8 edits in crooked.net\n");
    assert_eq!(
        fs::read_to_string(at("crooked.net")).unwrap(),
        "network Crooked {
    input image: [28, 28, 1];
    logits = image -> conv(6, kernel: 5) -> relu -> flatten -> dense(10);
    output y = softmax(logits);
    train { loss: cross_entropy(logits); batch: 8; optimizer: adam(lr: 0.1); }
}
"
    );
    // Nothing is left to mend, and nothing is written.
    assert_eq!(good(folder, &["check", "--fix", "crooked.net"]).stderr, "");

    // What has no mend is told after those that have.
    let rest = "network Rest { input x: [4]; output y = x -> dens(2) -> lstm(3); }\n";
    fs::write(at("rest.net"), rest).unwrap();
    let said = run(folder, &["check", "--fix", "--message-format", "short", "rest.net"]);
    assert_eq!(said.exit, Some(1));
    assert!(said.stderr.starts_with("made 1 edit in rest.net\nrest.net:1:58: error[N0102]"), "{}", said.stderr);
    assert_eq!(fs::read_to_string(at("rest.net")).unwrap(), rest.replace("dens(", "dense("));

    // A call in parentheses is not a stage, before which one could be put.
    let call = "network Call { input x: [4, 4]; output y = dense(x, 2); }\n";
    fs::write(at("call.net"), call).unwrap();
    assert_eq!(run(folder, &["check", "--fix", "call.net"]).exit, Some(1));
    assert_eq!(fs::read_to_string(at("call.net")).unwrap(), call);

    let bundled = run(folder, &["check", "--fix", "rest.net", "lenet"]);
    assert_eq!(bundled.exit, Some(2));
    assert!(bundled.stderr.contains("cannot fix <lenet>: it is a part of this program"), "{bundled:?}");
}

#[test]
#[cfg(unix)]
fn mending_keeps_links_and_permissions() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let (file, link) = (folder.join("file.net"), folder.join("link.net"));
    fs::write(&file, CROOKED).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&file, &link).unwrap();
    good(folder, &["check", "--fix", "link.net"]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::read_to_string(&file).unwrap().contains("-> flatten -> dense(10)"));
}

#[test]
fn lints_are_denied_from_outside() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let text = |statement: &str| {
        format!("network N {{\n    input x: [4];\n    {statement}\n    output y = x -> dense(8) -> dense(2);\n}}\n")
    };
    fs::write(folder.join("plain.net"), text("")).unwrap();
    fs::write(folder.join("allowed.net"), text("allow(no_activation);")).unwrap();
    fs::write(folder.join("warned.net"), text("warn(no_activation);")).unwrap();
    fs::write(folder.join("denied.net"), text("deny(no_activation);")).unwrap();
    let exit = |args: &[&str]| run(folder, &[&["check", "--message-format", "short"], args].concat());
    for (args, code) in [
        (&["plain.net"][..], 0),
        (&["--deny", "no_activation", "plain.net"], 1),
        (&["--deny", "last_dropout", "plain.net"], 0),
        (&["--deny", "last_dropout,no_activation", "plain.net"], 1),
        (&["--deny", "warnings", "plain.net"], 1),
        (&["--deny", "warnings", "allowed.net"], 0),
        (&["--deny", "no_activation", "allowed.net"], 0),
        (&["--deny", "no_activation", "warned.net"], 0),
        (&["--deny", "warnings", "warned.net"], 1),
        (&["denied.net"], 1),
    ] {
        let said = exit(args);
        assert_eq!(said.exit, Some(code), "{args:?}: {}{}", said.stdout, said.stderr);
        let level = if code == 1 { "error[N0605]" } else { "warning[N0605]" };
        let is_quiet = args.contains(&"allowed.net");
        assert_eq!(
            (said.stdout.clone() + &said.stderr).contains(level),
            !is_quiet,
            "{args:?}: {}{}",
            said.stdout,
            said.stderr
        );
    }
    let unknown = run(folder, &["check", "--deny", "no_activations", "plain.net"]);
    assert_eq!(unknown.exit, Some(2));
    assert!(unknown.stderr.contains("did you mean `no_activation`?"), "{}", unknown.stderr);
}
