//! Tests on real files in temporary folders.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

use std::fs;
use std::path::Path;

use netwright_compiler::syntax::limits::MAX_TEXT_BYTES;

use super::{Loaded, load_bundled, load_path, net_files};

/// The message of a path that must not load.
fn refused(path: &Path, root: Option<&Path>) -> String {
    match load_path(path, root) {
        Ok(Loaded { name, .. }) => panic!("{name} was loaded"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn files_are_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    fs::create_dir_all(root.join("nets/deep")).unwrap();
    let path = root.join("nets/größe.net");
    fs::write(&path, "network N {} // é").unwrap();
    let through = root.join("nets/deep/../größe.net");
    let loaded = load_path(&through, Some(&root)).unwrap();
    assert_eq!(loaded.name, "nets/größe.net");
    assert_eq!(loaded.text, "network N {} // é");
    assert_eq!(loaded.path, Some(path.clone()));
    assert_eq!(load_path(&through, None).unwrap().name, through.display().to_string());
}

#[test]
fn bundled_networks_are_loaded() {
    let loaded = load_bundled("lenet").unwrap();
    assert_eq!((loaded.name.as_str(), loaded.path), ("<lenet>", None));
    assert!(loaded.text.contains("network LeNet"));
    let refused = |name| load_bundled(name).unwrap_err().to_string();
    assert_eq!(refused("lennet"), "no bundled network is called <lennet>; did you mean <lenet>?");
    assert!(refused("transformer").contains("; there are "));
    assert!(refused("../lenet").contains("<../lenet>"));
}

#[test]
fn missing_files_have_a_suggestion() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("digits.net"), "").unwrap();
    let close = refused(&at("digist.net"), None);
    assert!(close.ends_with(&format!("did you mean `{}`?", at("digits.net").display())), "{close}");
    assert!(refused(&at("digits"), None).contains("digits.net"));
    assert!(refused(&at("lenet.net"), None).ends_with("did you mean the bundled network <lenet>?"));
    assert!(refused(&at("no/such/thing.net"), None).ends_with(&format!("there is no folder `{}`", at("no").display())));
    assert!(refused(&at("something.net"), None).ends_with("does not exist"));
    assert!(refused(Path::new("no-such-file-here.net"), None).contains("does not exist"));
    assert!(refused(Path::new(""), None).contains("does not exist"));
}

#[test]
fn folders_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(refused(folder.path(), None).ends_with("expected a .net file"));
    for name in ["d.net", "b.net", "a.net", "c.net", "x.txt"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    assert!(refused(folder.path(), None).ends_with("such as a.net, b.net, c.net"));
}

#[test]
fn large_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.net");
    fs::write(&path, " ".repeat(MAX_TEXT_BYTES)).unwrap();
    assert_eq!(load_path(&path, None).unwrap().text.len(), MAX_TEXT_BYTES);
    fs::write(&path, " ".repeat(MAX_TEXT_BYTES + 1)).unwrap();
    assert!(refused(&path, None).contains("is larger than 1048576 bytes"));
}

#[test]
fn other_encodings_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latin.net");
    fs::write(&path, b"network N {\n// \xe9\n}").unwrap();
    assert!(refused(&path, None).ends_with("is not UTF-8 at byte 15, in line 2"));
    fs::write(&path, b"\xff\xfen\0e\0t\0").unwrap();
    assert!(refused(&path, None).ends_with("it starts like UTF-16: save it as UTF-8"));
}

#[test]
fn ways_out_of_the_root_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("project");
    fs::create_dir(&root).unwrap();
    fs::write(folder.path().join("secret.net"), "").unwrap();
    for path in ["../secret.net", "../secrets.net", "no/../../secrets.net", "../no/such.net"] {
        assert!(refused(&root.join(path), Some(&root)).contains("leads out of"), "{path}");
    }
    assert!(refused(&root.join("no/such.net"), Some(&root)).contains("does not exist"));
    assert!(refused(&root.join("x.net"), Some(&folder.path().join("no"))).contains("cannot read"));
}

