//! A mutator over the words of a text: what it makes is far more often a description than what bytes alone become.
//!
//! A text is cut into pieces (names, numbers, strings, signs, blanks, comments), of which one to four are exchanged,
//! dropped, or set beside words and statements of the language. Half of the time the bytes are mutated by libFuzzer,
//! with the words of `net.dict`.

/// Words that can stand where a word stands.
const WORDS: &str = "network block input output return const assert use for in if else train freeze budget allow as and \
                     or not true false _ prune int float bool x y i n C H W self conv1 weight ( ) [ ] { } -> ; , : = == \
                     != < <= > >= + - * / .. | \"a\" /*c*/";

/// What changes how the rest of a line reads.
const LINES: &[&str] = &["// c\n", "/// d\n", "\n", "\n\n", "\t", "/* c\n */"];

/// Numbers at and near limits.
const NUMBERS: &str = "0 1 2 3 4 5 7 8 16 32 127 128 255 256 10000 10001 65536 2147483647 2147483648 4294967296 \
                       9223372036854775807 9223372036854775808 1_000 0.0 0.5 1.0 1e-3 1e308 1e309 2.5e-320 1e400 -1";

/// Stages of a pipeline.
const STAGES: &[&str] = &[
    "conv(3, kernel: 3, pad: 1)",
    "conv(4, kernel: [1, 2], stride: 2, dilation: 2, groups: 2, bias: false)",
    "conv_transpose(2, kernel: 3, stride: 2, pad: 1, output_pad: 1)",
    "depthwise_conv(3, multiplier: 2)",
    "separable_conv(2, kernel: 3, pad: 1)",
    "dense(4)",
    "dense(3, bias: false, init: zeros)",
    "flatten",
    "max_pool(2)",
    "max_pool(3, stride: 2, pad: 1, ceil: true)",
    "avg_pool([2, 1], stride: 1, count_include_pad: true)",
    "global_avg_pool",
    "global_max_pool",
    "relu",
    "leaky_relu(0.2)",
    "elu",
    "gelu",
    "silu",
    "sigmoid",
    "tanh",
    "relu6",
    "hard_sigmoid",
    "hard_swish",
    "prelu",
    "softmax",
    "log_softmax",
    "batch_norm(epsilon: 0.1)",
    "layer_norm",
    "group_norm(2)",
    "lrn(5)",
    "dropout(0.5)",
    "pad([1, 0, 2, 1])",
    "upsample(2, mode: \"bilinear\")",
    "reshape([4, 4, 1])",
    "slice(2, 0, 1)",
    "mean([0, 1])",
    "affine(scale: 2, shift: 1)",
    "add(x)",
    "multiply(x)",
    "subtract(x)",
    "concat(x)",
    "concat(x, axis: 0)",
    "Part(2)",
    "Fire(2, 3)",
];

/// Statements.
const STATEMENTS: &[&str] = &[
    "x = x -> relu;",
    "y = x -> conv(2, kernel: 1) as c;",
    "a, b = split(x, 2);",
    "a, b = split(x, [1, 2], axis: 0);",
    "input z: [4, 4, 2];",
    "output z = x;",
    "const k = 3;",
    "const k = n + 1;",
    "n = n / 2 - 1;",
    "l = [[1, 2], [3, 4]];",
    "assert n > 0, \"n\";",
    "for i in 0..3 { x = x -> relu; }",
    "for i in 0..n { x = x -> dense(4) as d[i]; }",
    "for a, b in [[1, 2], [3, 4]] { x = x -> dense(a * b); }",
    "if n > 2 { x = x -> tanh; } else { x = x -> relu; }",
    "if wide and n == 1 or not wide { y = x; } else if n < 3 { y = x + x; }",
    "return x;",
    "return x, x;",
    "train { loss: cross_entropy(x); }",
    "train { loss: huber(x, delta: 0.5); optimizer: sgd(lr: 0.1, momentum: 0.9); schedule: cosine; batch: 8; }",
    "train { loss: cross_entropy(x, smoothing: 0.1, weights: [1, 2]); lr(conv1): 0.1; clip_norm: 1.0; seed: 3; }",
    "freeze conv1;",
    "freeze d[0], c.weight;",
    "budget { parameters <= 1_000; macs < 5; training_bytes(batch: 16) == 3; }",
    "allow(no_activation, unused_value);",
    "use <fire>;",
    "use \"a.net\";",
    "block Part(x: [H, W, C], n: int = 2) -> [H, W, C] { return x -> conv(C, kernel: 1) -> relu; }",
    "block Part(x: [H / 2, _, 2 * C], y: [H, W, C], k: \"a\" | \"b\" = \"a\") -> [H], [C] { return x, y; }",
    "network M(n: int = 3, wide: bool = true, f: float = 0.5) { input x: [n]; output y = x -> dense(2); }",
];

