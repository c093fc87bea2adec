//! The grammar's signs and words as operators of the tree.

use pest::iterators::Pair;

use super::ast::{BinaryOp, UnaryOp};
use super::grammar::Rule;

/// The operator of a `minus` or `not_word`; `None` for an operand.
pub(super) fn unary_op(pair: &Pair<'_, Rule>) -> Option<UnaryOp> {
    match pair.as_rule() {
        Rule::minus => Some(UnaryOp::Negate),
        Rule::not_word => Some(UnaryOp::Not),
        _ => None,
    }
}

/// The operator of a sign or word between two operands.
pub(super) fn binary_op(pair: &Pair<'_, Rule>) -> Option<BinaryOp> {
    match pair.as_str() {
        "+" => Some(BinaryOp::Add),
        "-" => Some(BinaryOp::Subtract),
        "*" => Some(BinaryOp::Multiply),
        "/" => Some(BinaryOp::Divide),
        "==" => Some(BinaryOp::Equal),
        "!=" => Some(BinaryOp::NotEqual),
        "<" => Some(BinaryOp::Less),
        "<=" => Some(BinaryOp::LessEqual),
        ">" => Some(BinaryOp::Greater),
        ">=" => Some(BinaryOp::GreaterEqual),
        "and" => Some(BinaryOp::And),
        "or" => Some(BinaryOp::Or),
        _ => None,
    }
}
