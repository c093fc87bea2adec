//! Which channels of a network belong together: what else must go when a filter goes.
//!
//! Every filter of a convolution and every unit of a dense layer is a channel. Layers that treat channels one by one pass
//! them on; what joins tensors joins channels, or ties one to another where they are added. What cannot do without one
//! (an output, the loss, a softmax) holds it.

use std::collections::{HashMap, HashSet};

use crate::ir::{Graph, Node, ParameterId, ValueId};
use crate::ops::Op;

/// A channel, or several that can only go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(u32);

/// Channels that must stay.
const HELD: ChannelId = ChannelId(0);

/// A layer that makes channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// Its weights; the last axis counts its channels.
    pub weight: ParameterId,
    /// Its channels, in order.
    channels: Vec<ChannelId>,
}

/// How much of a parameter stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The parameter.
    pub parameter: ParameterId,
    /// For each axis the indices that stay; `None` for all.
    pub axes: Vec<Option<Vec<usize>>>,
}

/// The channels of a network.
#[derive(Debug, Clone)]
pub struct Channels {
    layers: Vec<Layer>,
    /// The channels of a value's last axis.
    of_values: HashMap<ValueId, Vec<ChannelId>>,
    /// The channels of a parameter's axes.
    of_parameters: Vec<(ParameterId, Vec<Option<Vec<ChannelId>>>)>,
    /// For each channel one that it is tied to, or itself.
    tied: Vec<ChannelId>,
}

impl Channels {
    /// Follows the channels through a graph as the checker leaves it; `losses` are what the losses look at.
    #[must_use]
    pub fn of(graph: &Graph, losses: impl IntoIterator<Item = ValueId>) -> Self {
        let mut channels =
            Self { layers: Vec::new(), of_values: HashMap::new(), of_parameters: Vec::new(), tied: vec![HELD] };
        for node in &graph.nodes {
            channels.node(graph, node);
        }
        for id in graph.outputs.iter().map(|output| output.value).chain(losses) {
            channels.hold(graph, id);
        }
        channels
    }

    /// The layers that make channels, in order.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// A layer's channels, each by the one that stands for all it is tied to; `None` for those that must stay.
    pub fn of_layer<'a>(&'a self, layer: &'a Layer) -> impl Iterator<Item = Option<ChannelId>> + 'a {
        layer.channels.iter().map(|&id| Some(self.find(id)).filter(|&found| found != HELD))
    }

    /// The layers that share channels with others, as lists of their places; a layer that shares none is alone in its.
    #[must_use]
    pub fn tied_layers(&self) -> Vec<Vec<usize>> {
        let mut groups: Vec<(HashSet<ChannelId>, Vec<usize>)> = Vec::new();
        for (idx, layer) in self.layers.iter().enumerate() {
            let mut own: HashSet<ChannelId> = self.of_layer(layer).flatten().collect();
            let mut members = vec![idx];
            groups.retain_mut(|(others, layers)| {
                let is_apart = others.is_disjoint(&own);
                if !is_apart {
                    own.extend(others.drain());
                    members.append(layers);
                }
                is_apart
            });
            members.sort_unstable();
            groups.push((own, members));
        }
        groups.sort_by_key(|(_, members)| members.first().copied());
        groups.into_iter().map(|(_, members)| members).collect()
    }

    /// How many channels each layer has left without those that go.
    #[must_use]
    pub fn widths(&self, gone: &HashSet<ChannelId>) -> HashMap<String, usize> {
        let left = |layer: &Layer| layer.channels.iter().filter(|&&id| !gone.contains(&self.find(id))).count();
        self.layers.iter().map(|layer| (layer.name.clone(), left(layer))).collect()
    }

    /// What stays of every parameter that loses something.
    #[must_use]
    pub fn parts(&self, gone: &HashSet<ChannelId>) -> Vec<Part> {
        let stays = |ids: &Vec<ChannelId>| {
            let left: Vec<usize> =
                (0..).zip(ids).filter(|(_, id)| !gone.contains(&self.find(**id))).map(|(at, _)| at).collect();
            (left.len() < ids.len()).then_some(left)
        };
        let part = |(parameter, axes): &(ParameterId, Vec<Option<Vec<ChannelId>>>)| Part {
            parameter: *parameter,
            axes: axes.iter().map(|ids| ids.as_ref().and_then(stays)).collect(),
        };
        self.of_parameters.iter().map(part).filter(|part| part.axes.iter().any(Option::is_some)).collect()
    }

