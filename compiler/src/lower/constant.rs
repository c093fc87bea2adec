//! Numbers known at compile time: literals, parameters, and the arithmetic of them, checked for overflow.

use std::fmt::{self, Write as _};

use super::missing::is_layer;
use super::scope::Meaning;
use super::{Lowerer, MAX_LIST};
use crate::diagnostic::codes;
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::types::{Demand, Dim, Truth};

/// A value known at compile time.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Constant>),
    /// A whole number that depends on the variables of the block whose definition is being checked.
    Dim(Dim),
    /// A number with a fraction that the block whose definition is being checked is given.
    AnyFloat,
}

impl Constant {
    /// How many values it is made of.
    pub(super) fn n_values(&self) -> usize {
        match self {
            Self::List(items) => items.iter().map(Self::n_values).fold(1, usize::saturating_add),
            _ => 1,
        }
    }
}

/// About how many characters of a text or list messages show.
const MAX_SHOWN: usize = 60;

/// For messages: long texts and lists are cut.
impl fmt::Display for Constant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Constant::Int(value) => write!(f, "{value}"),
            Constant::Float(value) => write!(f, "{value:?}"),
            Constant::Bool(value) => write!(f, "{value}"),
            Constant::Text(text) => match text.char_indices().nth(MAX_SHOWN) {
                Some((end, _)) => write!(f, "{:?}…", text.get(..end).unwrap_or_default()),
                None => write!(f, "{text:?}"),
            },
            Constant::Dim(dim) => write!(f, "{dim}"),
            Constant::AnyFloat => f.write_str("a number"),
            Constant::List(items) => {
                let mut list = String::from("[");
                for (index, item) in items.iter().enumerate() {
                    if list.chars().count() > MAX_SHOWN {
                        list.push_str(", …");
                        break;
                    }
                    write!(list, "{}{item}", if index == 0 { "" } else { ", " })?;
                }
                write!(f, "{list}]")
            }
        }
    }
}

impl<'a> Lowerer<'a> {
    /// The value of an expression that must be known at compile time; `None` after a message.
    pub(super) fn constant(&mut self, expr: &'a Expr) -> Option<Constant> {
        let meaning = self.evaluate(expr);
        self.as_constant(meaning, expr.span)
    }

    /// The value, if it is one that is known at compile time; `None` after a message.
    fn as_constant(&mut self, meaning: Meaning, span: Span) -> Option<Constant> {
        match meaning {
            Meaning::Constant(constant) => Some(constant),
            Meaning::Tensor(_) => {
                self.sink
                    .error(codes::N0203, "a tensor stands where a number is expected")
                    .primary(span, "expected a number or a parameter");
                None
            }
            Meaning::Several(_) => {
                self.sink
                    .error(codes::N0203, "tensors stand where a number is expected")
                    .primary(span, "expected a number or a parameter");
                None
            }
            Meaning::Unknown => None,
        }
    }

    /// The value of a list, if every item has one.
    pub(super) fn list(&mut self, items: &'a [Expr]) -> Meaning {
        let mut values = Some(Vec::new());
        let mut n_values = 0_usize;
        let is_tensor = |item: &&Expr| matches!(&item.kind, ExprKind::Name(name) if self.is_tensor(name));
        if let Some(first) = items.iter().find(is_tensor) {
            self.sink
                .error(codes::N0203, "a list holds numbers, and no tensors")
                .primary(first.span, "expected a number or a parameter")
                .help("give tensors names of their own, and a layer takes several as arguments: `concat(a, b)`");
            return Meaning::Unknown;
        }
        let mut is_value = |item: &&Expr| matches!(&item.kind, ExprKind::Name(name) if self.lookup(name).is_some());
        if let Some(first) = items.iter().filter(|item| is_layer(item)).find(|item| !is_value(item)) {
            self.sink
                .error(codes::N0203, "a list holds numbers, and no layers")
                .primary(first.span, "expected a number or a parameter")
                .help(
                    "layers stand behind each other, `x -> conv(8, kernel: 3) -> relu`; a block gives several one name",
                );
            return Meaning::Unknown;
        }
        for item in items {
            let value = self.constant(item);
            n_values = n_values.saturating_add(value.as_ref().map_or(0, Constant::n_values));
            if n_values > MAX_LIST {
                self.stop(item.span, format!("a list holds more than {MAX_LIST} values"));
                return Meaning::Unknown;
            }
            match (&mut values, value) {
                (Some(values), Some(value)) => values.push(value),
                (values, _) => *values = None,
            }
        }
        values.map_or(Meaning::Unknown, |items| Meaning::Constant(Constant::List(items)))
    }

