//! Names: what is known where. A frame is a network or an instance of a block; its scopes are those of braces in it.

use std::collections::{HashMap, HashSet};

use super::names::Names;
use super::{Constant, Lowerer};
use crate::diagnostic::{Diagnostic, codes, quote};
use crate::ir::ValueId;
use crate::source::Span;
use crate::syntax::ast;

/// What a name or an expression stands for.
#[derive(Debug, Clone)]
pub(super) enum Meaning {
    Tensor(ValueId),
    /// The results of a layer or block that has several.
    Several(Vec<ValueId>),
    Constant(Constant),
    /// Something with a mistake that has been reported.
    Unknown,
}

/// A name with its meaning.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) meaning: Meaning,
    pub(super) span: Span,
}

/// A network, or an instance of a block.
pub(super) struct Frame<'a> {
    /// The file it stands in: an index of the program's units.
    pub(super) unit: usize,
    /// The block, if it is one.
    pub(super) block: Option<&'a ast::Block>,
    /// The tensors that it is given, with where they stand in the caller.
    pub(super) given: Vec<(ValueId, Span)>,
    /// Names, by braces from the outermost on.
    pub(super) scopes: Vec<HashMap<String, Named>>,
    /// Names of layers.
    pub(super) names: Names,
    /// Its statements.
    items: &'a [ast::Item],
    /// Names that were used and mean nothing: each is told of once.
    pub(super) missing: HashSet<String>,
    /// The name that the statement being carried out binds.
    pub(super) binding: Option<Span>,
    /// Whether what it binds is made of numbers, and not of tensors.
    pub(super) binds_numbers: bool,
    /// The loops around the statement, from the outermost on.
    pub(super) loops: Vec<Span>,
    /// The braces of conditions around the statement, from the outermost on.
    pub(super) branches: Vec<Span>,
    /// Whether a block has an `output`, which is meant to be a `return`.
    pub(super) has_output: bool,
    /// What it returned, with where that stands.
    pub(super) returned: Option<(Vec<Meaning>, Span)>,
}

impl<'a> Frame<'a> {
    pub(super) fn new(unit: usize, block: Option<&'a ast::Block>, items: &'a [ast::Item], prefix: String) -> Self {
        let names = Names::new(prefix, items);
        Self {
            unit,
            block,
            given: Vec::new(),
            scopes: vec![HashMap::new()],
            names,
            items,
            missing: HashSet::new(),
            binding: None,
            binds_numbers: false,
            loops: Vec::new(),
            branches: Vec::new(),
            has_output: false,
            returned: None,
        }
    }

    /// What a name means here, the innermost scope first.
    pub(super) fn find(&self, name: &str) -> Option<&Named> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))
    }

    /// Whether it is a network whose statements declare no input.
    pub(super) fn needs_input(&self) -> bool {
        let is_input = |item: &ast::Item| matches!(item, ast::Item::Input(_));
        self.block.is_none() && !self.scopes.is_empty() && !self.items.iter().any(is_input)
    }

    /// Where a name that means nothing here is defined all the same.
    pub(super) fn definition(&self, name: &str) -> Option<Span> {
        definition(self.items, name)
    }

    /// Where it is defined in a loop.
    pub(super) fn definition_in_loop(&self, name: &str) -> Option<Span> {
        definition_in_loop(self.items, name)
    }

    /// The expressions that a name is bound to, the first of many.
    pub(super) fn bound(&self, name: &str) -> Vec<Span> {
        const MOST: usize = 16;
        let mut found = Vec::new();
        bound(self.items, name, &mut found);
        found.truncate(MOST);
        found
    }

    /// Defines a name in the innermost scope.
    pub(super) fn define(&mut self, name: &str, meaning: Meaning, span: Span) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), Named { meaning, span });
        }
    }

    /// Binds a name: again where it is bound already, else in the innermost scope. Returns where what it meant before was
    /// defined, if that is kept where this branch of a condition is not taken.
    #[must_use]
    pub(super) fn bind(&mut self, name: &str, meaning: Meaning, span: Span) -> Option<Span> {
        match self.scopes.iter_mut().rev().find_map(|scope| scope.get_mut(name)) {
            Some(named) => {
                let before = std::mem::replace(named, Named { meaning, span }).span;
                // Branches need not be taken, nor loops go round, and what a loop binds is known outside if it was before.
                let mut around = self.branches.last().into_iter().chain(self.loops.first());
                around.any(|braces| !braces.contains(before)).then_some(before)
            }
            None => {
                self.define(name, meaning, span);
                None
            }
        }
    }
}

