//! How photographs become inputs, and what the classes of outputs are called: what a description says besides its layers.

use crate::diagnostic::is_unprintable;

/// The largest side of a photograph after resizing, in pixels: the largest that the runtime decodes.
pub const MAX_SIDE: i64 = 16_384;

/// Most labels of an output.
pub const MAX_LABELS: usize = 100_000;

/// Most characters of a label.
pub const MAX_LABEL: usize = 200;

/// `from photo(…)` of an input `[H, W, C]`: the shorter side is resized to `resize`, `H` x `W` pixels are cut from the
/// middle, and a byte becomes `(byte * scale - mean) / std`.
#[derive(Debug, Clone, PartialEq)]
pub struct Photo {
    /// What the shorter side becomes, in pixels; at least `H` and `W`.
    pub resize: usize,
    /// What a byte is multiplied by.
    pub scale: f64,
    /// What is subtracted, for each channel in its order.
    pub mean: Vec<f64>,
    /// What is divided by, for each channel in its order; above 0.
    pub std: Vec<f64>,
    /// Whether blue comes first, of three channels.
    pub is_bgr: bool,
}

/// Why a text cannot be a label; `None` if it can.
pub(crate) fn label_problem(label: &str) -> Option<String> {
    if label.trim().is_empty() {
        return Some("a label is empty".to_owned());
    }
    if label.chars().any(is_unprintable) {
        return Some("a label has a character that does not show".to_owned());
    }
    let length = label.chars().count();
    (length > MAX_LABEL).then(|| format!("a label has {length} characters, expected at most {MAX_LABEL}"))
}

/// The labels of a text, one on a line. Blanks around them and empty lines at the end do not count.
///
/// # Errors
///
/// What is wrong, and in which line.
pub(crate) fn label_lines(text: &str) -> Result<Vec<String>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_end();
    if text.is_empty() {
        return Err("there are no labels in it".to_owned());
    }
    let mut labels = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let label = line.trim();
        if let Some(problem) = label_problem(label) {
            return Err(format!("line {}: {problem}", index + 1));
        }
        if labels.len() == MAX_LABELS {
            return Err(format!("it has more than {MAX_LABELS} lines"));
        }
        labels.push(label.to_owned());
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_lines() {
        assert_eq!(label_lines("\u{feff}cat\r\n hot dog \n\n\n").unwrap(), ["cat", "hot dog"]);
        for (text, problem) in [
            ("", "there are no labels in it"),
            ("\n\n", "there are no labels in it"),
            ("cat\n\ndog", "line 2: a label is empty"),
            ("cat\nd\u{202e}og", "line 2: a label has a character that does not show"),
        ] {
            assert_eq!(label_lines(text).unwrap_err(), problem);
        }
        assert!(label_lines(&"x".repeat(MAX_LABEL)).is_ok());
        assert!(label_lines(&"x".repeat(MAX_LABEL + 1)).unwrap_err().contains("201 characters"));
        assert_eq!(label_lines(&"x\n".repeat(MAX_LABELS)).unwrap().len(), MAX_LABELS);
        assert!(label_lines(&"x\n".repeat(MAX_LABELS + 1)).is_err());
    }
}