    /// Applies `-` or `not`.
    pub(super) fn unary(&mut self, op: UnaryOp, operand: &'a Expr, span: Span) -> Meaning {
        let meaning = self.evaluate(operand);
        if let (UnaryOp::Negate, Meaning::Tensor(x)) = (op, &meaning) {
            return self.affine((*x, operand.span), -1.0, 0.0, span);
        }
        let Some(value) = self.as_constant(meaning, operand.span) else { return Meaning::Unknown };
        let result = match (op, &value) {
            (UnaryOp::Negate, Constant::Int(value)) => value.checked_neg().map(Constant::Int),
            (UnaryOp::Negate, Constant::Float(value)) => Some(Constant::Float(-value)),
            (UnaryOp::Negate, Constant::Dim(dim)) => Some(from_dim(-dim)),
            (UnaryOp::Negate, Constant::AnyFloat) => Some(Constant::AnyFloat),
            (UnaryOp::Not, Constant::Bool(value)) => Some(Constant::Bool(!value)),
            _ => {
                let expected = if op == UnaryOp::Not { "`true` or `false`" } else { "a number" };
                self.sink
                    .error(codes::N0203, format!("`{}` takes {expected}, found {value}", op.as_str()))
                    .primary(operand.span, format!("expected {expected}"));
                return Meaning::Unknown;
            }
        };
        self.or_overflow(result, span)
    }

    /// Applies an operator to two constants.
    pub(super) fn binary(&mut self, op: BinaryOp, a: (Constant, Span), b: (Constant, Span), span: Span) -> Meaning {
        use Constant::{Bool, Float, Int, Text};
        let result = match (&a.0, &b.0) {
            (Constant::Dim(_), Int(_) | Constant::Dim(_)) | (Int(_), Constant::Dim(_)) => {
                let (x, y) = (dim(&a.0), dim(&b.0));
                match self.symbolic(op, &x, &y) {
                    Some(result) => Some(result),
                    None => return self.misfit(op, &a, &b),
                }
            }
            (Constant::AnyFloat, Int(_) | Float(_) | Constant::Dim(_) | Constant::AnyFloat)
            | (Int(_) | Float(_) | Constant::Dim(_), Constant::AnyFloat)
            | (Constant::Dim(_), Float(_))
            | (Float(_), Constant::Dim(_)) => match op {
                BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide => Some(Constant::AnyFloat),
                BinaryOp::And | BinaryOp::Or => return self.misfit(op, &a, &b),
                // Any answer is possible: each is looked into.
                _ => Some(Bool(self.decide_freely())),
            },
            (Int(x), Int(y)) => match int(op, *x, *y) {
                Ok(result) => result,
                Err(()) => return self.misfit(op, &a, &b),
            },
            (Int(_) | Float(_), Int(_) | Float(_)) => match float(op, real(&a.0), real(&b.0)) {
                Some(result) => finite(result),
                None => return self.misfit(op, &a, &b),
            },
            (Bool(x), Bool(y)) => match op {
                BinaryOp::And => Some(Bool(*x && *y)),
                BinaryOp::Or => Some(Bool(*x || *y)),
                BinaryOp::Equal => Some(Bool(x == y)),
                BinaryOp::NotEqual => Some(Bool(x != y)),
                _ => return self.misfit(op, &a, &b),
            },
            (Text(x), Text(y)) => match op {
                BinaryOp::Equal => Some(Bool(x == y)),
                BinaryOp::NotEqual => Some(Bool(x != y)),
                _ => return self.misfit(op, &a, &b),
            },
            _ => return self.misfit(op, &a, &b),
        };
        if result.is_none() && op == BinaryOp::Divide && real(&b.0) == 0.0 {
            self.sink.error(codes::N0205, "division by zero").primary(b.1, "this is 0");
            return Meaning::Unknown;
        }
        self.or_overflow(result, span)
    }

    /// The operator on whole numbers that depend on variables; `None` if it does not apply.
    fn symbolic(&mut self, op: BinaryOp, x: &Dim, y: &Dim) -> Option<Constant> {
        let one = |dim: &Dim| dim + 1;
        // `a > b` is `a >= b + 1`.
        let (more, less) = match op {
            BinaryOp::Add => return Some(from_dim(x + y)),
            BinaryOp::Subtract => return Some(from_dim(x - y)),
            BinaryOp::Multiply => return Some(from_dim(x * y)),
            BinaryOp::Divide => {
                self.facts.require_at_least(y, &Dim::from(1));
                return Some(from_dim(x.divided(y)));
            }
            BinaryOp::Equal => return Some(Constant::Bool(self.decide_equal(x, y))),
            BinaryOp::NotEqual => return Some(Constant::Bool(!self.decide_equal(x, y))),
            BinaryOp::GreaterEqual => (x.clone(), y.clone()),
            BinaryOp::Greater => (x.clone(), one(y)),
            BinaryOp::LessEqual => (y.clone(), x.clone()),
            BinaryOp::Less => (y.clone(), one(x)),
            BinaryOp::And | BinaryOp::Or => return None,
        };
        let truth = self.facts.at_least(&more, &less);
        let answer = self.decide(
            truth,
            || Demand::AtLeast(more.clone(), less.clone()),
            || Demand::AtLeast(less.clone(), &more + 1),
        );
        Some(Constant::Bool(answer))
    }

