//! `netwright summary`: a network's layers, sizes and plans.

use comfy_table::Table;
use netwright_compiler::summary::{Layer, layers};
use netwright_compiler::{Compiled, plan::Plan};
use netwright_run::{Failure, output, text};
use serde::Serialize;

use crate::network::Chosen;

/// The arguments of `summary`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    network: Chosen,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// Prints the summary.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let compiled = args.network.compile()?;
    let layers = layers(&compiled.graph);
    let totals = Totals {
        parameters: layers.iter().map(|layer| layer.parameters).sum(),
        macs: layers.iter().map(|layer| layer.macs).sum(),
    };
    if args.json {
        return output::print_json(&Summary {
            network: &compiled.graph.name,
            parameters: totals.parameters,
            macs: totals.macs,
            layers: layers.iter().map(Row::from).collect(),
        });
    }
    output::print(&describe(&compiled, &layers, &totals))
}

/// The sums over all layers.
struct Totals {
    parameters: u64,
    macs: u64,
}

/// The summary as JSON.
#[derive(Serialize)]
struct Summary<'a> {
    network: &'a str,
    parameters: u64,
    macs: u64,
    layers: Vec<Row<'a>>,
}

/// A layer as JSON.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    kind: &'a str,
    input: &'a [usize],
    output: &'a [usize],
    parameters: u64,
    macs: u64,
}

impl<'a> From<&'a Layer> for Row<'a> {
    fn from(layer: &'a Layer) -> Self {
        let Layer { name, kind, input, output, parameters, macs } = layer;
        Self { name, kind, input, output, parameters: *parameters, macs: *macs }
    }
}

/// The summary for people.
fn describe(compiled: &Compiled, layers: &[Layer], totals: &Totals) -> String {
    let strong = output::STRONG;
    let graph = &compiled.graph;
    let mut text = format!("{strong}{}{strong:#}", graph.name);
    for line in &graph.docs {
        text.push_str(&format!("\n  {}", line.trim()));
    }
    text.push_str(&format!("\n\n{}\n\n", table(layers, totals)));
    let stored = compiled.parameters.stored as u64;
    text.push_str(&format!(
        "parameters   {} as 32-bit floats, {} as stored for the kernels\n",
        text::kilobytes(totals.parameters.saturating_mul(4)),
        text::kilobytes(stored.saturating_mul(4)),
    ));
    text.push_str(&plan("inference", &compiled.inference));
    if let Some(train) = &compiled.training {
        text.push_str(&plan("training", &train.training));
    }
    text.push_str(&format!("fingerprint  {}\n", compiled.fingerprint));
    text
}

/// A plan in one line.
fn plan(name: &str, plan: &Plan) -> String {
    let stages = match plan.stages.len() {
        1 => String::new(),
        stages => format!(", {stages} stages"),
    };
    format!(
        "{name:<11}  {} at a time in an arena of {}, {} multiply-adds per image{stages}\n",
        text::count(plan.chunk, "image"),
        text::kilobytes((plan.arena as u64).saturating_mul(4)),
        text::thousands(plan.macs),
    )
}

/// The layers with a line of totals.
fn table(layers: &[Layer], totals: &Totals) -> Table {
    let number = |number: u64| if number == 0 { String::new() } else { text::thousands(number) };
    let row = |layer: &Layer| {
        let Layer { name, kind, input, output, parameters, macs } = layer;
        [name.clone(), kind.clone(), text::shape(input), text::shape(output), number(*parameters), number(*macs)]
    };
    let [name, empty] = ["total".to_owned(), String::new()];
    let total = [name, empty.clone(), empty.clone(), empty, number(totals.parameters), number(totals.macs)];
    let rows = layers.iter().map(row).chain([total]).collect();
    output::table(["layer", "kind", "input", "output", "parameters", "multiply-adds"], rows, &[4, 5])
}
