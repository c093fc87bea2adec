//! `netwright import-weights`: weights made elsewhere, as a file that the network loads.

use std::path::PathBuf;

use clap::ValueEnum;
use netwright::{Parameters, weights};
use netwright_run::{Failure, output, text};
use serde::Serialize;

use crate::import::{self, Array, Convention, Map, Pair, Refused, Target};
use crate::network::Chosen;

/// What stands below the options.
pub(super) const AFTER: &str = "Arrays are matched by the mapping file; those that it leaves alone by the names of their \
    layers, else by shape and, where several have the same, by the numbers in their names. Everything must have its place; \
    what is left over, or could be in several, is listed and nothing is written.";

/// The arguments of `import-weights`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    network: Chosen,
    /// Weights: safetensors, or npz of NumPy
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where to write
    #[arg(short, long, value_name = "FILE", default_value = "weights.safetensors")]
    out: PathBuf,
    /// The order of axes: PyTorch's [F, C, KH, KW] and [outputs, inputs], or Keras's [KH, KW, C, F] and [inputs, outputs]
    #[arg(long, value_enum, default_value_t = Layout::Auto)]
    layout: Layout,
    /// A TOML file with lines such as `"features.0" = "conv1"`, of arrays or of all arrays of a layer or block; `false`
    /// leaves one out
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Layout {
    Pytorch,
    Keras,
    /// What the names and shapes allow
    Auto,
}

/// What was done, as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    network: &'a str,
    layout: &'a str,
    file: String,
    arrays: Vec<Row<'a>>,
    left_out: Vec<&'a str>,
}

/// An array that was taken over.
#[derive(Serialize)]
struct Row<'a> {
    theirs: &'a str,
    their_shape: &'a [usize],
    ours: &'a str,
    our_shape: &'a [usize],
    matched_by: &'a str,
    change: String,
}

/// Reads, matches, converts, writes and prints.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let compiled = args.network.compile()?;
    let network = &compiled.graph.name;
    let refused =
        |Refused(problem): Refused| Failure::failed(format!("{network} cannot have these weights: {problem}"));
    let (targets, lost) = import::targets(&compiled.graph).map_err(refused)?;
    if targets.is_empty() {
        return Err(Failure::failed(format!("{network} has no weights")));
    }
    let numbers = targets.iter().map(|target| target.shape.iter().product::<usize>() as u64).sum();
    let mut arrays = import::read(&args.file, numbers)?;
    let map = args.map.as_deref().map(Map::read).transpose()?.unwrap_or_default();
    let (convention, pairs, left_out) = matched(args.layout, &arrays, &targets, &map).map_err(|refusal| {
        let is_own = |target: &Target| arrays.iter().any(|a| a.name == target.name && a.shape == target.shape);
        if targets.iter().all(is_own) {
            let file = args.file.display();
            return Failure::failed(format!("{file}: these are weights of {network} as Netwright keeps them"))
                .help(format!("they need no import: give the file to `--weights`, as in `netwright eval {network} --weights {file}`"));
        }
        let failure = refused(refusal);
        if args.map.is_some() {
            failure
        } else {
            failure.help("say what is what in a file for --map; see `netwright import-weights --help`")
        }
    })?;
    if let (Convention::PyTorch, Some(refusal)) = (convention, lost) {
        return Err(refused(refusal));
    }
    let mut parameters = Parameters::new(import::spec(&compiled))?;
    for pair in &pairs {
        let (array, target) = (&mut arrays[pair.theirs], &targets[pair.ours]);
        let values = std::mem::replace(&mut array.values, Ok(Vec::new())).unwrap_or_default();
        let converted = convention.convert(target, &array.shape, values);
        let converted = converted.ok_or_else(|| Failure::failed(format!("{} cannot be converted", target.name)))?;
        parameters.set(&target.name, converted.view())?;
    }
    if let Some((name, value)) = parameters.first_non_finite() {
        output::warning(&format!("{name} holds {value}"));
    }
    weights::save(&parameters, &args.out)?;
    let mut rows: Vec<&Pair> = pairs.iter().collect();
    rows.sort_by_key(|pair| pair.ours);
    let rows = rows.into_iter().map(|pair| {
        let (array, target) = (&arrays[pair.theirs], &targets[pair.ours]);
        Row {
            theirs: &array.name,
            their_shape: &array.shape,
            ours: &target.name,
            our_shape: &target.shape,
            matched_by: pair.by,
            change: convention.describe(target, array),
        }
    });
    let answer = Answer {
        network,
        layout: convention.name(),
        file: args.out.display().to_string(),
        arrays: rows.collect(),
        left_out: left_out.iter().map(|&index| arrays[index].name.as_str()).collect(),
    };
    if args.json { output::print_json(&answer) } else { output::print(&describe(&answer, numbers)) }
}

/// The convention with which everything fits, the pairs, and what is left out.
fn matched(
    layout: Layout,
    arrays: &[Array],
    targets: &[Target],
    map: &Map,
) -> Result<(Convention, Vec<Pair>, Vec<usize>), Refused> {
    let conventions = match layout {
        Layout::Pytorch => vec![Convention::PyTorch],
        Layout::Keras => vec![Convention::Keras],
        Layout::Auto => import::conventions(arrays),
    };
    let mut fitting = Vec::new();
    let mut refusals = Vec::new();
    for convention in conventions {
        match import::matched(arrays, targets, map, convention) {
            Ok((pairs, left_out)) => fitting.push((convention, pairs, left_out)),
            Err(Refused(problem)) => refusals.push(problem),
        }
    }
    match fitting.pop() {
        Some(one) if fitting.is_empty() => Ok(one),
        Some(_) => Err(Refused("they fit as PyTorch and as Keras has them; say which with --layout".to_owned())),
        None => Err(Refused(refusals.join("\n"))),
    }
}

/// The table for people.
fn describe(answer: &Answer<'_>, numbers: u64) -> String {
    let row = |row: &Row<'_>| {
        let Row { theirs, their_shape, ours, our_shape, matched_by, change } = row;
        let theirs = theirs.escape_debug().to_string();
        [
            theirs,
            text::shape(their_shape),
            (*ours).to_owned(),
            text::shape(our_shape),
            (*matched_by).to_owned(),
            change.clone(),
        ]
    };
    let rows = answer.arrays.iter().map(row).collect();
    let table = output::table(["file", "", answer.network, "", "matched by", "change"], rows, &[]);
    let mut text = format!("{table}\n");
    if !answer.left_out.is_empty() {
        let names: Vec<String> = answer.left_out.iter().map(|name| name.escape_debug().to_string()).collect();
        text.push_str(&format!("left out: {}\n", names.join(", ")));
    }
    text + &format!(
        "{} with {} numbers, {} layout, written to {}\n",
        text::count(answer.arrays.len(), "array"),
        text::thousands(numbers),
        answer.layout,
        answer.file
    )
}
