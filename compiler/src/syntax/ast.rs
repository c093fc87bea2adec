//! The syntax tree: what was written, with the span of every part. Nothing here is resolved or checked.

use crate::source::Span;

/// One `.net` text.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// What it takes from other files, in the order of the text.
    pub uses: Vec<Use>,
    /// Constants of the file.
    pub constants: Vec<Const>,
    /// Lints that keep quiet in the whole file.
    pub levels: Vec<Levels>,
    /// The blocks, in the order of the text. One whose header cannot be read is left out.
    pub blocks: Vec<Block>,
    /// The networks, in the order of the text. One whose header cannot be read is left out.
    pub networks: Vec<Network>,
    /// The whole text.
    pub span: Span,
}

impl File {
    /// A file without contents.
    #[must_use]
    pub fn empty(span: Span) -> Self {
        Self {
            uses: Vec::new(),
            constants: Vec::new(),
            levels: Vec::new(),
            blocks: Vec::new(),
            networks: Vec::new(),
            span,
        }
    }
}

/// `use <name>;` or `use "path";`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// Where it is.
    pub target: UseTarget,
    /// The name or path with its quotation marks or angle brackets.
    pub target_span: Span,
    /// The statement without its `;`.
    pub span: Span,
}

/// What a `use` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UseTarget {
    /// `<fire>`: a file that comes with Netwright.
    Bundled(String),
    /// `"blocks/fire.net"`: a path from the folder of the file.
    Path(String),
}

/// `const name = value;`.
#[derive(Debug, Clone, PartialEq)]
pub struct Const {
    /// Lines of the doc comment.
    pub docs: Vec<String>,
    /// The name it defines.
    pub name: Ident,
    /// Its value.
    pub value: Expr,
    /// The statement without its `;`.
    pub span: Span,
}

/// What a lint does where it finds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LintLevel {
    /// Nothing.
    Allow,
    /// It warns.
    Warn,
    /// It is an error.
    Deny,
}

/// `allow(lint, …);`, `warn(lint, …);` or `deny(lint, …);`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels {
    /// What the lints do.
    pub level: LintLevel,
    /// Names of lints.
    pub lints: Vec<Ident>,
    /// The statement without its `;`.
    pub span: Span,
}

/// `block NAME(operands and parameters) -> results { items }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Lines of the doc comment, without `///` and one space.
    pub docs: Vec<String>,
    /// Its name.
    pub name: Ident,
    /// Tensors and parameters, in the order of the text.
    pub params: Vec<Param>,
    /// The shapes of what it returns; at least one.
    pub results: Vec<Annotation>,
    /// The statements, in the order of the text.
    pub items: Vec<Item>,
    /// From `block` to the closing brace.
    pub span: Span,
}

/// `network NAME(params) { items }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Lines of the doc comment, without `///` and one space.
    pub docs: Vec<String>,
    /// Its name.
    pub name: Ident,
    /// Its parameters; empty without parentheses too.
    pub params: Vec<Param>,
    /// The statements, in the order of the text.
    pub items: Vec<Item>,
    /// From `network` to the closing brace.
    pub span: Span,
}

/// A name where it is defined, called or used as a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ident {
    /// The name; never a keyword.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// `name: type = default`.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Lines of the doc comment.
    pub docs: Vec<String>,
    /// Its name.
    pub name: Ident,
    /// What values it takes.
    pub ty: ParamType,
    /// Its value where none is given.
    pub default: Option<Expr>,
    /// From the name to the default's end.
    pub span: Span,
}

/// What values a parameter takes.
#[derive(Debug, Clone, PartialEq)]
pub enum ParamType {
    /// `[H, W, C]`: a tensor; of blocks only.
    Tensor(Annotation),
    /// `int`: whole numbers.
    Int,
    /// `float`: real numbers.
    Float,
    /// `bool`: `true` and `false`.
    Bool,
    /// `"1.0" | "1.1"`: one of these strings; at least one.
    Choice(Vec<Choice>),
}

/// One string of an enumerated parameter type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The string, unescaped.
    pub text: String,
    /// The string with its quotation marks.
    pub span: Span,
}

