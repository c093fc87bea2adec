//! Texts that nobody writes: they keep their meaning, and are formatted soon on a small stack.

use std::time::Duration;

use super::{MAX_TEXT_BYTES, MAX_TOKENS, TokenKind, files, formatted, try_format, with_tokens};
use crate::syntax::limits::MAX_BRACKETS;
use crate::time::processor_time;

/// Numbers that are the same on each machine (Marsaglia, "Xorshift RNGs", 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % limit
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// What can stand between any two tokens.
const GAPS: &[&str] = &[
    " ",
    "  ",
    "\t",
    "\n",
    "\n\n",
    "\n\n\n\n",
    " \r\n ",
    " /* c */ ",
    "/**/",
    "\n/* own */\n",
    "\n/* close */",
    " /* far */\n",
    "// c\n",
    " // c \n",
    "\n// own\n",
    "\n\n// apart\n\n",
    "/* two\n   lines */",
    "//// four\n",
    "// a\n// b\n",
    " /* a */ /* b */ ",
    "/* a *//* b */\n/* c */",
    "/* /* in */ */",
    "\n/* x */ // y\n\n",
];

/// The text with other things between its tokens; `share` of 100 gaps get one of [`GAPS`], others keep what is there.
fn shaken(text: &str, share: usize, random: &mut Random) -> String {
    with_tokens(text, |tokens, _| {
        let mut shaken = String::new();
        let mut end = 0;
        for (index, token) in tokens.iter().enumerate() {
            let gap = &text[end..token.span.range().start];
            let after_doc = index > 0 && tokens[index - 1].kind == TokenKind::Doc;
            if after_doc {
                shaken.push('\n');
            }
            if random.below(100) < share {
                let gap = random.pick(GAPS);
                // `/` and a comment would be another comment.
                if shaken.ends_with('/') && gap.starts_with('/') {
                    shaken.push(' ');
                }
                shaken.push_str(gap);
            } else {
                shaken.push_str(gap);
            }
            shaken.push_str(&text[token.span.range()]);
            end = token.span.range().end;
        }
        shaken.push_str(random.pick(GAPS));
        shaken
    })
}

#[test]
fn what_stands_between_words_changes_no_meaning() {
    let mut random = Random(0x6e65_7477_7269_6768);
    for (path, text) in files("models").into_iter().chain(files("tests/nets")) {
        let plain = super::tree(&text);
        for share in [2, 10, 40, 100] {
            let shaken = shaken(&text, share, &mut random);
            assert_eq!(super::tree(&shaken), plain, "{}: {shaken}", path.display());
            formatted(&shaken);
        }
    }
}

#[test]
fn any_text_is_formatted_or_refused() {
    let mut random = Random(0x5eed);
    let texts = files("models");
    let (mut n_good, mut n_bad) = (0, 0);
    for _ in 0..200 {
        let (_, text) = &texts[random.below(texts.len())];
        let mut pieces: Vec<String> = with_tokens(text, |tokens, _| {
            tokens.iter().map(|token| text[token.span.range()].to_owned() + "\n").collect()
        });
        for _ in 0..random.below(4) {
            let (at, from) = (random.below(pieces.len()), random.below(pieces.len()));
            match random.below(3) {
                0 => drop(pieces.remove(at)),
                1 => pieces.insert(at, pieces[from].clone()),
                _ => pieces.swap(at, from),
            }
        }
        let text = pieces.join(random.pick(&[" ", " ", "// c\n", "\n"]));
        match try_format(&text) {
            Ok(_) => {
                n_good += 1;
                formatted(&text);
            }
            Err(messages) => {
                n_bad += 1;
                assert!(messages.contains("error[N0") && !messages.contains("N0109"), "{messages}\n{text}");
            }
        }
    }
    assert!(n_good > 30 && n_bad > 50, "{n_good} {n_bad}");
}

#[test]
fn mistakes_are_reported_and_nothing_is_formatted() {
    let messages = try_format("network N { input x: [4]; output y = x -> ; }").unwrap_err();
    assert!(messages.contains("error[N0017]"), "{messages}");
    let messages = try_format("network N { /// Nothing.\n}").unwrap_err();
    assert!(messages.contains("error[N0022]"), "{messages}");
}

#[test]
fn large_and_deep_texts_are_formatted_soon() {
    let within = |value: &str| format!("network N {{ input x: [4]; y = {value}; output z = x; }}");
    let n = MAX_BRACKETS - 1;
    // Slow builds parse slowly; what is not linear shows here too.
    let most = MAX_TOKENS / 4;
    let item = "conv(3, kernel: 5), ";
    let texts = [
        within(&format!("{}x{}", "(".repeat(n), ")".repeat(n))),
        within(&format!("{}x{}", "f(x + 1 * ".repeat(n / 2), ") + 3 * x".repeat(n / 2))),
        within(&format!("{}x // deep\n{}", "[x -> f(a and b or ".repeat(n / 2), ")]".repeat(n / 2))),
        within(&format!("[{}]", item.repeat(most / 9))),
        within(&format!("[{}]", "\n1, ".repeat(most / 2))),
        within(&format!("x{}", " -> relu".repeat(most / 2))),
        within(&format!("x{}", "\n -> f(3)\n".repeat(most / 5))),
        format!("network N {{ {} }}", "a = b; ".repeat(most / 4)),
        format!("network N {{ {} }}", "// c\n".repeat(most)),
        format!("network N {{ a = /* {} */ b; }}", "/* c */\n".repeat(most)),
        format!("network N {{ a = {} b; }}", "/* c */".repeat(most)),
    ];
    for text in texts {
        let shown = text.chars().take(80).collect::<String>();
        let run = move || {
            let start = processor_time();
            let done = try_format(&text).map(|formatted| try_format(&formatted) == Ok(formatted));
            (done, processor_time() - start)
        };
        let (done, time) = std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
        assert!(done == Ok(true), "{shown}: {done:?}");
        assert!(time < Duration::from_secs(20), "{shown}: {time:?}");
    }
}

#[test]
fn a_text_that_would_grow_too_large_is_refused() {
    // Each line of a pipeline gets eight blanks.
    let text = format!("network N{{y=x{};}}", "\n->f(\"____________________\")".repeat(MAX_TEXT_BYTES / 29));
    let long = text.len() <= MAX_TEXT_BYTES;
    let messages = try_format(&text).unwrap_err();
    assert!(long && messages.contains("error[N000"), "{messages}");
}
