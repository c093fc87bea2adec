//! Blocks with symbolic shapes, and calls of them: operands and values, defaults that use sizes, several results,
//! conditions, loops, and blocks inside of blocks.

use super::{Generator, Image};

/// A block of the text.
#[derive(Debug, Clone)]
pub(super) struct Block {
    name: String,
    kind: Kind,
    /// The values that it takes after its operands.
    values: Vec<Value>,
}

/// What a block makes of `[H, W, C]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The same.
    Same,
    /// `[H, W, C + n]`.
    Joined,
    /// `[H, W, 2 * C]`.
    Doubled,
    /// `[(H - 1) / s + 1, (W - 1) / s + 1, n]`.
    Strided,
    /// `[2 * H, 2 * W, C]`.
    Grown,
    /// The same, of two images.
    Two,
    /// The same and `[C]`.
    Fork,
}

/// A value that a block takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    /// `n: int`, without a default.
    N,
    /// `s: int = 2`.
    Stride,
    /// `wide: bool = true`.
    Wide,
    /// `kind: "a" | "b" = "a"`.
    Choice,
    /// `rate: float = 0.25`.
    Rate,
    /// `hidden: int = C + 1`.
    Hidden,
    /// `rounds: int = 2`.
    Rounds,
}

impl Value {
    fn declared(self) -> &'static str {
        match self {
            Self::N => "n: int",
            Self::Stride => "s: int = 2",
            Self::Wide => "wide: bool = true",
            Self::Choice => "kind: \"a\" | \"b\" = \"a\"",
            Self::Rate => "rate: float = 0.25",
            Self::Hidden => "hidden: int = C + 1",
            Self::Rounds => "rounds: int = 2",
        }
    }
}

impl Generator {
    /// Defines some blocks; later ones may use the earlier.
    pub(super) fn define_blocks(&mut self) {
        for _ in 0..self.random.below(4) {
            let kind = *self.random.pick(&[
                Kind::Same,
                Kind::Same,
                Kind::Joined,
                Kind::Doubled,
                Kind::Strided,
                Kind::Grown,
                Kind::Two,
                Kind::Fork,
            ]);
            let mut values = match kind {
                Kind::Joined => vec![Value::N],
                Kind::Strided => vec![Value::N, Value::Stride],
                _ => Vec::new(),
            };
            let more = [Value::Wide, Value::Choice, Value::Rate, Value::Hidden, Value::Rounds];
            values.extend(more.into_iter().filter(|_| self.random.one_in(3)));
            let name = format!("Block{}", self.blocks.len() + 1);
            let text = self.definition(&name, kind, &values);
            self.definitions.push(text);
            self.blocks.push(Block { name, kind, values });
        }
    }