/// Where a name is defined first in some statements, for uses above that. What stands in the braces of a loop is not known
/// outside of them.
fn definition(items: &[ast::Item], name: &str) -> Option<Span> {
    let is = |ident: &ast::Ident| (ident.text == name).then_some(ident.span);
    let in_branch = |item: &ast::Item| match item {
        ast::Item::Binding(binding) => binding.names.iter().find_map(is),
        ast::Item::Output(output) => is(&output.name),
        ast::Item::Const(constant) => is(&constant.name),
        _ => None,
    };
    items.iter().find_map(|item| match item {
        ast::Item::Input(input) => is(&input.name),
        ast::Item::Binding(binding) => binding.names.iter().find_map(is),
        ast::Item::Output(output) => is(&output.name),
        ast::Item::Const(constant) => is(&constant.name),
        ast::Item::If(branches) => branches.branches().flat_map(|braces| &braces.items).find_map(in_branch),
        ast::Item::For(_)
        | ast::Item::Return(_)
        | ast::Item::Assert(_)
        | ast::Item::Freeze(_)
        | ast::Item::Labels(_)
        | ast::Item::Levels(_)
        | ast::Item::Train(_)
        | ast::Item::Prune(_)
        | ast::Item::Budget(_) => None,
    })
}

/// Collects the expressions that statements bind a name to.
fn bound(items: &[ast::Item], name: &str, found: &mut Vec<Span>) {
    for item in items {
        match item {
            ast::Item::Binding(binding) if binding.names.iter().any(|bound| bound.text == name) => {
                found.push(binding.value.span);
            }
            ast::Item::Output(output) if output.name.text == name => found.push(output.value.span),
            ast::Item::For(repetition) => bound(&repetition.items, name, found),
            ast::Item::If(branches) => branches.branches().for_each(|braces| bound(&braces.items, name, found)),
            _ => {}
        }
    }
}

/// Where a name is defined first in the loops of some statements, where alone it is known.
fn definition_in_loop(items: &[ast::Item], name: &str) -> Option<Span> {
    items.iter().find_map(|item| match item {
        ast::Item::For(ast::For { items, .. }) => definition(items, name).or_else(|| definition_in_loop(items, name)),
        _ => None,
    })
}

impl<'a> Lowerer<'a> {
    /// The network or instance whose statements are being lowered.
    pub(super) fn frame(&mut self) -> &mut Frame<'a> {
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    /// Notes that a name that is defined in a network, or in the definition of a block, hides a constant of the file or of one
    /// that it uses.
    pub(super) fn note_hidden(&mut self, name: &ast::Ident) {
        let is_instance = self.paths.is_none() && self.frame().block.is_some();
        if is_instance || self.frame().find(&name.text).is_some() || !self.compared.insert(name.span) {
            return;
        }
        let unit = self.frame().unit;
        if let Some((_, constant)) = self.find_constant(unit, &name.text) {
            self.noticed.hide(name.span, constant.name.span, &name.text);
        }
    }

    /// Binds a name in the frame, see [`Frame::bind`].
    pub(super) fn rebind(&mut self, name: &ast::Ident, meaning: Meaning) {
        self.note_hidden(name);
        if let Some(kept) = self.frame().bind(&name.text, meaning, name.span) {
            self.noticed.used.insert(kept);
        }
    }

    /// What a name means: in the frame, else among the constants of the file and of those that it uses.
    pub(super) fn lookup(&mut self, name: &str) -> Option<Named> {
        if let Some(named) = self.frame().find(name).cloned() {
            self.noticed.used.insert(named.span);
            return Some(named);
        }
        let unit = self.frame().unit;
        let (owner, constant) = self.find_constant(unit, name)?;
        self.noticed.used.insert(constant.name.span);
        Some(Named { meaning: self.file_constant(owner, constant), span: constant.name.span })
    }

    /// All names that are known, for suggestions.
    pub(super) fn known_names(&mut self) -> Vec<String> {
        let unit = self.frame().unit;
        let program = self.program;
        let own = program.units.get(unit).into_iter();
        let used = own.clone().flat_map(|unit| &unit.uses).filter_map(|&used| program.units.get(used));
        let files = own.chain(used).map(|unit| &unit.file);
        let constants = files.flat_map(|file| file.constants.iter().map(|constant| constant.name.text.clone()));
        let mut names: Vec<String> =
            self.frame().scopes.iter().flat_map(|scope| scope.keys().cloned()).chain(constants).collect();
        names.sort();
        names.dedup();
        names
    }