/// A statement or section.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// `input name: [dims];`
    Input(Input),
    /// `name = value;`
    Binding(Binding),
    /// `output name = value;`
    Output(Output),
    /// `return value;`
    Return(Return),
    /// `const name = value;`
    Const(Const),
    /// `assert condition;`
    Assert(Assert),
    /// `for name in values { … }`
    For(For),
    /// `if condition { … } else { … }`
    If(If),
    /// `freeze layers;`
    Freeze(Freeze),
    /// `labels output: names;`
    Labels(Labels),
    /// `allow(lints);`, `warn(lints);`, `deny(lints);`
    Levels(Levels),
    /// `train { … }`
    Train(Section),
    /// `prune { … }`
    Prune(Section),
    /// `budget { … }`
    Budget(Budget),
}

/// `return value, …;`.
#[derive(Debug, Clone, PartialEq)]
pub struct Return {
    /// What is returned, in the order of the block's results.
    pub values: Vec<Expr>,
    /// The statement without its `;`.
    pub span: Span,
}

/// `assert condition, "why";`.
#[derive(Debug, Clone, PartialEq)]
pub struct Assert {
    /// What must hold.
    pub condition: Expr,
    /// What to say if it does not.
    pub message: Option<String>,
    /// The statement without its `;`.
    pub span: Span,
}

/// `for names in values { items }`.
#[derive(Debug, Clone, PartialEq)]
pub struct For {
    /// One name, or one for each part of a value.
    pub names: Vec<Ident>,
    /// What the names run over.
    pub over: Iterable,
    /// What is repeated.
    pub items: Vec<Item>,
    /// From `for` to the closing brace.
    pub span: Span,
}

/// What a loop runs over.
#[derive(Debug, Clone, PartialEq)]
pub enum Iterable {
    /// `0..n`: whole numbers from the first up to, and without, the second.
    Range(Expr, Expr),
    /// A list.
    List(Expr),
}

/// `if condition { items } else if … { … } else { … }`.
#[derive(Debug, Clone, PartialEq)]
pub struct If {
    /// Conditions with what they guard, in order; at least one.
    pub arms: Vec<(Expr, Braces)>,
    /// What stands after the last `else`.
    pub otherwise: Option<Braces>,
    /// From `if` to the closing brace.
    pub span: Span,
}

impl If {
    /// What stands in each pair of braces, in order.
    pub fn branches(&self) -> impl Iterator<Item = &Braces> {
        self.arms.iter().map(|(_, braces)| braces).chain(&self.otherwise)
    }
}

/// Items with the braces around them.
#[derive(Debug, Clone, PartialEq)]
pub struct Braces {
    /// What stands in the braces.
    pub items: Vec<Item>,
    /// From the opening to the closing brace.
    pub span: Span,
}

/// `freeze layer, …;`.
#[derive(Debug, Clone, PartialEq)]
pub struct Freeze {
    /// The layers and block instances.
    pub paths: Vec<Path>,
    /// The statement without its `;`.
    pub span: Span,
}

/// `fire[2].squeeze`: the name of a layer, a block instance or a parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// Names with their indices.
    pub parts: Vec<Label>,
    /// The whole path.
    pub span: Span,
}

/// `budget { parameters <= 1_000; … }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// The limits: comparisons, in the order of the text.
    pub limits: Vec<Expr>,
    /// From `budget` to the closing brace.
    pub span: Span,
}

/// `labels output: ["cat", "dog"];`, `labels output: "names.txt";` or `labels output: <imagenet>;`.
#[derive(Debug, Clone, PartialEq)]
pub struct Labels {
    /// The output.
    pub output: Ident,
    /// Where the names are.
    pub names: LabelNames,
    /// What stands after the colon.
    pub names_span: Span,
    /// The statement without its `;`.
    pub span: Span,
}

/// Where the names of classes are.
#[derive(Debug, Clone, PartialEq)]
pub enum LabelNames {
    /// In a text, one on a line.
    Text(UseTarget),
    /// In the description: a list of strings.
    List(Expr),
}

/// `input name: [dims];`, the batch axis implied.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Lines of the doc comment.
    pub docs: Vec<String>,
    /// Its name.
    pub name: Ident,
    /// Sizes, outermost first.
    pub dims: Vec<Expr>,
    /// The sizes with their brackets.
    pub dims_span: Span,
    /// What it is made from: `photo(…)`, where the description says.
    pub from: Option<Call>,
    /// From `input` to the last bracket.
    pub span: Span,
}