    fn definition(&mut self, name: &str, kind: Kind, values: &[Value]) -> String {
        let operand = if kind == Kind::Two { "x: [H, W, C], other: [H, W, C]" } else { "x: [H, W, C]" };
        let parameters: Vec<&str> =
            std::iter::once(operand).chain(values.iter().map(|value| value.declared())).collect();
        let result = match kind {
            Kind::Same | Kind::Two => "[H, W, C]",
            Kind::Joined => "[H, W, C + n]",
            Kind::Doubled => "[H, W, 2 * C]",
            Kind::Strided => "[(H - 1) / s + 1, (W - 1) / s + 1, n]",
            Kind::Grown => "[2 * H, 2 * W, C]",
            Kind::Fork => "[H, W, C], [C]",
        };
        let mut lines = vec![format!("y = x -> {};", self.symbolic())];
        if values.contains(&Value::Rounds) {
            lines.push("assert rounds >= 0, \"rounds\";".to_owned());
            let (step, act) = (self.weighted_symbolic(), self.activation());
            lines.push(format!("for i in 0..rounds {{ y = y -> {step} as step[i] -> {act}; }}"));
        }
        if values.contains(&Value::Wide) {
            let (yes, no) = (self.symbolic(), self.activation());
            lines.push(match self.random.below(3) {
                0 => format!("if wide {{ y = y -> {yes}; }} else {{ y = y -> {no}; }}"),
                1 => format!("if not wide {{ y = y -> {no}; }}"),
                _ => format!("if wide and C > 1 {{ y = y -> {yes}: [H, W, C]; }} else if C == 1 {{ y = x; }}"),
            });
        }
        if values.contains(&Value::Choice) {
            let (a, b) = (self.symbolic(), self.activation());
            lines.push(format!("if kind == \"a\" {{ y = y -> {a}; }} else {{ y = -y -> {b}; }}"));
        }
        if values.contains(&Value::Rate) {
            lines.push("y = y -> dropout(rate / 2);".to_owned());
        }
        if values.contains(&Value::Hidden) {
            lines.push(
                "y: [_, W, C] = y -> conv(hidden, kernel: 1) as into -> tanh -> conv(C, kernel: 1) as out;".to_owned(),
            );
        }
        if self.random.one_in(4) {
            lines.push("gate = y -> global_avg_pool -> dense(C) as gate -> sigmoid;".to_owned());
            lines.push("y = y * gate;".to_owned());
        }
        lines.push(self.result(kind));
        let doc = if self.random.one_in(2) { format!("/// {kind:?}.\n") } else { String::new() };
        let body: String = lines.iter().map(|line| format!("    {line}\n")).collect();
        format!("{doc}block {name}({}) -> {result} {{\n{body}}}\n", parameters.join(", "))
    }

    /// The end of a block, which has `x` and `y` of `[H, W, C]`.
    fn result(&mut self, kind: Kind) -> String {
        match kind {
            Kind::Same => (*self.random.pick(&[
                "return y;",
                "return y + x;",
                "return x - y -> tanh;",
                "return x * (y -> sigmoid);",
                "if C == 1 { return y; } return y + x -> relu;",
            ]))
            .to_owned(),
            Kind::Joined => "return concat(y, x -> conv(n, kernel: 1) as more);".to_owned(),
            Kind::Doubled => {
                (*self.random.pick(&["return concat(x, y);", "return y -> conv(2 * C, kernel: [3, 1], pad: [1, 0]);"]))
                    .to_owned()
            }
            Kind::Strided => (*self.random.pick(&[
                "return y -> conv(n, kernel: 3, stride: s, pad: 1) as down;",
                "if s == 1 and C == n { return y + x; } return y -> conv(n, kernel: 3, stride: s, pad: 1) as down;",
                "return (y -> conv(n, kernel: 1, stride: s)) + (x -> max_pool(3, stride: s, pad: 1) -> conv(n, kernel: 1));",
            ]))
            .to_owned(),
            Kind::Grown => (*self.random.pick(&[
                "return y -> upsample(2);",
                "return y -> conv_transpose(C, kernel: 2, stride: 2);",
                "return (x -> upsample(2)) - (y -> upsample(2, mode: \"bilinear\"));",
            ]))
            .to_owned(),
            Kind::Two => (*self.random.pick(&[
                "return y + other;",
                "return other * y -> tanh;",
                "return concat(other, y) -> conv(C, kernel: 1) as mix;",
            ]))
            .to_owned(),
            Kind::Fork => "return y, x -> global_avg_pool -> dense(C) as means;".to_owned(),
        }
    }

