//! What a network wants: its arrays in the order of its layers, each with what it is and how its features were flattened.

use netwright_compiler::ir::{Graph, Node, ValueId};
use netwright_compiler::ops::Op;

use super::{Kind, Refused, Role, Target};

/// The arrays of a network, layer after layer, of each layer the trained ones first.
///
/// # Errors
///
/// Features that were flattened go where their order cannot be followed.
pub(crate) fn targets(graph: &Graph) -> Result<(Vec<Target>, Option<Refused>), Refused> {
    let (orders, lost) = orders(graph);
    let mut targets: Vec<Target> = Vec::new();
    for node in &graph.nodes {
        for &id in &node.parameters {
            let parameter = graph.parameter(id);
            let leaf = parameter.name.rsplit_once('.').map_or(parameter.name.as_str(), |(_, leaf)| leaf);
            let Some(role) = role(leaf) else {
                return Err(Refused(format!("{} is of no kind that other frameworks have", parameter.name)));
            };
            let shape = parameter.shape.dims().to_vec();
            let flat = node.args.first().filter(|&&arg| graph.shape(arg).rank() == 1);
            let order = flat.and_then(|&arg| orders.get(arg.0 as usize).cloned().flatten());
            let (kind, order) = match (&node.op, shape.len()) {
                (_, 1) => {
                    (Kind::Vector, order.filter(|order| order.len() == shape[0] && !matches!(node.op, Op::Dense(_))))
                }
                (Op::Dense(_), _) => (Kind::Dense, order),
                (Op::ConvTranspose(_), _) => (Kind::ConvTranspose, None),
                (Op::Conv(conv), _) => (Kind::Conv(conv.groups > 1 && conv.groups == conv.c), None),
                _ => return Err(Refused(format!("{} is of no kind that other frameworks have", parameter.name))),
            };
            targets.push(Target { name: parameter.name.clone(), shape, role, kind, order });
        }
    }
    Ok((targets, lost))
}

fn role(leaf: &str) -> Option<Role> {
    Some(match leaf {
        "weight" => Role::Weight,
        "bias" => Role::Bias,
        "scale" => Role::Scale,
        "shift" => Role::Shift,
        "running_mean" => Role::Mean,
        "running_variance" => Role::Variance,
        "slope" => Role::Slope,
        "depthwise" => Role::Depthwise,
        "pointwise" => Role::Pointwise,
        _ => return None,
    })
}

/// For each flat value whose features stem from an image: where each stands if the image's channels come first. And what
/// cannot be followed, if anything.
fn orders(graph: &Graph) -> (Vec<Option<Vec<usize>>>, Option<Refused>) {
    let mut orders: Vec<Option<Vec<usize>>> = vec![None; graph.values.len()];
    let mut lost = None;
    for node in &graph.nodes {
        let order = match order(graph, node, &orders) {
            Ok(order) => order,
            Err(refused) => {
                lost.get_or_insert(refused);
                None
            }
        };
        for &result in &node.results {
            if let Some(slot) = orders.get_mut(result.0 as usize) {
                slot.clone_from(&order);
            }
        }
    }
    (orders, lost)
}

fn order(graph: &Graph, node: &Node, orders: &[Option<Vec<usize>>]) -> Result<Option<Vec<usize>>, Refused> {
    let of = |id: ValueId| orders.get(id.0 as usize).and_then(Option::as_ref);
    let (Some(&first), Some(&result)) = (node.args.first(), node.results.first()) else { return Ok(None) };
    let (from, to) = (graph.shape(first).dims(), graph.shape(result).dims());
    let is_mixed = node.args.iter().any(|&arg| of(arg).is_some());
    match (&node.op, from, to) {
        (Op::Dense(_), ..) => Ok(None),
        (Op::Reshape(_), &[h, w, c], [_]) if h * w > 1 && c > 1 => {
            let place = |index: usize| (index % c) * h * w + index / c;
            Ok(Some((0..h * w * c).map(place).collect()))
        }
        (Op::Reshape(_), [_], &[h, w, c]) if is_mixed || h * w > 1 && c > 1 => {
            Err(Refused(format!("{} makes an image of numbers, whose order PyTorch has another way", node.layer)))
        }
        (Op::Reshape(_), &[_], &[_]) => Ok(of(first).cloned()),
        (Op::Concat(_), [_], [_]) if is_mixed => {
            let mut joined = Vec::new();
            for &arg in &node.args {
                let (start, count) = (joined.len(), graph.shape(arg).elements());
                match of(arg) {
                    Some(order) => joined.extend(order.iter().map(|place| start + place)),
                    None => joined.extend(start..start + count),
                }
            }
            Ok(Some(joined))
        }
        (_, [_], _) if is_mixed && from == to => Ok(of(first).cloned()),
        _ if is_mixed => Err(Refused(format!("{} takes flattened features apart", node.layer))),
        _ => Ok(None),
    }
}