    fn node(&mut self, graph: &Graph, node: &Node) {
        let (Some(&x), Some(&y)) = (node.args.first(), node.results.first()) else { return };
        let ids = self.value(graph, x);
        let made = match &node.op {
            Op::Conv(conv) if conv.is_depthwise() => {
                let multiplier = conv.f / conv.c.max(1);
                let out: Vec<ChannelId> = ids.iter().flat_map(|&id| std::iter::repeat_n(id, multiplier)).collect();
                self.parameters(node, &[None, None, None, Some(&out)], &out);
                out
            }
            Op::Conv(conv) if conv.groups == 1 => {
                let out = self.layer(node, conv.f);
                self.parameters(node, &[None, None, Some(&ids), Some(&out)], &out);
                out
            }
            Op::Dense(dense) => {
                let out = self.layer(node, dense.outputs);
                self.parameters(node, &[Some(&ids), Some(&out)], &out);
                out
            }
            Op::BatchNorm(_) | Op::Prelu(_) => {
                self.parameters(node, &[Some(&ids)], &ids);
                ids
            }
            Op::Activation(_)
            | Op::Dropout(_)
            | Op::MaxPool(_)
            | Op::AvgPool(_)
            | Op::GlobalAvgPool(_)
            | Op::GlobalMaxPool(_)
            | Op::Pad(_)
            | Op::Upsample(_)
            | Op::Copy(_)
            | Op::Affine(_) => ids,
            Op::Mean(mean) if !mean.inner.is_empty() => ids,
            // `reshape` names its sizes, which would be others.
            Op::Reshape(_) if is_flatten(graph, y) => {
                let repeated = graph.shape(y).elements() / ids.len().max(1);
                std::iter::repeat_n(ids, repeated).flatten().collect()
            }
            Op::Concat(concat) if concat.axis + 1 == graph.shape(x).dims().len() => {
                node.args.iter().flat_map(|&arg| self.value(graph, arg)).collect()
            }
            Op::Concat(_) | Op::Add(_) | Op::Subtract(_) | Op::Multiply(_) | Op::Gate(_) | Op::AddGate(_) => {
                for &other in &node.args[1..] {
                    let others = self.value(graph, other);
                    ids.iter().zip(others).for_each(|(&a, b)| self.tie(a, b));
                }
                ids
            }
            Op::PixelGate(_) | Op::AddPixelGate(_) => {
                node.args[1..].iter().for_each(|&other| self.hold(graph, other));
                ids
            }
            // What looks at all channels at once, or cuts them.
            _ => {
                node.args.iter().for_each(|&arg| self.hold(graph, arg));
                return;
            }
        };
        self.of_values.insert(y, made);
    }

    /// The channels of a value's last axis; those of inputs are held.
    fn value(&self, graph: &Graph, id: ValueId) -> Vec<ChannelId> {
        let len = graph.shape(id).dims().last().copied().unwrap_or(0);
        self.of_values.get(&id).cloned().unwrap_or_else(|| vec![HELD; len])
    }

    /// A layer with channels of its own.
    fn layer(&mut self, node: &Node, n: usize) -> Vec<ChannelId> {
        let first = self.tied.len() as u32;
        let channels: Vec<ChannelId> = (first..).take(n).map(ChannelId).collect();
        self.tied.extend(&channels);
        if let Some(&weight) = node.parameters.first() {
            self.layers.push(Layer { name: node.layer.clone(), weight, channels: channels.clone() });
        }
        channels
    }

    /// Notes the channels of a node's parameters: of the first its axes, of the others, which are vectors, `vector`.
    fn parameters(&mut self, node: &Node, axes: &[Option<&[ChannelId]>], vector: &[ChannelId]) {
        let axes = axes.iter().map(|ids| ids.map(<[ChannelId]>::to_vec)).collect();
        let mut parameters = node.parameters.iter();
        self.of_parameters.extend(parameters.next().map(|&first| (first, axes)));
        self.of_parameters.extend(parameters.map(|&id| (id, vec![Some(vector.to_vec())])));
    }

    fn hold(&mut self, graph: &Graph, id: ValueId) {
        for id in self.value(graph, id) {
            self.tie(HELD, id);
        }
    }

    /// The lowest channel that this one is tied to; it stands for all.
    fn find(&self, mut id: ChannelId) -> ChannelId {
        while let Some(&next) = self.tied.get(id.0 as usize).filter(|&&next| next != id) {
            id = next;
        }
        id
    }

    fn tie(&mut self, a: ChannelId, b: ChannelId) {
        let (a, b) = (self.find(a), self.find(b));
        let (low, high) = (a.min(b), a.max(b));
        if let Some(slot) = self.tied.get_mut(high.0 as usize) {
            *slot = low;
        }
    }
}

