//! Pairs of the grammar to the syntax tree.
//!
//! The grammar guarantees which children a pair has; where a function returns an `Option`, `None` means that
//! guarantee was broken, and the caller leaves the part out.

use pest::iterators::Pair;

use super::ast::{
    Annotation, Arg, Assert, Binding, Block, Braces, Budget, Call, Choice, Const, Entry, Expr, ExprKind, File, For,
    Freeze, Ident, If, Input, Item, Iterable, Label, LabelNames, Labels, Levels, LintLevel, Network, Output, Param,
    ParamType, Path, Return, Section, Stage, Use, UseTarget,
};
use super::grammar::Rule;
use super::limits::MAX_DEPTH;
use super::operators::{binary_op, unary_op};
use crate::diagnostic::codes::{N0005, N0010, N0018, N0021};
use crate::diagnostic::{Sink, quote};
use crate::source::{SourceId, Span};

/// Builds trees from the pairs of one slice of a source.
pub(super) struct Builder<'a> {
    /// The source.
    pub(super) source: SourceId,
    /// Where the slice starts in it.
    pub(super) base: u32,
    /// Takes what the grammar cannot say: numbers out of range, the order of arguments.
    pub(super) sink: &'a mut Sink,
    /// Whether an expression was reported as too deep; one message is enough.
    pub(super) too_deep: bool,
}

/// An expression and how many stand inside each other in it.
struct Tree {
    expr: Expr,
    depth: usize,
}

