//! Words in messages: "did you mean", and texts of the source made safe to print.

use std::fmt::Write as _;

/// The candidate closest to `name`, as [`nearest`] finds it; none where several are equally close.
pub fn suggest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    match nearest(name, candidates)[..] {
        [only] => Some(only),
        _ => None,
    }
}

/// The candidates closest to `name` that are close enough for a slip of the keyboard, each once, for "did you mean".
///
/// Closeness is the Damerau-Levenshtein distance without regard to case, at most a third of the longer word's
/// letters; of the equally close those with the fewest letters that `name` lacks (a letter too many is a likelier slip than
/// another one), and of those the ones that differ least in case. Names of more than 64 characters have no suggestion: the
/// distance costs their product.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    const MAX_LENGTH: usize = 64;
    let wanted = name.to_lowercase();
    let n_wanted = wanted.chars().count();
    if n_wanted == 0 || n_wanted > MAX_LENGTH {
        return Vec::new();
    }
    let distance = |candidate: &str| {
        let candidate_lower = candidate.to_lowercase();
        let n_candidate = candidate_lower.chars().count();
        let limit = (n_wanted.max(n_candidate) / 3).max(1);
        if n_candidate > MAX_LENGTH || n_wanted.min(n_candidate) < 2 || candidate == name {
            return None;
        }
        let found = strsim::damerau_levenshtein(&wanted, &candidate_lower);
        let mut letters: Vec<char> = wanted.chars().collect();
        let lacking = candidate_lower.chars().filter(|letter| {
            let place = letters.iter().position(|other| other == letter);
            place.map(|place| letters.swap_remove(place)).is_none()
        });
        let lacking = lacking.count();
        (found <= limit).then(|| (found, lacking, strsim::damerau_levenshtein(name, candidate)))
    };
    let mut least = (usize::MAX, usize::MAX, usize::MAX);
    let mut found = Vec::new();
    for candidate in candidates {
        let Some(distance) = distance(candidate).filter(|distance| *distance <= least) else { continue };
        if distance < least {
            found.clear();
            least = distance;
        }
        if !found.contains(&candidate) {
            found.push(candidate);
        }
    }
    found
}

/// Whether a word is another one with a slip of the keyboard: the same but for case and `_`, or with one letter wrong, missing,
/// too many or out of place, of ten letters and more two. Another first letter, another digit, and another end, a letter or what is
/// behind the last `_`, are another name: `branch_b` is no slip for `branch_a`.
pub fn is_slip(found: &str, meant: &str) -> bool {
    if found.to_lowercase() != meant.to_lowercase() && has_another_end(found, meant) {
        return false;
    }
    let plain = |text: &str| text.to_lowercase().replace('_', "");
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let (found, meant) = (plain(found), plain(meant));
    if found == meant {
        return true;
    }
    let n_letters = found.chars().count().min(meant.chars().count());
    let most = match n_letters {
        0..4 => return false,
        4..10 => 1,
        // The distance costs the product of the lengths.
        10..=64 => 2,
        _ => return false,
    };
    found.chars().next() == meant.chars().next()
        && digits(&found) == digits(&meant)
        && found.len() <= meant.len() + 2
        && strsim::damerau_levenshtein(&found, &meant) <= most
}

/// Whether two words are the same up to their last letters, or up to what is behind the last `_` of each.
fn has_another_end(a: &str, b: &str) -> bool {
    let (mut before_a, mut before_b) = (a.chars(), b.chars());
    if before_a.next_back().is_some() && before_b.next_back().is_some() && before_a.as_str() == before_b.as_str() {
        return true;
    }
    // A longer end is a word that may be misspelt.
    const SHORT: usize = 3;
    let parts = a.rsplit_once('_').zip(b.rsplit_once('_'));
    parts.is_some_and(|((a, end_a), (b, end_b))| a == b && end_a.len() <= SHORT && end_b.len() <= SHORT)
}

