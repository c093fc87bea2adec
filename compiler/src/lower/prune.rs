//! The `prune` section: its entries, checked and with defaults filled in.

use std::collections::HashMap;

use super::entries::Entries;
use super::sections::keyword;
use super::train::{Choice, POSITIVE, Preset, field, transposed};
use super::{Constant, Lowerer};
use crate::diagnostic::{codes, quote};
use crate::ir::Parameter;
use crate::recipe::{Pruning, Recipe, Schedule, Setting};
use crate::source::Span;
use crate::syntax::ast::{Entry, Network};

const ENTRIES: Entries = Entries {
    section: "prune",
    code: codes::N0408,
    keys: &["method", "keep", "schedule", "epochs", "lr_factor", "scale_dropout"],
    of_layers: ("keep", "keeps a tenth of the weights of a layer"),
    synonyms: &[("density", "keep"), ("retrain", "epochs"), ("dropout", "scale_dropout")],
    same: &[],
    advice: &[
        ("sparsity", "say what is kept: `keep: 0.1;` where nine tenths go"),
        ("lr", "`lr_factor: 0.1;` multiplies the learning rate of the `train` section"),
        ("batch", "pruned networks train on with the batches of the `train` section"),
    ],
};

pub(super) const METHODS: &[Choice] = &[("magnitude", "Magnitude", &[]), ("global_magnitude", "GlobalMagnitude", &[])];

pub(super) const PACES: &[Choice] = &[
    ("one_shot", "OneShot", &[]),
    ("iterative", "Iterative", &[field("rounds", Preset::Whole(5), 1.0, 101.0)]),
    (
        "gradual",
        "Gradual",
        &[field("total", Preset::WholeTraining, 0.0, 0.0), field("every", Preset::Whole(100), 1.0, u32::MAX as f64)],
    ),
];

/// Epochs of training under the mask, where nothing else is said.
const EPOCHS: u64 = 10;

/// What the learning rate is multiplied by then (Han et al., 2015).
const LR_FACTOR: f64 = 0.1;

impl<'a> Lowerer<'a> {
    /// Checks the network's `prune` section; `None` if there is none, or after a message.
    pub(super) fn prune_section(&mut self, network: &'a Network, recipe: Option<&Recipe>) -> Option<Pruning> {
        let mut sections = std::mem::take(&mut self.sections.prune).into_iter();
        let prune = sections.next()?;
        self.check_single("prune", prune, sections, network);
        self.check_keys(prune, &ENTRIES, Self::keep_of_layers);
        let at = keyword(prune.span, "prune");
        self.sections.pruned_at = Some(at);
        // A `train` section with a mistake has a message of its own.
        if recipe.is_none() && !self.sink.has_errors() {
            self.sink
                .error(codes::N0409, format!("`{}` has a `prune` section and no `train` section", network.name.text))
                .primary(at, "what is left of the weights must be trained on")
                .help("say how: `train { loss: cross_entropy(logits); }`");
        }
        let entry = |key: &str| prune.entries.iter().find(|entry| entry.key.text == key && entry.paths.is_empty());
        let keep = entry("keep").map(|entry| self.share(entry));
        let method = match entry("method") {
            Some(entry) => self.choice(&entry.value, "method of pruning", METHODS, 0).map(|(variant, _)| variant),
            None => Some("Magnitude"),
        };
        let epochs = self.whole(entry("epochs"), 1, EPOCHS);
        let pace = match entry("schedule") {
            Some(entry) => self
                .choice(&entry.value, "schedule of pruning", PACES, epochs.unwrap_or(EPOCHS))
                .map(|(variant, settings)| Schedule { variant, settings }),
            None => Some(Schedule { variant: "OneShot", settings: Vec::new() }),
        };
        if let (Some(entry), Some(pace), Some(epochs)) = (entry("schedule"), &pace, epochs) {
            self.check_pace(entry, pace, epochs);
        }
        let lr_factor = entry("lr_factor").map_or(Some(LR_FACTOR), |entry| self.positive(entry));
        let scale_dropout = entry("scale_dropout").map_or(Some(false), |entry| self.flag(entry));
        if keep.is_none() && !prune.entries.iter().any(|entry| entry.key.text == "keep") && !self.sink.has_errors() {
            self.sink
                .error(codes::N0410, "this `prune` section keeps everything")
                .primary(at, "expected an entry such as `keep: 0.1;` or `keep(dense1): 0.08;`");
        }
        let layers = self.sections.kept.iter().map(|(name, fraction, _)| (name.clone(), *fraction)).collect();
        let (keep, method, pace, epochs) = (transposed(keep)?, method?, pace?, epochs?);
        Some(Pruning { method, keep, layers, pace, epochs, lr_factor: lr_factor?, scale_dropout: scale_dropout? })
    }