    /// Stages from `[H, W, C]` to the same.
    fn symbolic(&mut self) -> String {
        let same: Vec<String> = self
            .blocks
            .iter()
            .filter(|block| block.kind == Kind::Same)
            .map(|block| {
                if block.values.contains(&Value::Wide) {
                    block.name.clone() + "(wide: false)"
                } else {
                    block.name.clone()
                }
            })
            .collect();
        match self.random.below(6) {
            0 if !same.is_empty() => self.random.pick(&same).clone(),
            0 | 1 => self.activation(),
            2 => (*self.random.pick(&[
                "layer_norm(epsilon: 0.1)",
                "batch_norm(epsilon: 0.1)",
                "group_norm(1, epsilon: 0.1)",
                "lrn(3, alpha: 0.5)",
                "pad([1, 0, 0, 1]) -> max_pool(2, stride: 1)",
                "avg_pool(3, stride: 1, pad: 1)",
                "slice(2, 0, C)",
            ]))
            .to_owned(),
            _ => {
                let weighted = self.weighted_symbolic();
                if self.random.one_in(2) { format!("{weighted} -> {}", self.activation()) } else { weighted }
            }
        }
    }

    fn weighted_symbolic(&mut self) -> String {
        (*self.random.pick(&[
            "conv(C, kernel: 3, pad: 1)",
            "conv(C, kernel: 1, bias: false)",
            "conv(C, kernel: [3, 1], pad: [2, 0], dilation: 2)",
            "conv(C, kernel: 3, pad: 1, groups: C)",
            "depthwise_conv(3, pad: 1)",
            "separable_conv(C, kernel: 3, pad: 1, bias: false)",
            "conv_transpose(C, kernel: 3, pad: 1)",
        ]))
        .to_owned()
    }

    /// A statement with a call of a block, if one fits.
    pub(super) fn block_call(&mut self, x: &str, shape: Image) -> Option<(String, Image)> {
        let [h, w, c] = shape;
        let fits = |block: &&Block| match block.kind {
            Kind::Grown => h * w <= 16,
            Kind::Doubled | Kind::Joined => c <= 6,
            _ => true,
        };
        let fitting: Vec<Block> = self.blocks.iter().filter(fits).cloned().collect();
        if fitting.is_empty() {
            return None;
        }
        let block = self.random.pick(&fitting).clone();
        let (mut arguments, mut n, mut stride) = (Vec::new(), 0, 2);
        if block.kind == Kind::Two {
            let inner = self.same(shape);
            arguments.push(format!("{x} -> {inner}"));
        }
        for value in &block.values {
            let given = match value {
                Value::N => {
                    n = self.random.between(1, 3);
                    arguments.push(n.to_string());
                    continue;
                }
                // Values with a default are given by name, or left out.
                _ if self.random.one_in(2) => continue,
                Value::Stride => {
                    stride = self.random.between(1, 3);
                    format!("s: {stride}")
                }
                Value::Wide => format!("wide: {}", self.random.one_in(2)),
                Value::Choice => format!("kind: \"{}\"", self.random.pick(&["a", "b"])),
                Value::Rate => "rate: 0.5".to_owned(),
                Value::Hidden => format!("hidden: {}", self.random.between(1, 3)),
                Value::Rounds => format!("rounds: {}", self.random.below(3)),
            };
            arguments.push(given);
        }
        let arguments = if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
        let label = if self.random.one_in(3) { format!(" as part{}", self.lines.len()) } else { String::new() };
        let call = format!("{x} -> {}{arguments}{label}", block.name);
        if self.random.one_in(6) && !label.is_empty() {
            self.frozen.push(label.trim_start_matches(" as ").to_owned());
        }
        let down = |size: usize| (size - 1) / stride + 1;
        let made = match block.kind {
            Kind::Same | Kind::Two => shape,
            Kind::Joined => [h, w, c + n],
            Kind::Doubled => [h, w, 2 * c],
            Kind::Strided => [down(h), down(w), n],
            Kind::Grown => [2 * h, 2 * w, c],
            Kind::Fork => {
                let number = self.lines.len() + 1;
                let (a, b) = (format!("t{number}a"), format!("t{number}b"));
                self.lines.push(format!("{a}, {b} = {call};"));
                let op = *self.random.pick(&["*", "+", "-"]);
                return Some((self.bind(&format!("{a} {op} {b}"), &shape), shape));
            }
        };
        Some((self.bind(&call, &made), made))
    }
}