/// `name = value;`, `name: [dims] = value;` or `name = value: [dims];`.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// Lines of the doc comment.
    pub docs: Vec<String>,
    /// The names it defines; at least one, and several for several results.
    pub names: Vec<Ident>,
    /// The shape it must have.
    pub annotation: Option<Annotation>,
    /// Its value; [`ExprKind::Error`] where it could not be read.
    pub value: Expr,
    /// The statement without its `;`.
    pub span: Span,
}

/// `output name = value;`, `output name: [dims] = value;` or `output name = value: [dims];`.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Lines of the doc comment.
    pub docs: Vec<String>,
    /// The name it defines.
    pub name: Ident,
    /// The shape it must have.
    pub annotation: Option<Annotation>,
    /// Its value; [`ExprKind::Error`] where it could not be read.
    pub value: Expr,
    /// The statement without its `;`.
    pub span: Span,
}

/// The shape that a statement promises.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// Sizes, outermost first.
    pub dims: Vec<Expr>,
    /// The sizes with their brackets.
    pub span: Span,
}

/// `train { key: value; … }` or `prune { key: value; … }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Lines of the doc comment.
    pub docs: Vec<String>,
    /// The entries, in the order of the text.
    pub entries: Vec<Entry>,
    /// From the keyword to the closing brace.
    pub span: Span,
}

/// `key: value;`, or `key(layer): value;`.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What is set.
    pub key: Ident,
    /// For which layers; empty for all.
    pub paths: Vec<Path>,
    /// To what; [`ExprKind::Error`] where it could not be read.
    pub value: Expr,
    /// The entry without its `;`.
    pub span: Span,
}

/// An expression and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where; parentheses around it belong to it.
    pub span: Span,
}

/// The kinds of expressions.
///
/// At most [`MAX_DEPTH`](super::limits::MAX_DEPTH) of them stand inside each other, so that recursion over a tree
/// is safe.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// `42`, never negative.
    Int(i64),
    /// `0.5`, never negative, finite.
    Float(f64),
    /// `true`, `false`.
    Bool(bool),
    /// `"1.0"`, unescaped.
    Str(String),
    /// A name without parentheses: a value, a parameter, or an option such as `glorot_uniform`.
    Name(String),
    /// `[3, 3]`.
    List(Vec<Expr>),
    /// `-x`, `not x`.
    Unary(UnaryOp, Box<Expr>),
    /// `x + y`.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `softmax(x)`, always with parentheses.
    Call(Call),
    /// `source -> stage -> stage`, with at least one stage.
    Pipe {
        /// First operand of the first stage.
        source: Box<Expr>,
        /// What it goes through.
        stages: Vec<Stage>,
    },
    /// `_`, in shapes: whatever is found there.
    Hole,
    /// Could not be read; a message says why. Agrees with everything.
    Error,
}

/// Operators before their operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-`
    Negate,
    /// `not`
    Not,
}

/// Operators between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `and`
    And,
    /// `or`
    Or,
}

impl UnaryOp {
    /// How it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Negate => "-",
            Self::Not => "not",
        }
    }
}

impl BinaryOp {
    /// How it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::And => "and",
            Self::Or => "or",
        }
    }
}

/// `name(args)`, or `name` alone as a stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// What is called: a layer, loss, optimizer or initialiser.
    pub name: Ident,
    /// Positional arguments, then named ones.
    pub args: Vec<Arg>,
    /// Whether parentheses were written.
    pub has_parens: bool,
    /// From the name to the closing parenthesis.
    pub span: Span,
}

/// `value` or `name: value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Arg {
    /// Its name, where given.
    pub name: Option<Ident>,
    /// Its value.
    pub value: Expr,
    /// From the name to the value's end.
    pub span: Span,
}

/// What a pipeline goes through: `conv(32, kernel: 5) as c1`.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// The layer.
    pub call: Call,
    /// The name of its weights, where given with `as`.
    pub label: Option<Label>,
    /// From the layer's name to the label's end.
    pub span: Span,
}

/// `fire[i]`: a name, with indices where there are several.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// The name.
    pub name: Ident,
    /// What stands in brackets after it.
    pub indices: Vec<Expr>,
}