    /// Notes what some layers keep.
    fn keep_of_layers(&mut self, entry: &'a Entry) {
        let Some(fraction) = self.share(entry) else { return };
        for path in &entry.paths {
            if let Some(name) = self.path(path) {
                self.sections.kept.push((name, fraction, path.span));
            }
        }
    }

    /// A fraction that is kept.
    fn share(&mut self, entry: &'a Entry) -> Option<f64> {
        self.number(entry, "expected a fraction above 0, up to 1", |value| {
            (POSITIVE..=1.0).contains(&value) && (value as f32) > 0.0
        })
    }

    fn flag(&mut self, entry: &'a Entry) -> Option<bool> {
        match self.constant(&entry.value)? {
            Constant::Bool(value) => Some(value),
            other => {
                self.sink
                    .error(codes::N0203, format!("{} is a truth value, found {other}", quote(&entry.key.text)))
                    .primary(entry.value.span, "expected `true` or `false`");
                None
            }
        }
    }

    /// Pruning ends before training does.
    fn check_pace(&mut self, entry: &'a Entry, pace: &Schedule, epochs: u64) {
        for (_, setting) in &pace.settings {
            if let Setting::Epochs(total) = setting
                && *total > epochs
            {
                self.sink
                    .error(codes::N0204, format!("pruning takes {total} epochs, and training ends after {epochs}"))
                    .primary(entry.value.span, format!("expected at most {epochs} epochs"))
                    .help(format!("train longer: `epochs: {total};`"));
            }
        }
    }

    /// Checks that every entry of the section names layers whose weights can be pruned, now that it is known which are
    /// frozen.
    pub(super) fn check_pruned(&mut self, pruning: Option<&Pruning>) {
        if self.sink.has_errors() {
            return;
        }
        let is_any = self.graph.parameters.iter().any(Parameter::is_prunable);
        if let (false, Some(_), Some(at)) = (is_any, pruning.and_then(|pruning| pruning.keep), self.sections.pruned_at)
        {
            let has_frozen = self.graph.parameters.iter().any(|parameter| parameter.frozen);
            let why = if has_frozen { "what has weights is frozen" } else { "no layer has a matrix of weights" };
            self.nothing_to_prune("nothing can be pruned".to_owned(), at, why);
            return;
        }
        let kept = std::mem::take(&mut self.sections.kept);
        let mut seen = HashMap::new();
        for (name, _, span) in &kept {
            let (name, span) = (name.as_str(), *span);
            if self.is_set_twice(name, span, &mut seen, "what is kept") {
                continue;
            }
            let is_within =
                |parameter: &&Parameter| parameter.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
            let within: Vec<&Parameter> = self.graph.parameters.iter().filter(is_within).collect();
            if within.is_empty() {
                self.no_such_layer(name, span, false);
            } else if !within.iter().any(|parameter| parameter.is_prunable()) {
                let is_frozen = within.iter().any(|parameter| parameter.frozen);
                let why = if is_frozen { "it is frozen" } else { "it has no matrix of weights" };
                self.nothing_to_prune(format!("nothing of {} can be pruned", quote(name)), span, why);
            }
        }
    }

    fn nothing_to_prune(&mut self, title: String, span: Span, why: &str) {
        self.sink
            .error(codes::N0410, title)
            .primary(span, why)
            .help("the weights of convolutions and dense layers are pruned; biases, scales and shifts are not");
    }
}
