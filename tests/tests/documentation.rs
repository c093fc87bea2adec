//! The pages that show descriptions and messages: what they show is what the compiler says.
//!
//! A fenced block of `net` compiles without a message. `net,error(N0302)` and `net,warning(N0605)` give messages with that
//! code and no others; a block of `text` right below shows them as the command prints them. `net,file(gate.net)` is a file
//! that the blocks of its page can use. With `NETWRIGHT_BLESS` set the messages are written instead, for review.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use netwright_compiler::diagnostic::{Level, Sink, Style, codes, render_all};
use netwright_compiler::program::{Refusal, Text};
use netwright_compiler::source::SourceMap;
use netwright_compiler::syntax::ast::UseTarget;
use netwright_compiler::{Settings, Sources, compile};
use netwright_files::load_bundled;

/// The pages whose blocks are compiled.
const PAGES: &[&str] = &["docs/language.md", "docs/errors.md", "README.md"];

/// What messages call the description of a block.
const NAME: &str = "nets/mine.net";

/// Messages that `docs/errors.md` shows.
const N_MESSAGES: usize = 10;

fn path(page: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page)
}

fn read(page: &str) -> String {
    std::fs::read_to_string(path(page)).unwrap()
}

/// A fenced block: what stands after its opening fence, and the lines between the fences.
#[derive(Debug)]
struct Block {
    info: String,
    text: String,
    /// The line of the opening fence and that of the closing one, from 0.
    lines: (usize, usize),
}

impl Block {
    /// What is expected of it: `error(N0302)` has the kind `error` and the value `N0302`.
    fn expects(&self, kind: &str) -> Option<&str> {
        self.info.strip_prefix("net,")?.strip_prefix(kind)?.strip_prefix('(')?.strip_suffix(')')
    }

    fn is_description(&self) -> bool {
        self.info == "net" || self.info.starts_with("net,")
    }
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = None;
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some(Block { info: info.to_owned(), text: String::new(), lines: (number, 0) }),
            (Some(_), Some(_)) => {
                let Some(block) = open.take() else { continue };
                blocks.push(Block { lines: (block.lines.0, number), ..block });
            }
            (Some(block), None) => block.text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    blocks
}

/// The bundled files, and the files that a page shows.
struct Shown(HashMap<String, String>);

impl Shown {
    fn on(blocks: &[Block]) -> Self {
        let files = blocks.iter().filter_map(|block| Some((block.expects("file")?.to_owned(), block.text.clone())));
        Self(files.collect())
    }
}

impl Sources for Shown {
    fn load(&mut self, _: &str, target: &UseTarget) -> Result<Text, Refusal> {
        let (key, text) = match target {
            UseTarget::Bundled(name) => (format!("<{name}>"), load_bundled(name).ok().map(|loaded| loaded.text)),
            UseTarget::Path(path) => (path.clone(), self.0.get(path).cloned()),
        };
        let text = text.ok_or_else(|| Refusal { title: format!("no file {key}"), help: None, instead: None })?;
        Ok(Text { name: key.clone(), key, text })
    }
}

/// The messages of a text: their codes by level, and all as the command prints them.
fn messages(text: &str, name: &str, files: &mut Shown) -> (Vec<(Level, String)>, String) {
    let mut map = SourceMap::new();
    let source = map.add(name, text);
    let mut sink = Sink::new();
    let _ = compile(source, &mut map, &Settings { library: true, ..Settings::default() }, files, &mut sink);
    let codes = sink.diagnostics().iter().map(|found| (found.level, found.code.id().to_owned())).collect();
    (codes, render_all(&sink, &map, Style::Plain))
}

/// What is wrong with a block, if anything.
fn mistake(block: &Block, files: &mut Shown) -> Option<String> {
    let (found, shown) = messages(&block.text, NAME, files);
    let is = |level: Level, code: &str| !found.is_empty() && found.iter().all(|(l, c)| *l == level && c == code);
    let good = match (block.expects("error"), block.expects("warning")) {
        (Some(code), _) => is(Level::Error, code),
        (_, Some(code)) => is(Level::Warning, code),
        (None, None) => (block.info == "net" || block.expects("file").is_some()) && found.is_empty(),
    };
    (!good).then(|| format!("line {}, `{}`, gives:\n{shown}", block.lines.0 + 1, block.info))
}

#[test]
fn descriptions_do_what_the_pages_say() {
    let mut mistakes = String::new();
    for page in PAGES {
        let blocks = blocks(&read(page));
        let mut files = Shown::on(&blocks);
        let descriptions: Vec<&Block> = blocks.iter().filter(|block| block.is_description()).collect();
        assert!(!descriptions.is_empty(), "{page} shows no description");
        for found in descriptions.iter().filter_map(|block| mistake(block, &mut files)) {
            mistakes += &format!("{page}, {found}\n");
        }
    }
    assert!(mistakes.is_empty(), "{mistakes}");
}

/// Blocks of text that stand right below a description that gives messages, and what they should be.
fn shown_messages(page: &str) -> Vec<(Block, String)> {
    let lines: Vec<&str> = page.lines().collect();
    let mut blocks = blocks(page);
    let mut files = Shown::on(&blocks);
    let texts: Vec<String> = blocks.iter().map(|block| block.text.clone()).collect();
    let mut found = Vec::new();
    for index in (1..blocks.len()).rev() {
        let (above, this) = (&blocks[index - 1], &blocks[index]);
        let between = &lines[above.lines.1 + 1..this.lines.0];
        let gives = above.expects("error").or(above.expects("warning")).is_some();
        if gives && this.info == "text" && between.iter().all(|line| line.is_empty()) {
            let (_, shown) = messages(&texts[index - 1], NAME, &mut files);
            found.push((blocks.remove(index), shown));
        }
    }
    found.reverse();
    found
}