    /// Decides what nothing is known of.
    fn decide_freely(&mut self) -> bool {
        let nothing = || Demand::Equal(Dim::from(0), Dim::from(0));
        self.decide(Truth::Open, nothing, nothing)
    }

    fn misfit(&mut self, op: BinaryOp, a: &(Constant, Span), b: &(Constant, Span)) -> Meaning {
        let expected = match op {
            BinaryOp::And | BinaryOp::Or => "expected `true` or `false` on both sides",
            BinaryOp::Equal | BinaryOp::NotEqual => "expected operands of one kind",
            _ => "expected two numbers",
        };
        self.sink
            .error(codes::N0203, format!("`{}` does not apply to {} and {}", op.as_str(), a.0, b.0))
            .primary(a.1.to(b.1), expected);
        Meaning::Unknown
    }

    fn or_overflow(&mut self, result: Option<Constant>, span: Span) -> Meaning {
        result.map_or_else(
            || {
                self.sink.error(codes::N0205, "the result is out of range").primary(span, "does not fit into 64 bits");
                Meaning::Unknown
            },
            Meaning::Constant,
        )
    }
}

fn dim(value: &Constant) -> Dim {
    match value {
        Constant::Int(value) => Dim::from(*value),
        Constant::Dim(dim) => dim.clone(),
        _ => Dim::unknown(),
    }
}

/// A dimension as a constant: a number where it is one.
fn from_dim(dim: Dim) -> Constant {
    dim.as_number().map_or(Constant::Dim(dim), Constant::Int)
}

/// The operator on whole numbers: `Err` if it does not apply, `None` if the result does not fit. Division rounds down.
fn int(op: BinaryOp, x: i64, y: i64) -> Result<Option<Constant>, ()> {
    Ok(match op {
        BinaryOp::Add => x.checked_add(y).map(Constant::Int),
        BinaryOp::Subtract => x.checked_sub(y).map(Constant::Int),
        BinaryOp::Multiply => x.checked_mul(y).map(Constant::Int),
        BinaryOp::Divide => {
            let rounds_up = y != 0 && x.checked_rem(y).is_some_and(|rest| rest != 0) && (x < 0) != (y < 0);
            x.checked_div(y).map(|quotient| Constant::Int(quotient - i64::from(rounds_up)))
        }
        BinaryOp::Equal => Some(Constant::Bool(x == y)),
        BinaryOp::NotEqual => Some(Constant::Bool(x != y)),
        BinaryOp::Less => Some(Constant::Bool(x < y)),
        BinaryOp::LessEqual => Some(Constant::Bool(x <= y)),
        BinaryOp::Greater => Some(Constant::Bool(x > y)),
        BinaryOp::GreaterEqual => Some(Constant::Bool(x >= y)),
        BinaryOp::And | BinaryOp::Or => return Err(()),
    })
}

/// The operator on numbers with a fraction; `None` if it does not apply.
fn float(op: BinaryOp, x: f64, y: f64) -> Option<Constant> {
    Some(match op {
        BinaryOp::Add => Constant::Float(x + y),
        BinaryOp::Subtract => Constant::Float(x - y),
        BinaryOp::Multiply => Constant::Float(x * y),
        BinaryOp::Divide => Constant::Float(x / y),
        BinaryOp::Equal => Constant::Bool(x == y),
        BinaryOp::NotEqual => Constant::Bool(x != y),
        BinaryOp::Less => Constant::Bool(x < y),
        BinaryOp::LessEqual => Constant::Bool(x <= y),
        BinaryOp::Greater => Constant::Bool(x > y),
        BinaryOp::GreaterEqual => Constant::Bool(x >= y),
        BinaryOp::And | BinaryOp::Or => return None,
    })
}

fn finite(result: Constant) -> Option<Constant> {
    match result {
        Constant::Float(value) if !value.is_finite() => None,
        other => Some(other),
    }
}

fn real(value: &Constant) -> f64 {
    match value {
        Constant::Int(value) => *value as f64,
        Constant::Float(value) => *value,
        _ => f64::NAN,
    }
}
