//! Shape rules: what a layer makes of its operands, symbolically, and what it refuses.
//!
//! A rule is the one place where a layer's typing is written. It serves the definition of a block, where sizes are
//! polynomials of the block's variables, and its instances, where they are numbers.

use super::Signature;
use crate::diagnostic::{Code, codes};
use crate::lower::{BoundArgument, Constant};
use crate::types::{Dim, Facts, TensorType, Truth};

/// A shape rule: the results' types, or why the operands do not fit. All operands have known types.
pub type Rule = fn(&mut RuleCall<'_>) -> Result<Vec<TensorType>, Mismatch>;

/// What a layer refuses.
#[derive(Debug, Clone)]
pub struct Mismatch {
    /// The message's code.
    pub code: Code,
    /// The message's title.
    pub title: String,
    /// What was expected, for the label at the call or the argument.
    pub expected: String,
    /// What to do.
    pub help: Option<String>,
    /// What does it, put before a call in a pipeline.
    pub before: Option<&'static str>,
    /// Whether something else may do as well.
    pub is_guess: bool,
    /// The operand to blame, whose producer the message points at.
    pub operand: usize,
    /// The argument to blame; then the message stands at its value.
    pub argument: Option<&'static str>,
}

impl Mismatch {
    /// Operands that do not fit; the first is to blame.
    pub(crate) fn new(code: Code, title: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            code,
            title: title.into(),
            expected: expected.into(),
            help: None,
            before: None,
            is_guess: false,
            operand: 0,
            argument: None,
        }
    }

    /// Adds what to do.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds what to put before the call.
    pub(super) fn before(self, help: impl Into<String>, stages: &'static str) -> Self {
        Self { before: Some(stages), ..self.help(help) }
    }

    /// Adds what may be put before the call, where something else may be meant as well.
    pub(super) fn maybe_before(self, help: impl Into<String>, stages: &'static str) -> Self {
        Self { is_guess: true, ..self.before(help, stages) }
    }

    /// Blames another operand.
    pub(super) fn operand(mut self, operand: usize) -> Self {
        self.operand = operand;
        self
    }

    /// Blames an argument.
    pub(super) fn argument(mut self, argument: &'static str) -> Self {
        self.argument = Some(argument);
        self
    }
}

/// A call of a layer as its shape rule sees it.
pub struct RuleCall<'a> {
    signature: &'a Signature,
    operands: &'a [TensorType],
    arguments: &'a [BoundArgument],
    /// What is known of the variables; takes what cannot be decided.
    pub(super) facts: &'a mut Facts,
}

impl<'a> RuleCall<'a> {
    pub(crate) fn new(
        signature: &'a Signature,
        operands: &'a [TensorType],
        arguments: &'a [BoundArgument],
        facts: &'a mut Facts,
    ) -> Self {
        Self { signature, operands, arguments, facts }
    }

    /// The layer's name.
    pub(super) fn layer(&self) -> &'static str {
        self.signature.name
    }

    /// An operand's type; unknown if there is none of that number.
    pub(super) fn operand(&self, index: usize) -> TensorType {
        self.operands.get(index).cloned().unwrap_or(TensorType::unknown())
    }

    /// All operands' types.
    pub(super) fn operands(&self) -> &'a [TensorType] {
        self.operands
    }

    /// Height, width and channels of the first operand, which must be an image.
    pub(super) fn image(&self) -> Result<[Dim; 3], Mismatch> {
        let input = self.operand(0);
        input.image().ok_or_else(|| {
            let mismatch = Mismatch::new(
                codes::N0301,
                format!("`{}` takes an image, found {input}", self.layer()),
                "expected [height, width, channels]",
            );
            if input.rank() == 1
                && self.layer() == "conv"
                && self.pair("kernel").iter().all(|size| *size == Dim::from(1))
            {
                let units = self.dim("filters");
                return mismatch.help(format!("a 1x1 convolution of a vector is `dense({units})`"));
            }
            if input.rank() == 2 {
                return mismatch.help("an image in grey has one channel: declare it [height, width, 1]");
            }
            mismatch
        })
    }

    /// An argument's value.
    pub(super) fn argument(&self, name: &str) -> Option<&'a Constant> {
        self.arguments.iter().find(|argument| argument.name == name).map(|argument| &argument.value)
    }

    /// Whether an argument was given.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.arguments.iter().any(|argument| argument.name == name && argument.span.is_some())
    }

    /// A whole number; its kind was checked when it was bound.
    pub(super) fn dim(&self, name: &str) -> Dim {
        self.argument(name).map_or(Dim::unknown(), size)
    }

    /// `[vertical, horizontal]`.
    pub(super) fn pair(&self, name: &str) -> [Dim; 2] {
        match self.argument(name) {
            Some(Constant::List(items)) => match items.as_slice() {
                [a, b] => [size(a), size(b)],
                _ => [Dim::unknown(), Dim::unknown()],
            },
            Some(value) => [size(value), size(value)],
            None => [Dim::unknown(), Dim::unknown()],
        }
    }

    /// The items of a list, or a single value as the only one.
    pub(super) fn dims(&self, name: &str) -> Vec<Dim> {
        match self.argument(name) {
            Some(Constant::List(items)) => items.iter().map(size).collect(),
            Some(value) => vec![size(value)],
            None => Vec::new(),
        }
    }

    /// Whether an argument is a list.
    pub(super) fn is_list(&self, name: &str) -> bool {
        matches!(self.argument(name), Some(Constant::List(_)))
    }

    /// A truth value; it is always known.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.argument(name) == Some(&Constant::Bool(true))
    }

    /// An axis of the first operand, which must have it; axes are always known.
    pub(super) fn axis(&self, name: &'static str) -> Result<usize, Mismatch> {
        let (input, axis) = (self.operand(0), self.dim(name).as_size().unwrap_or(0));
        if axis < input.rank() {
            return Ok(axis);
        }
        let expected = format!("expected an axis from 0 to {}", input.rank().saturating_sub(1));
        Err(Mismatch::new(codes::N0204, format!("there is no axis {axis} in {input}"), expected)
            .help("axes are counted from zero, without the batch")
            .argument(name))
    }

    /// Asks whether two types are the same; `false` if they never are. Open questions are demanded of instances.
    pub(super) fn require_same(&mut self, a: &TensorType, b: &TensorType) -> bool {
        let pairs = || a.dims().iter().zip(b.dims());
        if a.rank() != b.rank() || pairs().any(|(a, b)| self.facts.equal(a, b) == Truth::Never) {
            return false;
        }
        pairs().all(|(a, b)| self.facts.require_equal(a, b))
    }
}

fn size(value: &Constant) -> Dim {
    match value {
        Constant::Int(value) => Dim::from(*value),
        Constant::Dim(dim) => dim.clone(),
        _ => Dim::unknown(),
    }
}

/// The rule of layers that keep their operand's shape.
pub(super) fn same(call: &mut RuleCall<'_>) -> Result<Vec<TensorType>, Mismatch> {
    Ok(vec![call.operand(0)])
}
