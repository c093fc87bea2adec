//! `--set`: values for a network's parameters, as the command line gives them.

use std::num::NonZeroUsize;

/// Values for a network's parameters.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Values {
    /// A value for one of the network's parameters, such as `classes=4`; once for each
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    pub pairs: Vec<(String, String)>,
}

/// Reads `classes=4`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.trim().to_owned(), value.trim().to_owned())),
        _ => Err("expected a parameter and its value, such as classes=4".to_owned()),
    }
}

impl Values {
    /// A parameter that is given more than once.
    #[must_use]
    pub fn twice(&self) -> Option<&str> {
        let names = || self.pairs.iter().map(|(name, _)| name.as_str());
        names().enumerate().find(|(index, name)| names().take(*index).any(|other| other == *name)).map(|(_, name)| name)
    }

    /// `classes=4`, for each.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        self.pairs.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }
}

/// A number that is not zero.
pub(crate) fn positive(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "expected a whole number, 1 or more".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_contain_an_equals_sign() {
        assert_eq!(pair("version=1.0"), Ok(("version".to_owned(), "1.0".to_owned())));
        assert_eq!(pair("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(pair("classes").is_err() && pair("=4").is_err());
    }

    #[test]
    fn a_parameter_is_given_once() {
        let values = |words: &[&str]| Values { pairs: words.iter().map(|word| pair(word).unwrap()).collect() };
        assert_eq!(values(&["a=1", "b=1"]).twice(), None);
        assert_eq!(values(&["a=1", "b=1", "a=2"]).twice(), Some("a"));
    }
}