impl Builder<'_> {
    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX).saturating_add(self.base);
        Span::new(self.source, offset(pair.as_span().start()), offset(end(pair)))
    }

    /// A `file`.
    pub(super) fn file(&mut self, pair: Pair<'_, Rule>, span: Span) -> File {
        let mut file = File::empty(span);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::network => file.networks.extend(self.network(part)),
                Rule::block => file.blocks.extend(self.block(part)),
                Rule::file_statement => {
                    let mut inner = part.into_inner();
                    let docs = inner.next().map(docs).unwrap_or_default();
                    if let Some(statement) = inner.next() {
                        self.file_statement(statement, docs, &mut file);
                    }
                }
                _ => {}
            }
        }
        file
    }

    /// A `use`, `const` or `allow` of a file.
    pub(super) fn file_statement(&mut self, pair: Pair<'_, Rule>, docs: Vec<String>, file: &mut File) {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::use_file => {
                let target = pair.into_inner().find(|part| part.as_rule() != Rule::use_word);
                let Some(target) = target else { return };
                let target_span = self.span(&target);
                let target = match target.as_rule() {
                    Rule::string => UseTarget::Path(unescape(target.as_str())),
                    _ => bundled(target),
                };
                file.uses.push(Use { target, target_span, span });
            }
            Rule::constant => file.constants.extend(self.constant(pair, docs)),
            Rule::levels => file.levels.push(self.levels(pair)),
            _ => {}
        }
    }

    fn constant(&mut self, pair: Pair<'_, Rule>, docs: Vec<String>) -> Option<Const> {
        let span = self.span(&pair);
        let mut inner = pair.into_inner().filter(|part| !matches!(part.as_rule(), Rule::const_word | Rule::equals));
        let name = self.ident(&inner.next()?);
        Some(Const { docs, name, value: self.expression(inner.next()?), span })
    }

    fn levels(&mut self, pair: Pair<'_, Rule>) -> Levels {
        let span = self.span(&pair);
        let level = match pair.clone().into_inner().next().and_then(|level| level.into_inner().next()) {
            Some(word) if word.as_rule() == Rule::warn_word => LintLevel::Warn,
            Some(word) if word.as_rule() == Rule::deny_word => LintLevel::Deny,
            _ => LintLevel::Allow,
        };
        let lints = pair.into_inner().filter(|part| part.as_rule() == Rule::name);
        Levels { level, lints: lints.map(|lint| self.ident(&lint)).collect(), span }
    }

    fn network(&mut self, pair: Pair<'_, Rule>) -> Option<Network> {
        let end = self.span(&pair);
        let mut inner = pair.into_inner();
        let docs = docs(inner.next()?);
        let mut network = self.header(inner.next()?)?;
        network.docs = docs;
        network.items = self.body(inner.next()?);
        network.span = network.span.to(end.after());
        Some(network)
    }

    fn block(&mut self, pair: Pair<'_, Rule>) -> Option<Block> {
        let end = self.span(&pair);
        let mut inner = pair.into_inner();
        let docs = docs(inner.next()?);
        let mut block = self.block_header(inner.next()?)?;
        block.docs = docs;
        block.items = self.body(inner.next()?);
        block.span = block.span.to(end.after());
        Some(block)
    }

    fn body(&mut self, pair: Pair<'_, Rule>) -> Vec<Item> {
        pair.into_inner().filter_map(|item| self.item(item)).collect()
    }

    /// A `block_header` as a block without documentation and items.
    pub(super) fn block_header(&mut self, pair: Pair<'_, Rule>) -> Option<Block> {
        let span = self.span(&pair);
        let mut inner = pair.into_inner();
        let name = self.ident(&inner.find(|part| part.as_rule() == Rule::name)?);
        let params = inner.next()?.into_inner().filter_map(|param| self.param(param)).collect();
        let results = inner.filter(|part| part.as_rule() == Rule::shape).map(|shape| self.shape(shape)).collect();
        Some(Block { docs: Vec::new(), name, params, results, items: Vec::new(), span })
    }

    /// A `header` as a network without documentation and items.
    pub(super) fn header(&mut self, pair: Pair<'_, Rule>) -> Option<Network> {
        let span = self.span(&pair);
        let mut inner = pair.into_inner();
        let name = self.ident(&inner.find(|part| part.as_rule() == Rule::name)?);
        let params = match inner.next() {
            Some(params) => params.into_inner().filter_map(|param| self.param(param)).collect(),
            None => Vec::new(),
        };
        Some(Network { docs: Vec::new(), name, params, items: Vec::new(), span })
    }

    fn param(&mut self, pair: Pair<'_, Rule>) -> Option<Param> {
        let mut inner = without_colon(pair);
        let docs = docs(inner.next()?);
        let name = self.ident(&inner.next()?);
        let ty = inner.next()?;
        let ty_span = self.span(&ty);
        let ty = self.param_type(ty);
        let default = inner.next().and_then(|default| default.into_inner().next()).map(|value| self.expression(value));
        let span = name.span.to(default.as_ref().map_or(ty_span, |value| value.span));
        Some(Param { docs, name, ty, default, span })
    }

    fn param_type(&mut self, pair: Pair<'_, Rule>) -> ParamType {
        if pair.as_rule() == Rule::shape {
            return ParamType::Tensor(self.shape(pair));
        }
        match pair.as_str() {
            "int" => ParamType::Int,
            "float" => ParamType::Float,
            "bool" => ParamType::Bool,
            _ => ParamType::Choice(
                pair.into_inner()
                    .map(|string| Choice { text: unescape(string.as_str()), span: self.span(&string) })
                    .collect(),
            ),
        }
    }

    fn item(&mut self, pair: Pair<'_, Rule>) -> Option<Item> {
        let mut inner = pair.into_inner();
        let docs = docs(inner.next()?);
        self.statement(inner.next()?, docs)
    }

    /// An `input`, `binding`, `output` or `train`.
    pub(super) fn statement(&mut self, pair: Pair<'_, Rule>, docs: Vec<String>) -> Option<Item> {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::input => {
                let is_word = |rule| matches!(rule, Rule::input_word | Rule::from_word);
                let mut inner = without_colon(pair).filter(|part| !is_word(part.as_rule()));
                let name = self.ident(&inner.next()?);
                let Annotation { dims, span: dims_span } = self.shape(inner.next()?);
                let from = inner.next().and_then(|call| self.call(call)).map(|(call, _)| call);
                Some(Item::Input(Input { docs, name, dims, dims_span, from, span }))
            }
            Rule::binding => {
                let (names, annotation, value) = self.assignment(pair)?;
                Some(Item::Binding(Binding { docs, names, annotation, value, span }))
            }
            Rule::output => {
                let (names, annotation, value) = self.assignment(pair)?;
                Some(Item::Output(Output { docs, name: names.into_iter().next()?, annotation, value, span }))
            }
            Rule::result => {
                let values = pair.into_inner().filter(|part| part.as_rule() == Rule::expression);
                Some(Item::Return(Return { values: values.map(|value| self.expression(value)).collect(), span }))
            }
            Rule::constant => self.constant(pair, docs).map(Item::Const),
            Rule::assertion => {
                let mut inner = pair.into_inner().filter(|part| part.as_rule() != Rule::assert_word);
                let condition = self.expression(inner.next()?);
                let message = inner.next().map(|text| unescape(text.as_str()));
                Some(Item::Assert(Assert { condition, message, span }))
            }
            Rule::freeze => Some(Item::Freeze(Freeze { paths: self.paths(pair), span })),
            Rule::class_labels => {
                let mut inner = without_colon(pair).filter(|part| part.as_rule() != Rule::labels_word);
                let output = self.ident(&inner.next()?);
                let names = inner.next()?;
                let names_span = self.span(&names);
                let names = match names.as_rule() {
                    Rule::bundled => LabelNames::Text(bundled(names)),
                    _ => match self.expression(names) {
                        Expr { kind: ExprKind::Str(path), .. } => LabelNames::Text(UseTarget::Path(path)),
                        list => LabelNames::List(list),
                    },
                };
                Some(Item::Labels(Labels { output, names, names_span, span }))
            }
            Rule::levels => Some(Item::Levels(self.levels(pair))),
            Rule::repetition => {
                let mut inner = pair.into_inner();
                let (names, over) = self.repetition_header(inner.next()?)?;
                Some(Item::For(For { names, over, items: self.body(inner.next()?), span }))
            }
            Rule::condition => {
                let (mut arms, mut otherwise, mut pending) = (Vec::new(), None, None);
                for part in pair.into_inner() {
                    match part.as_rule() {
                        Rule::condition_header => pending = self.condition_header(part),
                        Rule::body => {
                            let span = self.span(&part);
                            let braces = Braces { items: self.body(part), span };
                            match pending.take() {
                                Some(condition) => arms.push((condition, braces)),
                                None => otherwise = Some(braces),
                            }
                        }
                        _ => {}
                    }
                }
                Some(Item::If(If { arms, otherwise, span }))
            }
            Rule::train => Some(Item::Train(self.section(pair, docs, span))),
            Rule::prune => Some(Item::Prune(self.section(pair, docs, span))),
            Rule::budget => {
                let limits = pair.into_inner().filter(|part| part.as_rule() == Rule::limit);
                let limits = limits.filter_map(|limit| self.limit(limit)).collect();
                Some(Item::Budget(Budget { limits, span }))
            }
            _ => None,
        }
    }

    /// The names and the values of a loop.
    pub(super) fn repetition_header(&mut self, pair: Pair<'_, Rule>) -> Option<(Vec<Ident>, Iterable)> {
        let (mut names, mut over) = (Vec::new(), None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => names.push(self.ident(&part)),
                Rule::range => {
                    let mut ends = part.into_inner();
                    over = Some(Iterable::Range(self.expression(ends.next()?), self.expression(ends.next()?)));
                }
                Rule::expression => over = Some(Iterable::List(self.expression(part))),
                _ => {}
            }
        }
        Some((names, over?))
    }

    /// The condition of an `if`.
    pub(super) fn condition_header(&mut self, pair: Pair<'_, Rule>) -> Option<Expr> {
        let condition = pair.into_inner().find(|part| part.as_rule() == Rule::expression)?;
        Some(self.expression(condition))
    }

    /// A `limit` of a budget.
    pub(super) fn limit(&mut self, pair: Pair<'_, Rule>) -> Option<Expr> {
        pair.into_inner().next().map(|limit| self.expression(limit))
    }

    fn paths(&mut self, pair: Pair<'_, Rule>) -> Vec<Path> {
        let paths = pair.into_inner().filter(|part| part.as_rule() == Rule::path);
        paths
            .map(|path| {
                let span = self.span(&path);
                Path { parts: self.labels(path), span }
            })
            .collect()
    }

    /// Names, each with the indices after it.
    fn labels(&mut self, pair: Pair<'_, Rule>) -> Vec<Label> {
        let mut labels: Vec<Label> = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => labels.push(Label { name: self.ident(&part), indices: Vec::new() }),
                Rule::index => {
                    let index = part.into_inner().next().map(|index| self.expression(index));
                    if let Some(label) = labels.last_mut() {
                        label.indices.extend(index);
                    }
                }
                _ => {}
            }
        }
        labels
    }

    /// Name, annotation and value of a `binding` or `output`.
    fn assignment(&mut self, pair: Pair<'_, Rule>) -> Option<(Vec<Ident>, Option<Annotation>, Expr)> {
        let (mut names, mut annotation, mut value) = (Vec::new(), None::<Annotation>, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => names.push(self.ident(&part)),
                Rule::expression => value = Some(self.expression(part)),
                Rule::annotation => {
                    let Some(shape) = part.into_inner().next() else { continue };
                    let found = self.shape(shape);
                    if let Some(first) = &annotation {
                        self.sink
                            .error(N0021, "the shape is annotated twice")
                            .primary(found.span, "")
                            .secondary(first.span, "already annotated here")
                            .help("remove one of the two");
                    } else {
                        annotation = Some(found);
                    }
                }
                _ => {}
            }
        }
        Some((names, annotation, value?))
    }

    fn section(&mut self, pair: Pair<'_, Rule>, docs: Vec<String>, span: Span) -> Section {
        let entries = pair.into_inner().filter(|part| part.as_rule() == Rule::entry);
        Section { docs, entries: entries.filter_map(|entry| self.entry(entry)).collect(), span }
    }

    /// An `entry` of a section.
    pub(super) fn entry(&mut self, pair: Pair<'_, Rule>) -> Option<Entry> {
        let span = self.span(&pair);
        let mut inner = without_colon(pair);
        let key_and_paths = inner.next()?;
        let value = self.expression(inner.next()?);
        let key = self.ident(&key_and_paths.clone().into_inner().next()?);
        Some(Entry { key, paths: self.paths(key_and_paths), value, span })
    }

    fn shape(&mut self, pair: Pair<'_, Rule>) -> Annotation {
        let span = self.span(&pair);
        let dims = pair.into_inner().map(|dim| match dim.as_rule() {
            Rule::hole => Expr { kind: ExprKind::Hole, span: self.span(&dim) },
            _ => self.expression(dim),
        });
        Annotation { dims: dims.collect(), span }
    }

    fn ident(&self, pair: &Pair<'_, Rule>) -> Ident {
        Ident { text: pair.as_str().to_owned(), span: self.span(pair) }
    }

    fn expression(&mut self, pair: Pair<'_, Rule>) -> Expr {
        self.tree(pair).expr
    }

    fn tree(&mut self, mut pair: Pair<'_, Rule>) -> Tree {
        // Most ranks of operators have nothing to say about an expression: a loop, not the stack, passes them.
        let span = self.span(&pair);
        let (rule, mut inner) = loop {
            let rule = pair.as_rule();
            let text = pair.as_str();
            match rule {
                Rule::integer => return self.number(text, span, parse_int(text)),
                Rule::float => return self.number(text, span, parse_float(text)),
                Rule::string => return leaf(ExprKind::Str(unescape(text)), span),
                Rule::boolean => return leaf(ExprKind::Bool(text == "true"), span),
                Rule::call => return self.name_or_call(pair),
                Rule::list => return self.list(pair),
                _ => {}
            }
            let mut inner = pair.into_inner();
            match (inner.next(), inner.len()) {
                (Some(only), 0) => pair = only,
                (Some(first), _) => break (rule, std::iter::once(first).chain(inner)),
                (None, _) => return leaf(ExprKind::Error, span),
            }
        };
        let mut tree = match rule {
            Rule::expression => self.pipe(inner, span),
            Rule::inversion | Rule::negation => {
                let mut signs = Vec::new();
                let operand = loop {
                    match inner.next() {
                        Some(part) => match unary_op(&part) {
                            Some(op) => signs.push((op, self.span(&part))),
                            None => break self.tree(part),
                        },
                        None => return leaf(ExprKind::Error, span),
                    }
                };
                signs.into_iter().rev().fold(operand, |operand, (op, sign)| {
                    let span = sign.to(operand.expr.span);
                    self.node(ExprKind::Unary(op, Box::new(operand.expr)), span, operand.depth)
                })
            }
            _ => {
                let Some(first) = inner.next() else { return leaf(ExprKind::Error, span) };
                let mut left = self.tree(first);
                while let (Some(sign), Some(right)) = (inner.next(), inner.next()) {
                    let Some(op) = binary_op(&sign) else { return leaf(ExprKind::Error, span) };
                    let right = self.tree(right);
                    let span = left.expr.span.to(right.expr.span);
                    let depth = left.depth.max(right.depth);
                    left = self.node(ExprKind::Binary(op, Box::new(left.expr), Box::new(right.expr)), span, depth);
                }
                left
            }
        };
        // Parentheses around the expression belong to it.
        tree.expr.span = span;
        tree
    }

    fn pipe<'i>(&mut self, mut inner: impl Iterator<Item = Pair<'i, Rule>>, span: Span) -> Tree {
        let Some(source) = inner.next() else { return leaf(ExprKind::Error, span) };
        let source = self.tree(source);
        let mut depth = source.depth;
        let mut stages = Vec::new();
        for stage in inner {
            let span = self.span(&stage);
            let mut parts = stage.into_inner();
            let Some(call) = parts.next().and_then(|call| self.call(call)) else { continue };
            let label = parts.next().and_then(|label| self.labels(label).pop());
            depth = depth.max(call.1);
            stages.push(Stage { call: call.0, label, span });
        }
        self.node(ExprKind::Pipe { source: Box::new(source.expr), stages }, span, depth)
    }

    fn list(&mut self, pair: Pair<'_, Rule>) -> Tree {
        let span = self.span(&pair);
        let mut depth = 0;
        let elements = pair.into_inner().map(|element| {
            let element = self.tree(element);
            depth = depth.max(element.depth);
            element.expr
        });
        let elements = elements.collect();
        self.node(ExprKind::List(elements), span, depth)
    }

    fn name_or_call(&mut self, pair: Pair<'_, Rule>) -> Tree {
        let span = self.span(&pair);
        match self.call(pair) {
            Some((call, depth)) if call.has_parens => self.node(ExprKind::Call(call), span, depth),
            Some((call, _)) => leaf(ExprKind::Name(call.name.text), span),
            None => leaf(ExprKind::Error, span),
        }
    }

    /// A call and the depth of its deepest argument.
    fn call(&mut self, pair: Pair<'_, Rule>) -> Option<(Call, usize)> {
        let span = self.span(&pair);
        let mut inner = pair.into_inner();
        let name = self.ident(&inner.next()?);
        let arguments = inner.next();
        let has_parens = arguments.is_some();
        let mut args: Vec<Arg> = Vec::new();
        let mut deepest = 0;
        let (mut last_named, mut is_told) = (None, false);
        for argument in arguments.into_iter().flat_map(Pair::into_inner) {
            let span = self.span(&argument);
            let mut parts = argument.into_inner();
            let first = parts.next()?;
            let (name, value) = match parts.next() {
                Some(value) => (Some(self.ident(&first)), value),
                None => (None, first),
            };
            let value = self.tree(value);
            deepest = deepest.max(value.depth);
            if name.is_some() {
                last_named = Some(span);
            } else if let Some(named) = last_named.filter(|_| !std::mem::replace(&mut is_told, true)) {
                self.sink
                    .error(N0018, "a positional argument stands after a named one")
                    .primary(span, "")
                    .secondary(named, "the named one")
                    .help("put it first, or give it its name");
            }
            args.push(Arg { name, value: value.expr, span });
        }
        Some((Call { name, args, has_parens, span }, deepest))
    }

    fn number(&mut self, text: &str, span: Span, value: Option<ExprKind>) -> Tree {
        let kind = value.unwrap_or_else(|| {
            self.sink
                .error(N0010, format!("the number {} is out of range", quote(text)))
                .primary(span, "does not fit into 64 bits");
            ExprKind::Error
        });
        leaf(kind, span)
    }

    /// An expression around others, the deepest of which is `inner` deep.
    fn node(&mut self, kind: ExprKind, span: Span, inner: usize) -> Tree {
        if inner < MAX_DEPTH {
            return Tree { expr: Expr { kind, span }, depth: inner + 1 };
        }
        if !std::mem::replace(&mut self.too_deep, true) {
            self.sink
                .error(N0005, format!("the expression is more than {MAX_DEPTH} operators deep"))
                .primary(span.after(), "too deep from here on")
                .secondary(span.before(), "starts here")
                .help("name a part of it and use the name");
        }
        leaf(ExprKind::Error, span)
    }
}

