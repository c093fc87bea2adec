//! Numbers as people read them.

/// A number with a comma between thousands: `184,586`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many bytes in KB of 1000 bytes: `738.3 KB`.
pub fn kilobytes(bytes: u64) -> String {
    let tenths = bytes.saturating_add(50) / 100;
    format!("{}.{} KB", thousands(tenths / 10), tenths % 10)
}

/// A fraction in percent: `98.70 %`.
pub fn percent(fraction: f64) -> String {
    format!("{:.2} %", 100.0 * fraction)
}

/// A time: `0.4 s`, `41 s`, `3 min 05 s`, `1 h 02 min`.
pub fn duration(seconds: f64) -> String {
    if seconds < 9.95 {
        return format!("{:.1} s", seconds.max(0.0));
    }
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

/// A shape as `[28, 28, 1]`.
pub fn shape(dims: &[usize]) -> String {
    format!("{dims:?}")
}

/// `1 epoch`, `2 epochs`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", thousands(number as u64), if number == 1 { "" } else { "s" })
}

/// A word of a command line, in quotes where a shell would take it apart.
pub fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:=,+@%".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_cut_in_threes() {
        assert_eq!([0, 12, 999, 1000, 184_586, 3_869_952].map(thousands).join(" "), "0 12 999 1,000 184,586 3,869,952");
    }

    #[test]
    fn sizes_and_times_have_their_units() {
        assert_eq!(
            [0, 49, 50, 738_344, 1_234_567_890].map(kilobytes).join(" "),
            "0.0 KB 0.0 KB 0.1 KB 738.3 KB 1,234,567.9 KB"
        );
        assert_eq!(
            [0.0, 9.94, 9.96, 59.6, 185.0, 3720.0].map(duration).join(", "),
            "0.0 s, 9.9 s, 10 s, 1 min 00 s, 3 min 05 s, 1 h 02 min"
        );
        assert_eq!(percent(0.98706), "98.71 %");
    }

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(
            ["nets/mine.net", "my nets/it's.net", ""].map(word),
            ["nets/mine.net", r"'my nets/it'\''s.net'", "''"]
        );
    }

    #[test]
    fn nouns_agree_with_their_number() {
        assert_eq!((count(1, "epoch"), count(1200, "image")), ("1 epoch".to_owned(), "1,200 images".to_owned()));
    }
}