#[test]
fn messages_are_shown_as_the_command_prints_them() {
    for page in ["docs/language.md", "docs/errors.md"] {
        let text = read(page);
        let shown = shown_messages(&text);
        if std::env::var_os("NETWRIGHT_BLESS").is_some() {
            let mut lines: Vec<&str> = text.lines().collect();
            for (block, message) in shown.iter().rev() {
                lines.splice(block.lines.0 + 1..block.lines.1, message.trim_end().lines());
            }
            std::fs::write(path(page), lines.join("\n") + "\n").unwrap();
            continue;
        }
        for (block, message) in &shown {
            assert_eq!(block.text.trim_end(), message.trim_end(), "{page}, line {}", block.lines.0 + 1);
        }
        if page == "docs/errors.md" {
            assert_eq!(shown.len(), N_MESSAGES);
        }
    }
}

/// The message that the README shows is what its network gives without `flatten`.
#[test]
fn the_readme_shows_a_real_message() {
    let blocks = blocks(&read("README.md"));
    let network = blocks.iter().find(|block| block.is_description()).unwrap();
    let message = blocks.iter().find(|block| block.text.starts_with("error[")).unwrap();
    let without = network.text.replace("flatten -> ", "");
    assert_ne!(without, network.text);
    let (_, shown) = messages(&without, "nets/lenet.net", &mut Shown(HashMap::new()));
    assert_eq!(message.text.trim_end(), shown.trim_end());
}

/// A value for each argument that the calls of `docs/layers.md` leave to the reader.
const VALUES: &[(&str, &str)] = &[
    ("filters", "6"),
    ("kernel", "3"),
    ("units", "5"),
    ("axes", "[0, 1]"),
    ("size", "1"),
    ("factor", "2"),
    ("shape", "[4, 8, 8]"),
    ("rate", "0.25"),
    ("groups", "2"),
    ("axis", "2"),
    ("parts", "2"),
];

/// Every call that the reference of the layers shows compiles, as it stands and with every default spelled out.
#[test]
fn the_calls_of_the_reference_compile() {
    let page = read("docs/layers.md");
    let value = |name: &str| VALUES.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let mut n_calls = 0;
    for section in page.split("\n## ").skip(1) {
        let (layer, _) = section.split_once('\n').unwrap();
        let call = &blocks(section)[0].text;
        let rows: Vec<Vec<&str>> = section
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| line.split(" | ").map(|cell| cell.trim_matches(['|', ' '])).collect())
            .collect();
        // An argument without a default of its own, as `stride` of a pool, stays out.
        let spelled = rows.iter().filter_map(|row| {
            let name = row[0].trim_matches('`');
            let given = match row[2] {
                "" => return None,
                "required" => value(name).unwrap_or_else(|| panic!("{layer}: {name}")),
                default => default.trim_matches('`'),
            };
            Some(format!("{name}: {given}"))
        });
        let spelled: Vec<String> = spelled.collect();
        let (head, list) = call.trim().split_once('(').unwrap_or((call.trim(), ""));
        let shown = list.split([',', ')']).filter_map(|argument| {
            let argument = argument.trim().rsplit(' ').next()?;
            let name = list.contains(&format!("{argument}: {argument}")).then(|| format!("{argument}: "));
            Some(name.unwrap_or_default() + value(argument).or(matches!(argument, "a" | "b").then_some("x"))?)
        });
        let shown = format!("{head}({})", shown.collect::<Vec<_>>().join(", "));
        let operands = if head.contains("->") { String::new() } else { "x, x, ".to_owned() };
        let spelled = format!("{head}({operands}{})", spelled.join(", "));
        let input = if layer == "dense" { "[16]" } else { "[8, 8, 4]" };
        for call in [&shown, &spelled] {
            let names = if layer == "split" { "y, z" } else { "y" };
            let text =
                format!("network N {{ input x: {input}; {names} = {call}; output o = y; allow(unused_value); }}");
            let (found, messages) = messages(&text, NAME, &mut Shown(HashMap::new()));
            assert!(found.iter().all(|(level, _)| *level != Level::Error), "{text}\n{messages}");
            n_calls += 1;
        }
    }
    assert_eq!(n_calls, 2 * netwright_compiler::ops::SIGNATURES.len());
}

/// The reference names every layer's lint, keyword and code that it speaks of as the compiler does.
#[test]
fn codes_and_lints_exist() {
    for page in ["docs/language.md", "docs/errors.md"] {
        let text = read(page);
        let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| {
            word.len() == 5 && word.starts_with('N') && word[1..].bytes().all(|byte| byte.is_ascii_digit())
        });
        let unknown: Vec<&str> = words.filter(|word| codes::find(word).is_none()).collect();
        assert!(unknown.is_empty(), "{page}: {unknown:?}");
    }
    let page = read("docs/language.md");
    for lint in netwright_compiler::lint::LINTS {
        let row = format!("| `{}` | {} |", lint.name, lint.code);
        assert!(page.contains(&row), "docs/language.md has no row {row}");
    }
    for key in netwright_compiler::syntax::keywords::KEYWORDS {
        assert!(page.contains(&format!("`{key}`")), "docs/language.md does not list the keyword {key}");
    }
}
