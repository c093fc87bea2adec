//! The compiler from end to end: the one place where the order of its parts is written.

use crate::cost;
use crate::diagnostic::{Sink, codes};
use crate::ir::{Graph, verify};
use crate::lint::{self, Definitions, Levels, Linter, Texts};
use crate::lower::{Constant, Limit, Lowered, MAX_STEPS, check_blocks, lower};
use crate::passes::{Mode, prepare};
use crate::photo::Photo;
use crate::plan::{CACHE, Parameters, Plan, plan};
use crate::program::{Program, Sources};
use crate::recipe::{Pruning, Recipe};
use crate::source::{SourceId, SourceMap};
use crate::syntax::ast;

/// What a user of a description says besides it.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Which network of the text, where it has several.
    pub network: Option<String>,
    /// Values for its parameters.
    pub overrides: Vec<(String, Constant)>,
    /// Values for its parameters as words, such as `1.0` for a text or a number: each is read as its parameter's type.
    pub words: Vec<(String, String)>,
    /// Whether a text may have blocks and constants only: it is checked, and there is nothing to lower.
    pub library: bool,
    /// Lints that are errors where the description sets no level: their names, or [`lint::WARNINGS`] for all.
    pub deny: Vec<String>,
    /// Whether nobody sees warnings, as those of a macro: then no time is spent on lints that warn and take much.
    pub quiet: bool,
    /// Bytes of the cache that each core has for itself, where plans are to be made for others than [`CACHE`].
    pub cache: Option<usize>,
}

/// A network, checked and planned: all that the emitter needs.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The checked graph.
    pub graph: Graph,
    /// Where parameters stand.
    pub parameters: Parameters,
    /// A digest of the structure, in hexadecimal.
    pub fingerprint: String,
    /// Inputs to outputs.
    pub inference: Plan,
    /// How to train, where the description says so.
    pub training: Option<Training>,
    /// How photographs become the inputs, in their order, where the description says.
    pub photos: Vec<Option<Photo>>,
    /// The names of each output's classes, in the order of the outputs; none where the description gives none.
    pub labels: Vec<Vec<String>>,
    /// What its budgets say, all of which it keeps.
    pub limits: Vec<Limit>,
    /// The lints that the program keeps quiet somewhere.
    pub allowed: Vec<&'static str>,
    /// Bytes of the cache that the plans are made for.
    pub cache: usize,
}

/// The plans of a network with a `train` section.
#[derive(Debug, Clone)]
pub struct Training {
    /// The section.
    pub recipe: Recipe,
    /// The `prune` section, where there is one.
    pub pruning: Option<Pruning>,
    /// Inputs to losses and gradients.
    pub training: Plan,
    /// Inputs to losses.
    pub evaluation: Plan,
}

/// Most floats that the lanes' gradients of a network may take together.
const LANE_FLOATS: usize = 16 << 20;

/// Lanes that a batch of enough chunks is always cut into.
const FEWEST_LANES: usize = 4;

/// Multiply-adds that a lane should do for each float of its gradients: these are written, read and added once for each
/// lane, at the speed of memory.
const WORK_OF_LANE: u64 = 500;

impl Compiled {
    /// All plans.
    pub fn plans(&self) -> impl Iterator<Item = &Plan> {
        let training = self.training.as_ref();
        std::iter::once(&self.inference)
            .chain(training.into_iter().flat_map(|train| [&train.training, &train.evaluation]))
    }

    /// The number of trained parameters, padding not counted.
    #[must_use]
    pub fn trained_count(&self) -> usize {
        self.graph
            .parameters
            .iter()
            .filter(|parameter| parameter.trained)
            .map(|parameter| parameter.shape.elements())
            .sum()
    }

    /// The number of parameters, frozen ones too, padding not counted.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        let counted = self.graph.parameters.iter().filter(|parameter| parameter.trained || parameter.frozen);
        counted.map(|parameter| parameter.shape.elements()).sum()
    }

    /// Whether the network keeps a limit, which may be another network's.
    #[must_use]
    pub fn keeps(&self, limit: &Limit) -> bool {
        cost::is_kept(self, limit)
    }

    /// How many lanes of gradients training keeps at most: enough for the threads of a large machine, as memory allows.
    pub(crate) fn lanes(&self) -> usize {
        (LANE_FLOATS / self.parameters.trained.max(1)).clamp(FEWEST_LANES, 32)
    }

    /// How many images a lane should have, so that clearing and summing its gradients is little beside its work.
    pub(crate) fn lane_images(&self) -> usize {
        let macs = self.training.as_ref().map_or(0, |train| train.training.macs).max(1);
        let wanted = (self.parameters.trained as u64).saturating_mul(WORK_OF_LANE).div_ceil(macs);
        usize::try_from(wanted).unwrap_or(usize::MAX)
    }

    /// Classes of a classification loss, and target values of a regression loss; one of them is zero.
    pub(crate) fn loss_sizes(&self) -> (usize, usize) {
        let Some(train) = &self.training else { return (0, 0) };
        let elements = self.graph.shape(train.recipe.loss.of).elements();
        if train.recipe.loss.kind.takes_classes() { (elements, 0) } else { (0, elements) }
    }
}