/// Random numbers of a seed (Steele et al., "Fast Splittable Pseudorandom Number Generators", 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % bound.max(1) as u64) as usize
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    /// One of the words of a line.
    fn word(&mut self, of: &'static str) -> &'static str {
        of.split(' ').nth(self.below(of.split(' ').count())).unwrap_or("x")
    }
}

/// Mutates `data[..size]` in place, as libFuzzer's custom mutators do; the new size.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Random(u64::from(seed));
    let Some(text) = std::str::from_utf8(&data[..size]).ok().filter(|_| random.below(2) == 0) else {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    };
    let mut pieces: Vec<String> = pieces(text).into_iter().map(str::to_owned).collect();
    for _ in 0..=random.below(4) {
        change(&mut pieces, &mut random);
    }
    write(data, max_size, &pieces.concat())
}

/// Sets statements of one text among those of another; the size of the result.
pub fn cross(one: &[u8], other: &[u8], out: &mut [u8], seed: u32) -> usize {
    let mut random = Random(u64::from(seed));
    let (Ok(one), Ok(other)) = (std::str::from_utf8(one), std::str::from_utf8(other)) else { return 0 };
    let mut into = pieces(one);
    let from = pieces(other);
    let taken = statement(&from, random.below(from.len()));
    let place = statement(&into, random.below(into.len()));
    // Beside a statement, or in its place.
    let replaced = if random.below(2) == 0 { place.end..place.end } else { place };
    into.splice(replaced, from[taken].iter().copied());
    write(out, out.len(), &into.concat())
}

/// As much of the text as there is room for, up to the end of a character.
fn write(data: &mut [u8], max_size: usize, text: &str) -> usize {
    let most = max_size.min(data.len());
    let size = (0..=text.len().min(most)).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    data[..size].copy_from_slice(&text.as_bytes()[..size]);
    size
}