#[cfg(unix)]
#[test]
fn links_are_followed_within_the_root() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("project").to_owned();
    fs::create_dir(&root).unwrap();
    fs::write(folder.path().join("secret.net"), "").unwrap();
    fs::write(root.join("real.net"), "// real").unwrap();
    let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, root.join(name)).unwrap();
    link(&folder.path().join("secret.net"), "out.net");
    link(folder.path(), "up");
    link(Path::new("real.net"), "in.net");
    link(Path::new("loop.net"), "loop.net");
    link(Path::new("gone.net"), "dangling.net");
    for path in ["out.net", "up/secret.net", "up/secrets.net"] {
        assert!(refused(&root.join(path), Some(&root)).contains("leads out of"), "{path}");
    }
    let loaded = load_path(&root.join("in.net"), Some(&root)).unwrap();
    assert_eq!((loaded.name.as_str(), loaded.text.as_str()), ("real.net", "// real"));
    assert!(refused(&root.join("loop.net"), Some(&root)).contains("cannot read"));
    assert!(refused(&root.join("dangling.net"), Some(&root)).contains("does not exist"));
}

#[cfg(unix)]
#[test]
fn devices_and_pipes_are_refused_without_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket.net");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let mut paths = vec![Path::new("/dev/null").to_owned(), Path::new("/dev/zero").to_owned(), socket];
    let pipe = folder.path().join("pipe.net");
    if std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
        paths.push(pipe);
    }
    for path in paths {
        assert!(refused(&path, None).ends_with("expected a regular file"), "{}", path.display());
    }
}

mod uses {
    //! `use` on disk: what is found, and what is refused.

    use std::fs;
    use std::path::{Path, PathBuf};

    use netwright_compiler::diagnostic::{Sink, short};
    use netwright_compiler::program::{MAX_BYTES, MAX_CHAIN, MAX_FILES, Program};
    use netwright_compiler::source::SourceMap;

    use crate::{Disk, load_path};

    /// A description with what it uses, the files that were opened for it, and the messages about it.
    fn read(path: &Path) -> (Program, Vec<PathBuf>, Vec<String>) {
        let loaded = load_path(path, None).unwrap();
        let (mut map, mut sink) = (SourceMap::new(), Sink::new());
        let source = map.add(loaded.name, loaded.text);
        let mut disk = Disk::beside(path, None);
        let program = Program::load(source, &mut map, &mut disk, &mut sink);
        let messages = sink.diagnostics().into_iter().map(|diagnostic| short(diagnostic, &map)).collect();
        (program, disk.opened().to_vec(), messages)
    }

    /// The number of files of a description, and the messages about it.
    fn load(path: &Path) -> (usize, Vec<String>) {
        let (program, _, messages) = read(path);
        (program.units.len(), messages)
    }