/// Reads and checks a text with what it uses, checks its blocks, and lowers the network that `settings` names. `None` if
/// there is none to lower.
///
/// A text with mistakes of syntax is not lowered: what could not be read would be missed as if it were not there. Of a file
/// that could not be read it is known that it is missed.
#[must_use]
pub fn check(
    source: SourceId,
    map: &mut SourceMap,
    settings: &Settings,
    sources: &mut dyn Sources,
    sink: &mut Sink,
) -> Option<Lowered> {
    let program = Program::load(source, map, sources, sink);
    if sink.n_errors() > program.n_refused {
        return None;
    }
    // Expressions and statements stand inside each other as deep as the limits of the text allow.
    stacker::maybe_grow(STACK, STACK, || check_program(&program, map, settings, sink))
}

/// Stack for trees at the limits of nesting, in a build without optimisation too.
const STACK: usize = 32 << 20;

fn check_program(program: &Program, map: &SourceMap, settings: &Settings, sink: &mut Sink) -> Option<Lowered> {
    let levels = Levels::of(program, &settings.deny, sink);
    let noticed = check_blocks(program, sink);
    let file = program.main()?;
    let Some(network) = select(file, settings, sink) else {
        check_all(program, file, settings, sink);
        return None;
    };
    let words = settings.words.iter().map(|(name, word)| (name.clone(), read_word(network, name, word)));
    let overrides: Vec<_> = settings.overrides.iter().cloned().chain(words).collect();
    let mut lowered = lower(program, network, &overrides, sink);
    lowered.allowed = levels.allowed();
    if !sink.has_errors() {
        lowered.noticed.append(noticed);
        let mut linter = Linter::new(&levels, sink);
        let definitions = Definitions { used: std::mem::take(&mut lowered.noticed.used) };
        if let Some(file) = program.main() {
            definitions.unused(file, &mut linter);
        }
        for (inner, (outer, name)) in &lowered.noticed.hides {
            lint::hidden(*inner, *outer, name, &mut linter);
        }
        lint::network(&lowered.graph, lowered.recipe.as_ref(), &Texts { program, map }, &mut linter);
        if !settings.quiet || levels.may_deny(lint::BROKEN_VARIANT) {
            lint::variants(program, network, &overrides, &mut linter);
        }
    }
    Some(lowered)
}

/// Looks for mistakes in networks of which it is not known which one is meant, as far as a network may be large.
fn check_all(program: &Program, file: &ast::File, settings: &Settings, sink: &mut Sink) {
    if settings.network.is_some() || !settings.overrides.is_empty() || !settings.words.is_empty() {
        return;
    }
    const MOST: usize = 8;
    let mut work = 0_usize;
    for network in file.networks.iter().take(MOST) {
        if work > MAX_STEPS {
            return;
        }
        work = work.saturating_add(lower(program, network, &[], sink).work);
    }
}

/// A word as a value of the type that the parameter of that name has; a text where it is none, which the lowering refuses.
fn read_word(network: &ast::Network, name: &str, word: &str) -> Constant {
    let param = network.params.iter().find(|param| param.name.text == name);
    let value = param.and_then(|param| match &param.ty {
        ast::ParamType::Int => word.parse().ok().map(Constant::Int),
        ast::ParamType::Float => word.parse().ok().filter(|value: &f64| value.is_finite()).map(Constant::Float),
        ast::ParamType::Bool => word.parse().ok().map(Constant::Bool),
        ast::ParamType::Choice(_) | ast::ParamType::Tensor(_) => None,
    });
    value.unwrap_or_else(|| Constant::Text(word.to_owned()))
}

