//! Layout of what stands in statements: pipelines, operators, calls and lists.
//!
//! Each function writes the tokens `start..end`; what stands before the first is written already. `tail` is how many
//! characters must follow in the last line.

use super::INDENT;
use super::output::{Blank, Output};
use super::tokens::{ARROW, Bracket, Role};

/// Where further lines begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    /// The line that closes a bracket; what is in the bracket stands one level deeper.
    pub(super) base: usize,
    /// A line that begins with an operator.
    pub(super) more: usize,
}

impl At {
    /// For what begins a line at `base`.
    pub(super) fn new(base: usize) -> Self {
        Self { base, more: base + INDENT }
    }

    /// For the first operand: its own operators stand deeper than those that follow it.
    fn first(self) -> Self {
        Self { base: self.base, more: self.more + INDENT }
    }
}

impl Output<'_> {
    /// A statement without its `;`, a header, or an item of a list: expressions with `,`, `=`, `:`, `..` or `in` between
    /// them. All lines after the first begin at the same place, however many there are.
    pub(super) fn parts(&mut self, start: usize, end: usize, mut at: At, tail: usize) {
        let (tokens, further) = (self.tokens, at.more);
        let ends = |role| matches!(role, Role::Comma | Role::Joint);
        let (mut start, mut is_value) = (start, false);
        loop {
            let joint = tokens.find(start, end, |word| ends(word.role));
            if joint == end {
                return if start < end {
                    self.expression(start, end, at, tail)
                };
            }
            let after = match tokens.get(joint).text {
                // A promised shape stays in the line in which the value ends.
                ":" if is_value => tokens.width(joint, end) + tail,
                "," | ":" => 1,
                _ => 2,
            };
            is_value |= tokens.get(joint).text == "=";
            if start < joint {
                self.expression(start, joint, at, after);
            }
            self.within(joint, at.more);
            self.token(joint);
            start = joint + 1;
            if start == end {
                return;
            }
            let next = tokens.find(start, end, |word| ends(word.role));
            let fits = !tokens.get(start).hard && self.fits(start, next, 2 + if next == end { tail } else { 1 });
            if tokens.get(joint).role == Role::Comma && !fits {
                self.below(start, further, Blank::None);
                at = At::new(further);
            } else {
                self.within(start, at.more);
            }
        }
    }

    /// An expression; what does not fit is broken at its loosest operators.
    fn expression(&mut self, start: usize, end: usize, at: At, tail: usize) {
        if self.fits(start, end, tail) {
            return self.line(start, end);
        }
        let mut operators: Vec<usize> = Vec::new();
        let mut loosest = u8::MAX;
        let mut index = start;
        while index < end {
            if let Role::Infix(rank) = self.tokens.get(index).role
                && rank <= loosest
            {
                if rank < loosest {
                    operators.clear();
                    loosest = rank;
                }
                operators.push(index);
            }
            index = self.tokens.after(index);
        }
        let Some(&first) = operators.first() else { return self.operand(start, end, at, tail) };
        operators.push(end);
        if loosest == ARROW {
            return self.pipeline(start, &operators, at, tail);
        }
        self.expression(start, first, at.first(), 0);
        for pair in operators.windows(2) {
            let &[operator, next] = pair else { continue };
            self.below(operator, at.more, Blank::None);
            self.stage(operator, next, At::new(at.more), if next == end { tail } else { 0 });
        }
    }

    /// A sign and the operand after it, at the beginning of a line.
    fn stage(&mut self, operator: usize, end: usize, at: At, tail: usize) {
        self.token(operator);
        self.within(operator + 1, at.more);
        self.expression(operator + 1, end, at, tail);
    }

    /// A pipeline that does not fit, or that the author wrote in several lines. `arrows` are the places of its `->`, and
    /// its end.
    ///
    /// The author's lines are kept where they fit; the stages of one that does not stand on lines of their own.
    fn pipeline(&mut self, start: usize, arrows: &[usize], at: At, tail: usize) {
        let tokens = self.tokens;
        let Some(&end) = arrows.last() else { return };
        let tail_of = |stop: usize| if stop == end { tail } else { 0 };
        let begins_line = |arrow: usize| arrow == end || tokens.get(arrow).hard;
        // The end of the author's line.
        let mut line_end = 0;
        // Whether the rest of the line is written.
        let mut done = false;
        let starts = std::iter::once(start).chain(arrows.iter().copied());
        for (index, (from, &to)) in starts.zip(arrows).enumerate() {
            let is_head = index == 0;
            if is_head || begins_line(from) {
                line_end = arrows[index..].iter().copied().find(|&arrow| begins_line(arrow)).unwrap_or(end);
                done = false;
            } else if done {
                continue;
            }
            if !is_head {
                self.below(from, at.more, Blank::None);
            }
            if (is_head || begins_line(from)) && self.fits(from, line_end, tail_of(line_end)) {
                self.line(from, line_end);
                done = true;
            } else if !is_head {
                self.stage(from, to, At::new(at.more), tail_of(to));
            } else if self.fits(from, to, 0) {
                self.line(from, to);
            } else {
                self.expression(from, to, at.first(), 0);
                // There may be room after a closing bracket that begins a line.
                let is_closed = tokens.get(to - 1).role == Role::Close && self.column == at.base + 1;
                if is_closed && to < line_end && self.fits(to, line_end, tail_of(line_end) + 1) {
                    self.within(to, at.more);
                    self.line(to, line_end);
                    done = true;
                }
            }
        }
    }

    /// An operand that does not fit: a call, a list, an expression in parentheses, or single words.
    fn operand(&mut self, start: usize, end: usize, at: At, tail: usize) {
        let tokens = self.tokens;
        let mut index = start;
        while index < end {
            if index > start {
                self.within(index, at.more);
            }
            match tokens.get(index).role {
                Role::Open(bracket) => {
                    let closer = tokens.get(index).partner;
                    let next = closer + 1;
                    // A photograph's settings are broken rather than the shape before them.
                    let settings = match tokens.get(next).text {
                        "from" => tokens.find(next, end, |word| matches!(word.role, Role::Open(_))),
                        _ => end,
                    };
                    let rest = match next {
                        _ if settings < end => tokens.width(next, settings + 1) + 1,
                        _ if next < end => tokens.width(next, end) + usize::from(tokens.get(next).spaced) + tail,
                        _ => tail,
                    };
                    self.brackets(index, closer, bracket, at, rest);
                    index = closer + 1;
                }
                _ => {
                    self.token(index);
                    index += 1;
                }
            }
        }
    }

    /// Brackets and what is in them.
    fn brackets(&mut self, opener: usize, closer: usize, bracket: Bracket, at: At, tail: usize) {
        let tokens = self.tokens;
        let start = opener + 1;
        if self.fits(opener, closer + 1, tail) {
            return self.line(opener, closer + 1);
        }
        self.token(opener);
        let inner = at.base + INDENT;
        if start == closer {
            if !tokens.get(closer).gap.comments.is_empty() {
                self.closing(closer, inner, at.base, Blank::None);
            }
            return self.token(closer);
        }
        match bracket {
            Bracket::Items | Bracket::List => self.items(start, closer, bracket, inner),
            Bracket::Single | Bracket::Brace => {
                self.below(start, inner, Blank::None);
                self.parts(start, closer, At::new(inner), 0);
            }
        }
        self.closing(closer, inner, at.base, Blank::None);
        self.token(closer);
    }

    /// Items with a comma after each: one on a line, or, in a list with lines that the author broke, in his rows.
    fn items(&mut self, start: usize, closer: usize, bracket: Bracket, indent: usize) {
        let tokens = self.tokens;
        let comma = |from| tokens.find(from, closer, |word| word.role == Role::Comma);
        // One row is enough, if it begins below the bracket.
        let mut has_rows = bracket == Bracket::List && tokens.get(start).gap.has_newline();
        let mut next = if bracket == Bracket::List { comma(start) } else { closer };
        while next < closer && !has_rows {
            has_rows = tokens.get(next + 1).gap.has_newline();
            next = comma(next + 1);
        }
        let mut from = start;
        while from < closer {
            let to = comma(from);
            let word = tokens.get(from);
            let joins = from > start && has_rows && !word.hard && !word.gap.has_newline() && self.fits(from, to, 2);
            if joins {
                self.within(from, indent);
            } else {
                self.below(from, indent, Blank::None);
            }
            from = self.docs(from, indent);
            self.parts(from, to, At::new(indent), 1);
            if to < closer {
                self.within(to, indent);
                self.token(to);
            } else {
                self.push(",");
            }
            from = to + 1;
        }
    }
}