    #[test]
    fn files_are_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("a")).unwrap();
        fs::write(at("main.net"), "use \"a/one.net\"; use \"a/two.net\"; use \"a/../a/two.net\";").unwrap();
        fs::write(at("a/one.net"), "use \"./two.net\"; use <fire>;").unwrap();
        fs::write(at("a/two.net"), "use <fire>;").unwrap();
        let (program, opened, messages) = read(&at("main.net"));
        assert_eq!(program.units.len(), 4);
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert!(messages[0].contains("a/../a/two.net"), "{messages:?}");
        // What cargo watches: all that was read from the disk, each once, by a path that holds from anywhere.
        assert_eq!(opened, ["a/one.net", "a/two.net"].map(|name| at(name).canonicalize().unwrap()));
    }

    #[test]
    fn a_file_may_not_use_itself_through_others() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("main.net"), "use \"other.net\";").unwrap();
        fs::write(at("other.net"), "use \"main.net\";").unwrap();
        let (n_files, messages) = load(&at("main.net"));
        assert_eq!(n_files, 2);
        assert!(messages.len() == 1 && messages[0].contains("N0502"), "{messages:?}");
    }

    /// What a file in a folder below names as the description would: with the path that leads there, where there is one.
    #[test]
    fn paths_start_at_the_folder_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for inner in ["blocks", "blocks/small", "other"] {
            fs::create_dir(at(inner)).unwrap();
        }
        for file in ["blocks/conv.net", "blocks/small/conv.net", "other/conv.net", "near.net"] {
            fs::write(at(file), "").unwrap();
        }
        fs::write(at("main.net"), "use \"blocks/fire.net\";").unwrap();
        let above = "leads to files below it: put both into one folder";
        for (path, help) in [
            ("blocks/conv.net", "not at the folder of the network: write `\"conv.net\"`"),
            ("blocks/small/conv.net", "not at the folder of the network: write `\"small/conv.net\"`"),
            ("other/conv.net", above),
            ("near.net", above),
        ] {
            fs::write(at("blocks/fire.net"), format!("use \"{path}\";")).unwrap();
            let (_, messages) = load(&at("main.net"));
            let title = format!("`{path}` does not exist in the folder of this file");
            assert!(messages.len() == 1 && messages[0].contains(&title), "{path}: {messages:?}");
            let (mut map, mut sink) = (SourceMap::new(), Sink::new());
            let source = map.add("main.net", "use \"blocks/fire.net\";");
            let mut disk = Disk::below(folder.path(), None);
            let _ = Program::load(source, &mut map, &mut disk, &mut sink);
            let helps = &sink.diagnostics()[0].helps;
            assert!(helps.len() == 1 && helps[0].text.ends_with(help), "{path}: {helps:?}");
        }
        fs::write(at("blocks/fire.net"), "use \"blocks/none.net\";").unwrap();
        assert!(load(&at("main.net")).1[0].contains("there is no folder `blocks`"));
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_out_and_devices_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("inner")).unwrap();
        fs::write(at("secret.net"), "").unwrap();
        std::os::unix::fs::symlink(at("secret.net"), at("inner/link.net")).unwrap();
        std::os::unix::fs::symlink(folder.path(), at("inner/up")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", at("inner/zero.net")).unwrap();
        let main = at("inner/main.net");
        for target in ["link.net", "up/secret.net", "zero.net"] {
            fs::write(&main, format!("use \"{target}\";")).unwrap();
            let (n_files, messages) = load(&main);
            assert_eq!(n_files, 1, "{target}");
            assert!(messages.len() == 1 && messages[0].contains("N0501"), "{target}: {messages:?}");
        }
        // A link that stays inside is followed.
        fs::write(at("inner/real.net"), "").unwrap();
        std::os::unix::fs::symlink(at("inner/real.net"), at("inner/fine.net")).unwrap();
        fs::write(&main, "use \"fine.net\";").unwrap();
        assert_eq!(load(&main), (2, Vec::new()));
        // And is the file that it leads to.
        fs::write(&main, "use \"fine.net\"; use \"real.net\";").unwrap();
        let (n_files, messages) = load(&main);
        assert!(n_files == 2 && messages.len() == 1 && messages[0].contains("used twice"), "{messages:?}");
    }

    /// Texts of labels are found as files are, and noted, so that a change of them is seen.
    #[test]
    fn labels_are_read_and_noted() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("inner")).unwrap();
        fs::write(at("secret.txt"), "cat").unwrap();
        fs::write(at("inner/names.txt"), "cat\ndog\n").unwrap();
        let main = at("inner/main.net");
        let messages = |target: &str| {
            let text = format!("network N {{ input x: [2]; output y = x -> relu; labels y: {target}; }}");
            fs::write(&main, text).unwrap();
            load(&main)
        };
        for (target, code) in [
            ("\"names.txt\"", None),
            ("<imagenet>", None),
            ("\"../secret.txt\"", Some("N0703")),
            ("\"/etc/passwd\"", Some("N0703")),
            ("\"none.txt\"", Some("N0703")),
            ("\"/dev/zero\"", Some("N0703")),
            ("<none>", Some("N0703")),
        ] {
            let (_, found) = messages(target);
            assert_eq!(found.len(), usize::from(code.is_some()), "{target}: {found:?}");
            assert!(code.is_none_or(|code| found[0].contains(code)), "{target}: {found:?}");
        }
        messages("\"names.txt\"");
        let (program, opened, _) = read(&main);
        assert_eq!(opened, [at("inner/names.txt").canonicalize().unwrap()]);
        assert_eq!(program.labels.into_values().flatten().collect::<Vec<_>>(), [["cat", "dog"]]);
    }

    /// At the limit all is well, and one past it there is a message.
    #[test]
    fn limits_hold() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let main = at("main.net");
        // Many files side by side.
        for index in 0..MAX_FILES + 9 {
            fs::write(at(&format!("f{index}.net")), "").unwrap();
        }
        let uses = |n: usize| (0..n).map(|index| format!("use \"f{index}.net\";")).collect::<String>();
        fs::write(&main, uses(MAX_FILES - 1)).unwrap();
        assert_eq!(load(&main), (MAX_FILES, Vec::new()));
        fs::write(&main, uses(MAX_FILES)).unwrap();
        let (n_files, messages) = load(&main);
        assert!(n_files == MAX_FILES && messages.len() == 1 && messages[0].contains("N0503"), "{messages:?}");
        fs::write(&main, uses(MAX_FILES + 9)).unwrap();
        let (n_files, messages) = load(&main);
        assert!(n_files == MAX_FILES && messages.len() == 1, "told once: {messages:?}");
        // One after the other.
        let chain = |n: usize| {
            for index in 0..n {
                let next = if index + 1 < n { format!("use \"f{}.net\";", index + 1) } else { String::new() };
                fs::write(at(&format!("f{index}.net")), next).unwrap();
            }
            fs::write(&main, "use \"f0.net\";").unwrap();
            load(&main)
        };
        assert_eq!(chain(MAX_CHAIN - 1), (MAX_CHAIN, Vec::new()));
        let (n_files, messages) = chain(MAX_CHAIN);
        assert!(n_files == MAX_CHAIN && messages.len() == 1 && messages[0].contains("N0503"), "{messages:?}");
        // Many bytes: sixteen files of a megabyte, the description's own text counted.
        let blank = " ".repeat(1 << 20);
        for index in 0..16 {
            fs::write(at(&format!("f{index}.net")), &blank).unwrap();
        }
        let text = uses(16);
        let last = (1 << 20) - text.len();
        fs::write(at("f15.net"), &blank[..last]).unwrap();
        fs::write(&main, &text).unwrap();
        assert_eq!(load(&main), (17, Vec::new()));
        fs::write(at("f15.net"), &blank[..=last]).unwrap();
        let (n_files, messages) = load(&main);
        assert!(n_files == 16 && messages.len() == 1 && messages[0].contains("N0503"), "{messages:?}");
        assert_eq!(MAX_BYTES, 16 << 20);
    }
}

#[test]
fn files_of_a_folder_are_found_and_nothing_outside_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    for name in ["root/b/c.net", "root/a.net", "root/a.txt", "root/.git/x.net", "root/target/y.net", "out/z.net"] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    fs::write(root.join("target/CACHEDIR.TAG"), "").unwrap();
    fs::create_dir(root.join("folder.net")).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folder.path().join("out"), root.join("link")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("out/z.net"), root.join("z.net")).unwrap();
        std::os::unix::fs::symlink(&root, root.join("b/around")).unwrap();
    }
    assert_eq!(net_files(&root).unwrap(), [root.join("a.net"), root.join("b/c.net")]);
    assert!(net_files(&folder.path().join("none")).unwrap_err().to_string().contains("none"));
}