/// Compiles a text: `None` if the sink has errors.
#[must_use]
pub fn compile(
    source: SourceId,
    map: &mut SourceMap,
    settings: &Settings,
    sources: &mut dyn Sources,
    sink: &mut Sink,
) -> Option<Compiled> {
    let lowered = check(source, map, settings, sources, sink)?;
    if sink.has_errors() {
        return None;
    }
    let span = lowered.span;
    match parameters(&lowered) {
        Ok(parameters) if parameters <= crate::ir::MAX_ELEMENTS => {}
        too_many => {
            let count = too_many.map_or_else(|()| String::new(), |count| format!(": {count}"));
            sink.error(codes::N0109, format!("the network has too many parameters{count}"))
                .primary(span, format!("expected at most {}", crate::ir::MAX_ELEMENTS))
                .help("make its largest layers smaller; `conv` and `global_avg_pool` need far fewer than `dense`");
            return None;
        }
    }
    match finish(lowered, settings.cache.unwrap_or(CACHE)) {
        Ok(compiled) => {
            cost::check(&compiled, sink);
            if sink.has_errors() {
                sink.forget_warnings();
            }
            (!sink.has_errors()).then_some(compiled)
        }
        Err(problem) => {
            sink.error(codes::N0109, format!("the compiler cannot go on: {problem}"))
                .primary(span, "while compiling this network")
                .help("if the network is not too large, this is a bug of netwright: please report it with the description");
            None
        }
    }
}

/// Floats that the parameters take as they are stored; `Err` if they are too many to count.
fn parameters(lowered: &Lowered) -> Result<usize, ()> {
    Parameters::of(&lowered.graph).map(|parameters| parameters.stored).ok_or(())
}

fn finish(lowered: Lowered, cache: usize) -> Result<Compiled, String> {
    let Lowered { graph, recipe, pruning, limits, photos, labels, allowed, .. } = lowered;
    verify(&graph)?;
    let parameters = Parameters::of(&graph).ok_or("the parameters are too many to address")?;
    let planned = |mode| prepare(&graph, mode, recipe.as_ref()).and_then(|unit| plan(unit, cache));
    let inference = planned(Mode::Inference)?;
    let (training, evaluation) = match &recipe {
        Some(_) => (Some(planned(Mode::Training)?), Some(planned(Mode::Evaluation)?)),
        None => (None, None),
    };
    let training = match (recipe, training, evaluation) {
        (Some(recipe), Some(training), Some(evaluation)) => Some(Training { recipe, pruning, training, evaluation }),
        _ => None,
    };
    let fingerprint = fingerprint(&graph);
    Ok(Compiled { graph, parameters, fingerprint, inference, training, photos, labels, limits, allowed, cache })
}

/// A digest of the structure. Freezing and rates change nothing of it: what was trained before is loaded after.
fn fingerprint(graph: &Graph) -> String {
    let mut graph = graph.clone();
    for parameter in &mut graph.parameters {
        parameter.trained |= std::mem::take(&mut parameter.frozen);
        parameter.rate = 1.0;
    }
    blake3::hash(graph.to_string().as_bytes()).to_hex()[..32].to_owned()
}

/// The network that is meant: the named one, or the only one.
fn select<'a>(file: &'a ast::File, settings: &Settings, sink: &mut Sink) -> Option<&'a ast::Network> {
    for (index, network) in file.networks.iter().enumerate() {
        if let Some(first) = file.networks[..index].iter().find(|other| other.name.text == network.name.text) {
            sink.error(codes::N0103, format!("two networks are called `{}`", network.name.text))
                .primary(network.name.span, "the second one")
                .secondary(first.name.span, "the first one");
        }
    }
    let names: Vec<&str> = file.networks.iter().map(|network| network.name.text.as_str()).collect();
    match (&settings.network, file.networks.as_slice()) {
        (Some(name), networks) => {
            let found = networks.iter().find(|network| network.name.text == *name);
            if found.is_none() && !sink.has_errors() {
                sink.error(codes::N0108, format!("there is no network called `{name}` here"))
                    .primary(file.span.before(), format!("found {}", names.join(", ")));
            }
            found
        }
        (None, [network]) => Some(network),
        (None, []) => {
            let has_parts = !(file.blocks.is_empty() && file.constants.is_empty());
            if !(sink.has_errors() || settings.library && has_parts) {
                sink.error(codes::N0108, "there is no network here")
                    .primary(file.span.before(), "expected `network NAME { … }`");
            }
            None
        }
        (None, [_, second, ..]) => {
            if !sink.has_errors() {
                sink.error(codes::N0108, format!("there are {} networks here: {}", names.len(), names.join(", ")))
                    .primary(second.name.span, "a second network")
                    .help("keep one network in a file");
            }
            None
        }
    }
}
