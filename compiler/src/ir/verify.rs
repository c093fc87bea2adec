//! Checks what must hold of a graph after every pass. What it finds is a bug in the compiler, never in a description.

use super::{Graph, Shape, ValueId};

/// Checks a graph: operands before uses, one producer per value, shapes as the operations infer them, parameters
/// present. Returns the first thing that does not hold.
///
/// # Errors
///
/// A sentence that names the node and what is wrong with it.
pub fn verify(graph: &Graph) -> Result<(), String> {
    let mut made = vec![false; graph.values.len()];
    for &input in &graph.inputs {
        make(graph, &mut made, input, "input")?;
    }
    for node in &graph.nodes {
        for &arg in &node.args {
            if !made.get(arg.0 as usize).copied().unwrap_or(false) {
                return Err(format!("`{}` ({}) reads a value before it is made", node.layer, node.op));
            }
        }
        if node.results.iter().any(|result| result.0 as usize >= graph.values.len()) {
            return Err(format!("`{}` makes a value that is not in the graph", node.layer));
        }
        let shapes: Vec<_> = node.args.iter().map(|&arg| graph.shape(arg)).collect();
        if let Some(id) = node.parameters.iter().find(|id| id.0 as usize >= graph.parameters.len()) {
            return Err(format!(
                "`{}` ({}) names parameter {} of {}",
                node.layer,
                node.op,
                id.0,
                graph.parameters.len()
            ));
        }
        let inferred = node
            .op
            .infer(&shapes)
            .ok_or_else(|| format!("the operands of `{}` ({}) do not fit", node.layer, node.op))?;
        let found: Vec<_> = node.results.iter().map(|&id| graph.shape(id).clone()).collect();
        if inferred != found {
            let listed = |shapes: &[Shape]| shapes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let (inferred, found) = (listed(&inferred), listed(&found));
            return Err(format!("`{}` ({}) is inferred as {inferred} but recorded as {found}", node.layer, node.op));
        }
        for &result in &node.results {
            make(graph, &mut made, result, &node.layer)?;
        }
    }
    for output in &graph.outputs {
        if !made.get(output.value.0 as usize).copied().unwrap_or(false) {
            return Err(format!("output `{}` is never made", output.name));
        }
    }
    Ok(())
}

fn make(graph: &Graph, made: &mut [bool], id: ValueId, by: &str) -> Result<(), String> {
    match made.get_mut(id.0 as usize) {
        None => Err(format!("`{by}` makes a value that is not in the graph")),
        Some(true) => Err(format!("`{}` is made twice, the second time by `{by}`", graph.value(id).name)),
        Some(entry) => {
            *entry = true;
            Ok(())
        }
    }
}
