//! How a layer is called: its operands and arguments, their kinds, defaults and documentation.

use super::Rule;
use crate::ir::ValueId;
use crate::lower::LayerCall;

/// A layer as the language sees it.
#[derive(Debug)]
pub struct Signature {
    /// The name in a description.
    pub name: &'static str,
    /// What it computes: a sentence, then details, in Markdown.
    pub docs: &'static str,
    /// The tensors it takes.
    pub operands: Operands,
    /// The arguments it takes, positional in this order.
    pub arguments: &'static [Argument],
    /// Whether it has parameters, and so a name by which they are found.
    pub weighted: bool,
    /// Whether a call may make several tensors, as `split` does.
    pub has_several: bool,
    /// What it makes of its operands, and what it refuses.
    pub rule: Rule,
    /// Makes the nodes for operands that the rule has accepted. `None` after an error that has been reported.
    pub build: fn(&mut LayerCall<'_, '_>) -> Option<Vec<ValueId>>,
}

/// How many tensors a layer takes; the first stands left of `->`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operands {
    /// One.
    One,
    /// Two or more.
    Several,
}

/// An argument of a layer.
#[derive(Debug)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// What it is when left out.
    pub default: Default,
    /// What it means.
    pub docs: &'static str,
}

/// What an argument may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number, one or more.
    Count,
    /// One count for both axes, or `[height, width]`.
    CountPair,
    /// One whole number, zero or more, for both axes, or `[height, width]`.
    SizePair,
    /// A number that is at least the first and less than the second bound, given in thousandths.
    Number(i32, i32),
    /// A number above zero and less than this.
    Positive(i32),
    /// `true` or `false`.
    Bool,
    /// An initialiser: `he_uniform`, `normal(0.01)`.
    Init,
    /// An axis, counted from zero without the batch axis.
    Axis,
    /// One axis, or a list of axes.
    Axes,
    /// A whole number, zero or more.
    Size,
    /// One size for all sides, `[height, width]`, or `[top, bottom, left, right]`.
    Padding,
    /// One count, or a list of counts: the sizes of a shape's axes.
    Shape,
    /// One count, or a list of counts: the sizes of parts.
    Parts,
    /// A number that fits into 32 bits.
    Real,
    /// One of these words, in quotes.
    Choice(&'static [&'static str]),
}

/// What an argument is when left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// It may not be left out.
    Required,
    /// The layer decides, as its documentation says.
    Layer,
    /// A whole number.
    Int(i64),
    /// A truth value.
    Bool(bool),
    /// An initialiser, by name.
    Init(&'static str),
    /// A number, as written.
    Number(&'static str),
    /// A text.
    Text(&'static str),
}

impl Kind {
    /// The kind as messages say it.
    #[must_use]
    pub fn describe(self) -> String {
        let words = match self {
            Kind::Count => "a whole number, 1 or more",
            Kind::CountPair => "a whole number, 1 or more, or two of them: [height, width]",
            Kind::SizePair => "a whole number, 0 or more, or two of them: [height, width]",
            Kind::Number(..) => "a number",
            Kind::Positive(_) => "a number above 0",
            Kind::Bool => "`true` or `false`",
            Kind::Init => "an initialiser, such as `he_uniform` or `normal(0.01)`",
            Kind::Axis => "an axis: 0, 1 or 2, without the batch axis",
            Kind::Axes => "an axis or a list of them: 0, 1 or 2, without the batch axis",
            Kind::Size => "a whole number, 0 or more",
            Kind::Padding => "a whole number, 0 or more, or [height, width], or [top, bottom, left, right]",
            Kind::Shape => "the sizes of the axes, each a whole number, 1 or more: [28, 28, 1]",
            Kind::Parts => "a whole number, 1 or more, or a list of them",
            Kind::Real => "a number that fits into 32 bits",
            Kind::Choice(words) => {
                return words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(" or ");
            }
        };
        words.to_owned()
    }
}

impl std::fmt::Display for Default {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Default::Required => f.write_str("required"),
            Default::Layer => f.write_str("see below"),
            Default::Int(value) => write!(f, "{value}"),
            Default::Bool(value) => write!(f, "{value}"),
            Default::Init(name) | Default::Number(name) => f.write_str(name),
            Default::Text(text) => write!(f, "{text:?}"),
        }
    }
}

/// `init` and `bias_init`, which every weighted layer takes.
pub(super) const INIT: Argument = Argument {
    name: "init",
    kind: Kind::Init,
    default: Default::Init("glorot_uniform"),
    docs: "how the weights start",
};

/// See [`INIT`].
pub(super) const BIAS_INIT: Argument =
    Argument { name: "bias_init", kind: Kind::Init, default: Default::Init("zeros"), docs: "how the biases start" };

/// `bias`, which every weighted layer takes.
pub(super) const BIAS: Argument = Argument {
    name: "bias",
    kind: Kind::Bool,
    default: Default::Bool(true),
    docs: "whether a bias is added to each output",
};