fn change(pieces: &mut Vec<String>, random: &mut Random) {
    let n = pieces.len();
    if n == 0 {
        pieces.push(random.pick(STATEMENTS).to_owned());
        return;
    }
    let at = random.below(n);
    let is = |piece: &String, test: fn(u8) -> bool| piece.bytes().next().is_some_and(test);
    match random.below(14) {
        0 => drop(pieces.remove(at)),
        1 => drop(pieces.drain(statement(pieces, at))),
        2 => {
            let range = statement(pieces, at);
            let copy = pieces[range.clone()].to_vec();
            pieces.splice(range.end..range.end, copy);
        }
        3 => pieces[at] = random.word(WORDS).to_owned(),
        4 => pieces.insert(at, format!(" {} ", random.word(WORDS))),
        13 => pieces.insert(at, random.pick(LINES).to_owned()),
        5 => {
            let numbers: Vec<usize> = (0..n).filter(|&at| is(&pieces[at], |c| c.is_ascii_digit())).collect();
            if let Some(&at) = numbers.get(random.below(numbers.len())) {
                pieces[at] = random.word(NUMBERS).to_owned();
            }
        }
        6 => {
            let names: Vec<usize> =
                (0..n).filter(|&at| is(&pieces[at], |c| c.is_ascii_alphabetic() || c == b'_')).collect();
            if !names.is_empty() {
                let (at, from) = (names[random.below(names.len())], names[random.below(names.len())]);
                pieces[at] = pieces[from].clone();
            }
        }
        7 => pieces.swap(at, random.below(n)),
        8 => {
            // A stage where one can stand.
            let places: Vec<usize> = (0..n).filter(|&at| [";", "->", ")"].contains(&pieces[at].as_str())).collect();
            if let Some(&at) = places.get(random.below(places.len())) {
                pieces.insert(at, format!(" -> {} ", random.pick(STAGES)));
            }
        }
        9 | 10 => {
            let places: Vec<usize> = (0..n).filter(|&at| [";", "{", "}"].contains(&pieces[at].as_str())).collect();
            let at = places.get(random.below(places.len())).map_or(0, |&at| at + 1);
            pieces.insert(at, format!("\n{}\n", random.pick(STATEMENTS)));
        }
        11 => {
            let (a, b) = (statement(pieces, at), statement(pieces, random.below(n)));
            let copy = pieces[b].to_vec();
            pieces.splice(a, copy);
        }
        _ => {
            // Under a condition, or in a loop.
            let range = statement(pieces, at);
            let around = random.pick(&[
                "if n > 1 {",
                "for i in 0..2 {",
                "if true {",
                "block B(x: [C]) -> [C] {",
                "for a in [1, 2] {",
                "(",
            ]);
            pieces.insert(range.end, if around == "(" { ")" } else { "}" }.to_owned());
            pieces.insert(range.start, around.to_owned());
        }
    }
}

/// The statement or braces around a piece: from behind the `;`, `{` or `}` before it to the next `;` or closed brace.
fn statement<P: AsRef<str>>(pieces: &[P], at: usize) -> std::ops::Range<usize> {
    let ends = |piece: &P| [";", "{", "}"].contains(&piece.as_ref());
    let start = pieces[..at.min(pieces.len())].iter().rposition(ends).map_or(0, |before| before + 1);
    let mut depth = 0_usize;
    for (offset, piece) in pieces[start..].iter().enumerate() {
        match piece.as_ref() {
            "{" => depth += 1,
            "}" if depth <= 1 => return start..start + offset + depth,
            "}" => depth -= 1,
            ";" if depth == 0 => return start..start + offset + 1,
            _ => {}
        }
    }
    start..pieces.len()
}

/// The text in pieces, nothing left out.
fn pieces(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let mut pieces = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        let rest = &bytes[start..];
        let run = |test: fn(u8) -> bool| rest.iter().position(|&byte| !test(byte)).unwrap_or(rest.len());
        let len = match rest {
            [b'/', b'/', ..] => run(|c| c != b'\n'),
            [b'/', b'*', ..] => text[start + 2..].find("*/").map_or(rest.len(), |at| at + 4),
            [b'"', ..] => text[start + 1..].find(['"', '\n']).map_or(rest.len(), |at| at + 2),
            [b'-', b'>', ..] | [b'.', b'.', ..] | [b'=' | b'!' | b'<' | b'>', b'=', ..] => 2,
            [first, ..] if first.is_ascii_digit() => run(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'.'),
            [first, ..] if first.is_ascii_alphabetic() || *first == b'_' => {
                run(|c| c.is_ascii_alphanumeric() || c == b'_')
            }
            [first, ..] if first.is_ascii_whitespace() => run(|c| c.is_ascii_whitespace()),
            _ => text[start..].chars().next().map_or(1, char::len_utf8),
        };
        // A number may have run into the dots of a range.
        let len = text[start..start + len].find("..").filter(|&at| at > 0 && rest[0].is_ascii_digit()).unwrap_or(len);
        pieces.push(&text[start..start + len]);
        start += len;
    }
    pieces
}