/// `text` in backquotes for a message, its control characters escaped, shortened to 40 characters.
pub fn quote(text: &str) -> String {
    const MAX_LENGTH: usize = 40;
    let mut quoted = String::from("`");
    quoted.extend(text.chars().take(MAX_LENGTH));
    if text.chars().nth(MAX_LENGTH).is_some() {
        quoted.push('…');
    }
    quoted.push('`');
    escape(&quoted)
}

/// So many things, whose plural ends in s: `one tensor`, `2 tensors`.
pub(crate) fn count(n: usize, thing: &str) -> String {
    if n == 1 { format!("one {thing}") } else { format!("{n} {thing}s") }
}

/// `text` with the characters that act on a terminal, or on the direction of the text, written as `\u{…}`.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unprintable(character) {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\u{{{:x}}}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// Whether a character acts instead of showing: controls, and the marks that change the direction of text.
pub(crate) fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_end_is_another_name() {
        for (found, meant) in
            [("branch_b", "branch_a"), ("features_lo", "features_hi"), ("imageR", "imageL"), ("ResB", "ResA")]
        {
            assert!(!is_slip(found, meant), "{found}");
        }
        for (found, meant) in
            [("unused_valu", "unused_value"), ("branch_a", "Branch_A"), ("softmx", "softmax"), ("logtis", "logits")]
        {
            assert!(is_slip(found, meant), "{found}");
        }
    }

    #[test]
    fn suggestions_are_close() {
        let layers = ["conv", "dense", "relu", "max_pool", "avg_pool", "softmax"];
        assert_eq!(suggest("cnov", layers), Some("conv"));
        assert_eq!(suggest("Dense", layers), Some("dense"));
        assert_eq!(suggest("maxpool", layers), Some("max_pool"));
        assert_eq!(suggest("sofmax", layers), Some("softmax"));
        assert_eq!(suggest("lstm", layers), None);
        assert_eq!(suggest("x", ["y"]), None);
        assert_eq!(suggest("conv", ["conv"]), None);
        assert_eq!(suggest(&"c".repeat(100_000), layers), None);
        assert_eq!(suggest("", layers), None);
    }

    #[test]
    fn between_equally_near_names_nothing_is_guessed() {
        let names = ["width1", "width2", "height", "width1"];
        assert_eq!(suggest("width3", names), None);
        assert_eq!(nearest("width3", names), ["width1", "width2"]);
        assert_eq!(suggest("width", ["width1", "width1"]), Some("width1"));
        assert_eq!(suggest("lenett", ["lenet5", "lenet"]), Some("lenet"));
        // The one that differs in nothing but case.
        assert_eq!(suggest("WIDTH", ["width", "Width"]), Some("Width"));
    }

    #[test]
    fn a_slip_is_not_another_name() {
        for (found, meant) in [
            ("cnov", "conv"),
            ("Dense", "dense"),
            ("maxpool", "max_pool"),
            ("sofmax", "softmax"),
            ("relu_", "relu"),
            ("global_avgpol", "global_avg_pool"),
            ("hiden2", "hidden2"),
        ] {
            assert!(is_slip(found, meant), "{found} {meant}");
        }
        for (found, meant) in [
            ("lrelu", "relu"),
            ("mean_pool", "max_pool"),
            ("hsigmoid", "sigmoid"),
            ("upconv", "conv"),
            ("Unflatten", "flatten"),
            ("Conv2d", "conv"),
            ("l2", "l1"),
            ("block2", "block1"),
            ("x2", "x1"),
            ("", "conv"),
            ("import", "use"),
        ] {
            assert!(!is_slip(found, meant), "{found} {meant}");
        }
        let long = "c".repeat(100_000);
        assert!(!is_slip(&long, "conv") && !is_slip(&long, &format!("{long}d")));
    }

    #[test]
    fn quoting_hides_controls_and_shortens() {
        assert_eq!(quote("a\u{1b}[31m"), "`a\\u{1b}[31m`");
        assert_eq!(quote(&"x".repeat(50)), format!("`{}…`", "x".repeat(40)));
        assert_eq!(escape("\u{202e}é"), "\\u{202e}é");
    }
}