fn is_flatten(graph: &Graph, result: ValueId) -> bool {
    graph.calls.iter().any(|call| call.kind == "flatten" && call.results.contains(&result))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Sink;
    use crate::source::SourceMap;
    use crate::{Compiled, NoSources, Settings, compile};

    fn compiled(body: &str) -> Compiled {
        let mut map = SourceMap::new();
        let text = format!("network N {{ input x: [8, 8, 3]; {body} }}");
        let source = map.add("n.net", text.as_str());
        let mut sink = Sink::new();
        compile(source, &mut map, &Settings::default(), &mut NoSources, &mut sink).unwrap_or_else(|| {
            panic!("{}", crate::diagnostic::render_all(&sink, &map, crate::diagnostic::Style::Plain))
        })
    }

    /// Free channels of every layer.
    fn free(channels: &Channels) -> Vec<(&str, usize)> {
        channels
            .layers()
            .iter()
            .map(|layer| (layer.name.as_str(), channels.of_layer(layer).flatten().count()))
            .collect()
    }

    /// A parameter, and how long each of its axes that loses something is then.
    type Cut = (String, Vec<Option<usize>>);

    /// Takes away the first free channel of a layer: the widths, and the parameters that lose something.
    fn without_first(compiled: &Compiled, layer: usize) -> (HashMap<String, usize>, Vec<Cut>) {
        let channels = Channels::of(&compiled.graph, None);
        let first = channels.of_layer(&channels.layers()[layer]).flatten().next().unwrap();
        let gone = HashSet::from([first]);
        let part = |part: Part| {
            let axes = part.axes.iter().map(|left| left.as_ref().map(Vec::len)).collect();
            (compiled.graph.parameter(part.parameter).name.clone(), axes)
        };
        (channels.widths(&gone), channels.parts(&gone).into_iter().map(part).collect())
    }

    #[test]
    fn a_channel_goes_through_to_its_readers() {
        let net = compiled(
            "h = x -> conv(4, kernel: 3) as a -> batch_norm as n -> relu -> max_pool(2) -> dropout(0.5) -> flatten; \
             output y = h -> dense(5) as b -> softmax;",
        );
        let channels = Channels::of(&net.graph, None);
        assert_eq!(free(&channels), [("a", 4), ("b", 0)]);
        let (widths, parts) = without_first(&net, 0);
        assert_eq!((widths["a"], widths["b"]), (3, 5));
        let vector = |name: &str| (name.to_owned(), vec![Some(3)]);
        let expected = vec![
            ("a.weight".to_owned(), vec![None, None, None, Some(3)]),
            vector("a.bias"),
            vector("n.scale"),
            vector("n.shift"),
            vector("n.running_mean"),
            vector("n.running_variance"),
            // 3 x 3 pixels of 4 channels.
            ("b.weight".to_owned(), vec![Some(27), None]),
        ];
        assert_eq!(parts, expected);
    }

    #[test]
    fn joined_channels_have_their_places_and_added_ones_are_tied() {
        let net = compiled(
            "a = x -> conv(4, kernel: 1) as a; b = x -> conv(6, kernel: 1) as b; c = x -> conv(6, kernel: 1) as c; \
             s = b + c; j = concat(a, s); h = j -> depthwise_conv(kernel: 3) as d -> conv(2, kernel: 1) as e; \
             output y = h -> global_avg_pool;",
        );
        let channels = Channels::of(&net.graph, None);
        assert_eq!(free(&channels), [("a", 4), ("b", 6), ("c", 6), ("e", 0)]);
        assert_eq!(channels.tied_layers(), [vec![0], vec![1, 2], vec![3]]);
        let (widths, parts) = without_first(&net, 2);
        assert_eq!((widths["a"], widths["b"], widths["c"]), (4, 5, 5));
        let of_e = parts.iter().find(|(name, _)| name == "e.weight").unwrap();
        assert_eq!(of_e.1, [None, None, Some(9), None]);
        let gone = HashSet::from([channels.of_layer(&channels.layers()[1]).flatten().next().unwrap()]);
        let part =
            channels.parts(&gone).into_iter().find(|part| net.graph.parameter(part.parameter).name == "d.weight");
        // The first of the second operand stands behind the four of the first.
        assert_eq!(part.unwrap().axes[3].as_ref().unwrap(), &[0, 1, 2, 3, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn what_looks_at_all_channels_holds_them() {
        for layer in
            ["layer_norm", "lrn", "slice(axis: 2, end: 2)", "reshape([16, 16])", "conv(4, kernel: 1, groups: 2)"]
        {
            let net = compiled(&format!(
                "h = x -> conv(4, kernel: 1) as a; g = h -> {layer}; output y = g -> flatten -> dense(2) as b;"
            ));
            let channels = Channels::of(&net.graph, None);
            assert_eq!(free(&channels)[0], ("a", 0), "{layer}");
        }
        // An added input holds what it is added to.
        let net = compiled("h = x + (x -> conv(3, kernel: 1) as a); output y = h -> global_avg_pool -> dense(2) as b;");
        assert_eq!(free(&Channels::of(&net.graph, None)), [("a", 0), ("b", 0)]);
    }
}
