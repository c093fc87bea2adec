//! What the language has around layers: parameters, constants, conditions, loops, bundled blocks, further inputs and
//! outputs.

use super::{Generator, Image};

/// A parameter of the network, its value as the text has it.
#[derive(Debug, Clone)]
pub(super) struct Parameter {
    pub(super) declared: String,
    /// A condition on it, and whether it holds.
    condition: (String, bool),
}

impl Generator {
    /// The network's parameters.
    pub(super) fn declare_parameters(&mut self) {
        if self.random.one_in(2) {
            let width = self.random.between(1, 4);
            let least = self.random.between(1, 4);
            let declared = format!("width: int = {width}");
            self.parameters.push(Parameter { declared, condition: (format!("width >= {least}"), width >= least) });
        }
        if self.random.one_in(3) {
            let flag = self.random.one_in(2);
            let declared = format!("deep: bool = {flag}");
            let condition =
                if self.random.one_in(2) { ("deep".to_owned(), flag) } else { ("not deep".to_owned(), !flag) };
            self.parameters.push(Parameter { declared, condition });
        }
        if self.random.one_in(3) {
            let mode = *self.random.pick(&["a", "b", "c"]);
            let declared = format!("mode: \"a\" | \"b\" | \"c\" = \"{mode}\"");
            let condition = ("mode == \"a\" or mode == \"c\"".to_owned(), mode != "b");
            self.parameters.push(Parameter { declared, condition });
        }
        if self.random.one_in(4) {
            let declared = "rate: float = 0.25".to_owned();
            self.parameters.push(Parameter { declared, condition: ("rate * 2 < 0.5".to_owned(), false) });
        }
    }

    /// A statement of several lines: a loop or a condition.
    pub(super) fn controlled(&mut self, x: &str, shape: Image) -> (String, Image) {
        let [h, w, c] = shape;
        let name = self.bind(x, &shape);
        match self.random.below(4) {
            0 => {
                // The same layers again and again, under numbered names.
                let (n, inner, activation) = (self.random.below(4), self.same(shape), self.activation());
                let label = if inner.contains(" -> ") { String::new() } else { format!(" as {name}[i]") };
                self.lines.push(format!("for i in 0..{n} {{ {name} = {name} -> {inner}{label} -> {activation}; }}"));
                (name, shape)
            }
            1 => {
                // Over a list of lists.
                let rows: Vec<[usize; 2]> = (0..self.random.between(1, 3))
                    .map(|_| [self.random.between(1, 4), 2 * self.random.below(2) + 1])
                    .collect();
                let activation = self.activation();
                self.lines.push(format!(
                    "for f, k in {rows:?} {{ {name} = {name} -> conv(f, kernel: k, pad: k / 2) -> {activation}; }}"
                ));
                let filters = rows.last().map_or(c, |row| row[0]);
                self.again(&name, [h, w, filters])
            }
            2 => {
                // A loop in a loop, with a condition.
                let inner = self.same(shape);
                self.lines.push(format!(
                    "for i in [0, 1] {{ for j in i..2 {{ if i == j {{ {name} = {name} -> {inner}; }} else {{ {name} = {name} -> tanh; }} }} }}"
                ));
                (name, shape)
            }
            _ => self.branched(&name, shape),
        }
    }

    /// A condition on a parameter, of which one branch is taken.
    fn branched(&mut self, name: &str, shape: Image) -> (String, Image) {
        let Some(parameter) = (!self.parameters.is_empty()).then(|| self.random.pick(&self.parameters).clone()) else {
            return (name.to_owned(), shape);
        };
        let (condition, holds) = parameter.condition;
        let before = self.frozen.len();
        let (yes, after_yes) = self.stage(shape);
        let between = self.frozen.len();
        let (no, after_no) = self.stage(shape);
        // What is not there cannot be frozen.
        self.frozen.drain(if holds { between..self.frozen.len() } else { before..between });
        self.lines.push(format!("if {condition} {{ {name} = {name} -> {yes}; }} else {{ {name} = {name} -> {no}; }}"));
        self.again(name, if holds { after_yes } else { after_no })
    }

    /// A new name for a tensor, with its shape written down.
    fn again(&mut self, name: &str, shape: Image) -> (String, Image) {
        (self.bind(name, &shape), shape)
    }

    /// A bundled block, or a constant's value as a size.
    pub(super) fn borrowed(&mut self, x: &str, shape: Image) -> (String, Image) {
        let [h, w, c] = shape;
        match self.random.below(4) {
            0 => {
                self.uses.insert("fire");
                let (squeeze, one, three) =
                    (self.random.between(1, 3), self.random.between(1, 2), self.random.between(1, 2));
                let made = [h, w, one + three];
                (self.bind(&format!("{x} -> Fire({squeeze}, {one}, expand3: {three})"), &made), made)
            }
            1 => {
                self.uses.insert("se");
                (self.bind(&format!("{x} -> SE(reduction: {c})"), &shape), shape)
            }
            2 => {
                let (number, value) = (self.lines.len() + 1, self.random.between(1, 3));
                self.lines.push(format!("const k{number} = {} - 7;", value + 7));
                let made = [h, w, value];
                (self.bind(&format!("{x} -> conv(k{number}, kernel: 1)"), &made), made)
            }
            _ => {
                let width =
                    self.parameters.iter().find_map(|parameter| parameter.declared.strip_prefix("width: int = "));
                let (text, filters) = match width.and_then(|width| width.parse().ok()) {
                    Some(width) => ("width", width),
                    None => ("LEAST + 1", super::LEAST + 1),
                };
                let made = [h, w, filters];
                (self.bind(&format!("{x} -> conv({text}, kernel: 3, pad: 1)"), &made), made)
            }
        }
    }

    /// Another input, joined with what is there.
    pub(super) fn second_input(&mut self, x: &str, shape: Image) -> (String, Image) {
        let [h, w, c] = shape;
        let name = format!("z{}", self.inputs.len() + 1);
        if self.random.one_in(2) {
            let depth = self.random.between(1, 2);
            self.inputs.push(format!("input {name}: [{h}, {w}, {depth}];"));
            let made = [h, w, c + depth];
            (self.bind(&format!("concat({x}, {name})"), &made), made)
        } else {
            let features = self.random.between(1, 4);
            self.inputs.push(format!("input {name}: [{features}];"));
            let gate = self.bind(&format!("{name} -> dense({c}) -> sigmoid"), &[c]);
            let op = *self.random.pick(&["*", "+"]);
            (self.bind(&format!("{x} {op} {gate}"), &shape), shape)
        }
    }

    /// An output besides the last one.
    pub(super) fn side_output(&mut self, x: &str, shape: Image) {
        let number = self.lines.len() + 1;
        let text = match self.random.below(3) {
            0 => x.to_owned(),
            1 => format!("{x} -> global_max_pool -> dense(2)"),
            _ => {
                let (stage, _) = self.stage(shape);
                format!("{x} -> {stage}")
            }
        };
        self.lines.push(format!("output side{number} = {text};"));
    }
}
