//! The graph's stable text form: what snapshots show and what the fingerprint is a digest of.

use std::fmt;

use super::{Extent, Graph, Init, Layout, Node, Parameter, ValueId};

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "graph {}", self.name)?;
        for parameter in &self.parameters {
            writeln!(f, "  {parameter}")?;
        }
        for &input in &self.inputs {
            writeln!(f, "  input {}", Typed(self, input))?;
        }
        for node in &self.nodes {
            self.fmt_node(node, f)?;
        }
        for output in &self.outputs {
            writeln!(f, "  output {} = {}", output.name, self.value(output.value).name)?;
        }
        Ok(())
    }
}

impl Graph {
    fn fmt_node(&self, node: &Node, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("  ")?;
        for (index, &result) in node.results.iter().enumerate() {
            write!(f, "{}{}", if index == 0 { "" } else { ", " }, Typed(self, result))?;
        }
        if !node.results.is_empty() {
            f.write_str(" = ")?;
        }
        write!(f, "{}(", node.op)?;
        for (index, &arg) in node.args.iter().enumerate() {
            write!(f, "{}{}", if index == 0 { "" } else { ", " }, self.value(arg).name)?;
        }
        f.write_str(")")?;
        if !node.parameters.is_empty() {
            let names: Vec<&str> = node.parameters.iter().map(|&id| self.parameter(id).name.as_str()).collect();
            write!(f, " with {}", names.join(", "))?;
        }
        writeln!(f)
    }
}

/// A value's name with its type.
struct Typed<'a>(&'a Graph, ValueId);

impl fmt::Display for Typed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0.value(self.1);
        let extent = match value.extent {
            Extent::Image => "",
            Extent::Bytes => " of bytes",
            Extent::Chunk => " per chunk",
            Extent::Batch => " per batch",
        };
        write!(f, "{}: {}{extent}", value.name, value.shape)
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match (self.trained, self.frozen) {
            (true, _) => "parameter",
            (false, true) => "frozen",
            (false, false) => "state",
        };
        write!(f, "{kind} {}: {} {} init {}", self.name, self.shape, self.layout, self.init)
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Layout::Plain { len } => write!(f, "plain({len})"),
            Layout::Panels { groups, k, f: channels } => write!(f, "panels({groups} x {k} x {channels})"),
        }
    }
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Init::Zeros => f.write_str("zeros"),
            Init::Ones => f.write_str("ones"),
            Init::Constant(value) => write!(f, "constant({value:?})"),
            Init::GlorotUniform => f.write_str("glorot_uniform"),
            Init::GlorotNormal => f.write_str("glorot_normal"),
            Init::HeUniform => f.write_str("he_uniform"),
            Init::HeNormal => f.write_str("he_normal"),
            Init::Normal(std) => write!(f, "normal({std:?})"),
            Init::Uniform(limit) => write!(f, "uniform({limit:?})"),
        }
    }
}
