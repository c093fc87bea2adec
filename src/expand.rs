//! The generated code as text, for a user's snapshot tests.

use std::error::Error;
use std::path::Path;

use netwright_compiler::diagnostic::{Sink, Style, render_all};
use netwright_compiler::emit::{Target, emit, to_text};
use netwright_compiler::source::SourceMap;
use netwright_compiler::{Settings, compile};
use netwright_files::Disk;

/// The code that `model!` generates for a description, formatted and with comments: what a snapshot test holds fast.
///
/// `description` is the path of a `.net` file from the package's folder, where tests run, or a bundled network in angle
/// brackets.
///
/// ```
/// let code = netwright::expand("<lenet>")?;
/// assert!(code.contains("pub struct LeNet"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// If there is no such description, or it has mistakes; the message is the compiler's.
pub fn expand(description: &str) -> Result<String, Box<dyn Error>> {
    let bundled = description.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    let (loaded, mut sources) = match bundled {
        Some(name) => (netwright_files::load_bundled(name)?, Disk::bundled()),
        None => {
            let path = Path::new(description);
            (netwright_files::load_path(path, None)?, Disk::beside(path, None))
        }
    };
    let mut map = SourceMap::new();
    let source = map.add(loaded.name, loaded.text);
    let mut sink = Sink::new();
    match compile(source, &mut map, &Settings::default(), &mut sources, &mut sink) {
        Some(compiled) => Ok(to_text(emit(&compiled, &Target::text()))?),
        None => Err(render_all(&sink, &map, Style::Plain).into()),
    }
}
