//! The weights of a description that is not compiled into this program, read, cut and written.

use std::collections::HashSet;
use std::path::Path;

use netwright::ndarray::Axis;
use netwright::spec::{Init, Layout, ParameterSpec, Spec};
use netwright::{Parameters, weights};
use netwright_compiler::channels::{ChannelId, Channels, Part};
use netwright_compiler::emit::flat_name;
use netwright_compiler::{Compiled, ir};
use netwright_run::Failure;

/// Reads a network's weights.
pub(super) fn load(compiled: &Compiled, path: &Path) -> Result<Parameters, Failure> {
    Ok(weights::load(spec(compiled), path)?)
}

/// Writes the weights of the smaller network: the old ones without those of the channels that go.
pub(super) fn cut(
    compiled: &Compiled,
    channels: &Channels,
    gone: &HashSet<ChannelId>,
    old: &Parameters,
    small: &Compiled,
    path: &Path,
) -> Result<(), Failure> {
    let parts = channels.parts(gone);
    let mut new = Parameters::new(spec(small))?;
    for (id, parameter) in (0..).map(ir::ParameterId).zip(&compiled.graph.parameters) {
        let mut array = old.get(&parameter.name)?;
        let part = parts.iter().find(|part| part.parameter == id);
        for (axis, left) in part.into_iter().flat_map(|Part { axes, .. }| axes.iter().enumerate()) {
            if let Some(left) = left {
                array = array.select(Axis(axis), left);
            }
        }
        new.set(&flat_name(&compiled.graph, &parameter.name), array.view())?;
    }
    Ok(weights::save(&new, path)?)
}

/// The description that generated code has as a constant. It lives as long as this program, which makes two of them.
fn spec(compiled: &Compiled) -> &'static Spec {
    let parameters: Vec<ParameterSpec> = compiled
        .parameters
        .order
        .iter()
        .map(|&id| {
            let offset = compiled.parameters.range(id).start;
            let ir::Parameter { name, shape, layout, trained, .. } = compiled.graph.parameter(id);
            let layout = match *layout {
                ir::Layout::Plain { len } => Layout::Padded { len },
                ir::Layout::Panels { groups, k, f } => Layout::Panels { groups, k, f },
            };
            ParameterSpec {
                name: text(name),
                shape: Box::leak(shape.dims().to_vec().into_boxed_slice()),
                offset,
                layout,
                // The weights are read, never initialised.
                init: Init::Zeros,
                trained: *trained,
            }
        })
        .collect();
    Box::leak(Box::new(Spec {
        name: text(&compiled.graph.name),
        fingerprint: text(&compiled.fingerprint),
        inputs: &[],
        outputs: &[],
        parameters: Box::leak(parameters.into_boxed_slice()),
        trained: compiled.parameters.trained,
        stored: compiled.parameters.stored,
        layers: &[],
    }))
}

fn text(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}