fn leaf(kind: ExprKind, span: Span) -> Tree {
    Tree { expr: Expr { kind, span }, depth: 1 }
}

/// Where a pair ends. Its own span also holds blanks and comments before an optional part that is missing, so a pair
/// ends with its last child unless it ends with a bracket or is a single word.
fn end(pair: &Pair<'_, Rule>) -> usize {
    let mut last = pair.clone();
    loop {
        let bracketed = matches!(
            last.as_rule(),
            Rule::list
                | Rule::group
                | Rule::arguments
                | Rule::shape
                | Rule::parameters
                | Rule::index
                | Rule::entry_key
                | Rule::bundled
                | Rule::levels
                | Rule::body
                | Rule::train
                | Rule::prune
                | Rule::budget
        );
        match last.clone().into_inner().next_back() {
            Some(child) if !bracketed => last = child,
            _ => return last.as_span().end(),
        }
    }
}

/// What a `bundled` names.
fn bundled(pair: Pair<'_, Rule>) -> UseTarget {
    UseTarget::Bundled(pair.into_inner().next().map_or_else(String::new, |name| name.as_str().to_owned()))
}

fn without_colon(pair: Pair<'_, Rule>) -> impl Iterator<Item = Pair<'_, Rule>> {
    pair.into_inner().filter(|part| part.as_rule() != Rule::colon)
}

/// The lines of a `docs` pair.
fn docs(pair: Pair<'_, Rule>) -> Vec<String> {
    pair.into_inner().map(|line| doc_line(line.as_str())).collect()
}

/// A doc comment's text, without the slashes, the blank after them and blanks at the end.
pub(super) fn doc_line(comment: &str) -> String {
    let line = comment.strip_prefix("///").unwrap_or(comment);
    line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()
}

fn parse_int(text: &str) -> Option<ExprKind> {
    text.replace('_', "").parse().ok().map(ExprKind::Int)
}

fn parse_float(text: &str) -> Option<ExprKind> {
    text.replace('_', "").parse().ok().filter(|value: &f64| value.is_finite()).map(ExprKind::Float)
}

/// A string's text, from its form with quotation marks.
fn unescape(quoted: &str) -> String {
    let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(quoted);
    let mut text = String::with_capacity(inside.len());
    let mut characters = inside.chars();
    while let Some(next) = characters.next() {
        text.push(match next {
            '\\' => match characters.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some(other) => other,
                None => '\\',
            },
            other => other,
        });
    }
    text
}
