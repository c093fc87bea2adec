//! The words that cannot be names.

/// Words that this version of the language uses.
pub const KEYWORDS: &[&str] = &[
    "network", "block", "input", "output", "return", "const", "assert", "use", "for", "in", "if", "else", "train",
    "prune", "freeze", "budget", "allow", "warn", "deny", "as", "and", "or", "not", "true", "false", "_",
];

/// Words kept for the coming version, each with what it will do.
pub const RESERVED: &[(&str, &str)] = &[("compress", "compression")];

/// What the entries of a section `train` set.
pub const TRAIN_ENTRIES: &[&str] = &[
    "loss",
    "optimizer",
    "schedule",
    "warmup_steps",
    "batch",
    "epochs",
    "seed",
    "patience",
    "validation",
    "clip_norm",
    "augment",
];

/// Whether the word starts a statement that sets lints' levels.
pub fn is_level(word: &str) -> bool {
    matches!(word, "allow" | "warn" | "deny")
}

/// Whether the language uses the word, now or in the coming version.
pub fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word) || reserved_for(word).is_some()
}

/// Whether a text can be a name: letters, digits and `_`, not a digit first, and no keyword.
pub fn is_name(text: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
    let has_form = text.starts_with(is_letter) && text.chars().all(|next| is_letter(next) || next.is_ascii_digit());
    has_form && !is_keyword(text)
}

/// What a reserved word is kept for.
pub fn reserved_for(word: &str) -> Option<&'static str> {
    RESERVED.iter().find(|(reserved, _)| *reserved == word).map(|(_, what)| *what)
}
