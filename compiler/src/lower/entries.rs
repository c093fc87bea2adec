//! What may stand in the sections `train` and `prune`, and what is said of anything else.

use super::Lowerer;
use super::sections::keyword;
use crate::diagnostic::{Code, codes, quote, suggest};
use crate::syntax::ast::{Entry, Network, Section};

/// What may stand in a section.
pub(super) struct Entries {
    /// The section's keyword.
    pub(super) section: &'static str,
    /// The code of what may not.
    pub(super) code: Code,
    pub(super) keys: &'static [&'static str],
    /// The entry that is set for layers, `lr(conv1): 0.1`, and what that does.
    pub(super) of_layers: (&'static str, &'static str),
    /// Other words for an entry.
    pub(super) synonyms: &'static [(&'static str, &'static str)],
    /// Those of them that mean the same, whatever is set.
    pub(super) same: &'static [&'static str],
    /// Words for what the section does not have, each with advice.
    pub(super) advice: &'static [(&'static str, &'static str)],
}

impl Entries {
    /// The entry that another word for it means.
    pub(super) fn near(&self, key: &str) -> Option<&'static str> {
        let synonym = self.synonyms.iter().find(|(word, _)| *word == key).map(|(_, meant)| *meant);
        synonym.or_else(|| suggest(key, self.keys.iter().copied()))
    }
}

impl<'a> Lowerer<'a> {
    /// Reports all sections of a kind but the first.
    pub(super) fn check_single(
        &mut self,
        word: &str,
        first: &'a Section,
        others: impl Iterator<Item = &'a Section>,
        network: &'a Network,
    ) {
        for other in others {
            self.sink
                .error(codes::N0103, format!("`{}` has two `{word}` sections", network.name.text))
                .primary(keyword(other.span, word), "the second one")
                .secondary(keyword(first.span, word), "the first one");
        }
    }

    /// Checks the keys of a section; `of_layers` gets the entries that are set for layers.
    pub(super) fn check_keys(
        &mut self,
        section: &'a Section,
        entries: &Entries,
        of_layers: impl Fn(&mut Self, &'a Entry),
    ) {
        for (index, entry) in section.entries.iter().enumerate() {
            let key = &entry.key;
            if let Some(path) = entry.paths.first() {
                let (layered, does) = entries.of_layers;
                if key.text == layered {
                    of_layers(self, entry);
                } else {
                    self.sink
                        .error(entries.code, format!("{} is not set for single layers", quote(&key.text)))
                        .primary(path.span, format!("expected `{}: …`", key.text))
                        .help(format!("`{layered}(layer): 0.1;` {does}"));
                }
                continue;
            }
            let is_same = |other: &&Entry| other.key.text == key.text && other.paths.is_empty();
            if !entries.keys.contains(&key.text.as_str()) {
                let report = self
                    .sink
                    .error(entries.code, format!("`{}` has no entry {}", entries.section, quote(&key.text)))
                    .primary(key.span, "not an entry of this section");
                let advice = entries.advice.iter().find(|(word, _)| *word == key.text);
                match (advice, entries.near(&key.text)) {
                    (Some((_, advice)), _) => report.help(*advice),
                    (None, Some(near))
                        if section.entries.iter().any(|entry| entry.key.text == near && entry.paths.is_empty()) =>
                    {
                        report.help(format!("`{near}` is set already"))
                    }
                    (None, Some(near)) if entries.same.contains(&key.text.as_str()) => {
                        report.fix(format!("did you mean `{near}`?"), key.span, near)
                    }
                    (None, Some(near)) => report.did_you_mean(near, key.span),
                    (None, None) => report.help(format!("the entries are {}", entries.keys.join(", "))),
                };
            } else if let Some(first) = section.entries[..index].iter().find(is_same) {
                self.sink
                    .error(codes::N0103, format!("{} is set twice", quote(&key.text)))
                    .primary(key.span, "set again here")
                    .secondary(first.key.span, "set here first");
            }
        }
    }
}