    /// A constant of a file or of those that it uses, with the file it stands in.
    pub(super) fn find_constant(&self, unit: usize, name: &str) -> Option<(usize, &'a ast::Const)> {
        let own = |index: usize| {
            let unit = self.program.units.get(index)?;
            let constant = unit.file.constants.get(*unit.constants.get(name)?)?;
            Some((index, constant))
        };
        own(unit).or_else(|| self.program.units.get(unit)?.uses.iter().find_map(|&used| own(used)))
    }

    /// A block of a file or of those that it uses, with the file it stands in.
    pub(super) fn find_block(&self, unit: usize, name: &str) -> Option<(usize, &'a ast::Block)> {
        let own = |index: usize| {
            let file = &self.program.units.get(index)?.file;
            file.blocks.iter().find(|block| block.name.text == name).map(|block| (index, block))
        };
        own(unit).or_else(|| self.program.units.get(unit)?.uses.iter().find_map(|&used| own(used)))
    }

    /// Reports a name that two of the used files define, where it is used: which one is meant cannot be known. A name of
    /// the file itself goes before both.
    pub(super) fn is_ambiguous(&mut self, name: &str, at: Span) -> bool {
        let unit = self.frame().unit;
        let program = self.program;
        let own = |index: usize| {
            let file = program.units.get(index).map(|unit| &unit.file).into_iter();
            file.flat_map(|file| {
                let constants = file.constants.iter().map(|constant| &constant.name);
                file.blocks.iter().map(|block| &block.name).chain(constants).find(|found| found.text == name)
            })
            .next()
        };
        if own(unit).is_some() {
            return false;
        }
        let uses = program.units.get(unit).into_iter().flat_map(|unit| unit.uses.iter().copied());
        let mut found = uses.filter_map(own).map(|name| name.span);
        let Some(first) = found.next() else { return false };
        // A file that is used twice is no other file.
        let Some(second) = found.find(|span| *span != first) else { return false };
        let is_same = |kept: &Diagnostic| {
            kept.code == codes::N0103
                && kept.primary.span.source == at.source
                && kept.secondary.iter().map(|label| label.span).eq([first, second])
        };
        if self.sink.has_told(is_same) {
            return true;
        }
        self.sink
            .error(codes::N0103, format!("two used files define {}", quote(name)))
            .primary(at, "which of them is not known")
            .secondary(first, "defined here")
            .secondary(second, "and here")
            .help("give one of them another name, or use one of the files only");
        true
    }

    /// Whether a name stands for a tensor.
    pub(super) fn is_tensor(&mut self, name: &str) -> bool {
        self.lookup(name).is_some_and(|named| matches!(named.meaning, Meaning::Tensor(_)))
    }

    /// Treats the names in an expression as of no known value from here on: a message has told what is wrong with it. Of names in
    /// a larger one those that are no whole numbers.
    pub(super) fn doubt(&mut self, expr: &ast::Expr) {
        let mut names = Vec::new();
        crate::syntax::names::in_expr(expr, &mut |name| names.push(name.to_owned()));
        let is_alone = matches!(expr.kind, ast::ExprKind::Name(_));
        for name in names {
            let is_doubtful = |meaning: &Meaning| is_alone || matches!(meaning, Meaning::Constant(Constant::Float(_)));
            let mut scopes = self.frame().scopes.iter_mut().rev();
            if let Some(named) = scopes.find_map(|scope| scope.get_mut(&name)) {
                if is_doubtful(&named.meaning) {
                    named.meaning = Meaning::Unknown;
                }
                continue;
            }
            let unit = self.frame().unit;
            if let Some((_, constant)) = self.find_constant(unit, &name)
                && let Some(Some(meaning)) = self.constants.get_mut(&constant.name.span)
                && is_doubtful(meaning)
            {
                *meaning = Meaning::Unknown;
            }
        }
    }

    /// The value of a file's constant, computed when it is first asked for.
    pub(super) fn file_constant(&mut self, unit: usize, constant: &'a ast::Const) -> Meaning {
        let key = constant.name.span;
        match self.constants.get(&key) {
            Some(Some(known)) => return known.clone(),
            Some(None) => {
                self.sink
                    .error(codes::N0118, format!("the constant `{}` needs its own value", constant.name.text))
                    .primary(constant.name.span, "expected a value that does not depend on it");
                return Meaning::Unknown;
            }
            None => {}
        }
        // While it is being computed its place is taken.
        self.constants.insert(key, None);
        self.frames.push(Frame { scopes: Vec::new(), ..Frame::new(unit, None, &[], String::new()) });
        let value = stacker::maybe_grow(super::STACK_LEFT, super::STACK_STEP, || self.constant(&constant.value));
        self.frames.pop();
        let value = value.map_or(Meaning::Unknown, Meaning::Constant);
        self.constants.insert(key, Some(value.clone()));
        value
    }
}
