//! The mapping file: `"theirs" = "ours"`, a line for each array, or for all arrays of a layer or a block.

use std::path::Path;

use netwright_run::Failure;
use toml::Value;

/// Longest mapping file, in bytes.
const MAX_BYTES: u64 = 4 << 20;

/// The lines of a mapping file, in its order of names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Map(Vec<Line>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    theirs: String,
    /// `None` where the array is to be left out.
    ours: Option<String>,
}

/// What a mapping file says of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is this one of the network: a whole name, or a name whose last part is the file's own word for it.
    Array(String),
    /// It is one of this layer's.
    Layer(String),
    /// It is left out.
    Nowhere,
}

impl Map {
    /// Reads a mapping file.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is no list of such lines.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let io = |error| Failure::io("read", path, &error);
        let metadata = std::fs::metadata(path).map_err(io)?;
        if !metadata.is_file() || metadata.len() > MAX_BYTES {
            let message = format!("{}: expected an ordinary file of at most {} MiB", path.display(), MAX_BYTES >> 20);
            return Err(Failure::failed(message));
        }
        let text = std::fs::read_to_string(path).map_err(io)?;
        Self::parse(&text).map_err(|problem| {
            Failure::failed(format!("{}: {problem}", path.display())).help(
                "expected lines such as `\"features.0\" = \"conv1\"`, or `\"head.weight\" = false` to leave one out",
            )
        })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| error.to_string().trim_end().to_owned())?;
        let line = |(theirs, value)| match value {
            Value::String(ours) => Ok(Line { theirs, ours: Some(ours) }),
            Value::Boolean(false) => Ok(Line { theirs, ours: None }),
            other => Err(format!("{theirs:?} is {}, expected a name in quotes", other.type_str())),
        };
        table.into_iter().map(line).collect::<Result<_, _>>().map(Self)
    }

    /// What it says of an array of the file; of several lines the most special.
    pub(crate) fn place(&self, name: &str) -> Option<(usize, Place)> {
        if let Some(found) = self.0.iter().position(|line| line.theirs == name) {
            let place = self.0.get(found)?.ours.clone().map_or(Place::Nowhere, Place::Array);
            return Some((found, place));
        }
        let below = |line: &Line| {
            let rest = name.strip_prefix(line.theirs.as_str())?;
            rest.strip_prefix(['.', '/']).map(str::to_owned)
        };
        let lines = self.0.iter().enumerate().filter_map(|(index, line)| Some((index, line, below(line)?)));
        let (index, line, rest) = lines.max_by_key(|(_, line, _)| line.theirs.len())?;
        let Some(ours) = &line.ours else { return Some((index, Place::Nowhere)) };
        let between = rest.rsplit_once(['.', '/']).map(|(between, _)| between.replace('/', "."));
        Some((index, Place::Layer(between.map_or_else(|| ours.clone(), |between| format!("{ours}.{between}")))))
    }

    /// The lines that none of these arrays is meant by.
    pub(crate) fn unused<'n>(&self, names: impl Iterator<Item = &'n str>) -> Vec<&str> {
        let used: Vec<usize> = names.filter_map(|name| self.place(name)).map(|(index, _)| index).collect();
        let lines = self.0.iter().enumerate().filter(|(index, _)| !used.contains(index));
        lines.map(|(_, line)| line.theirs.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_of_arrays_and_of_layers() {
        let map =
            Map::parse("'a.b' = 'conv1'\n'a' = 'block.0'\n'a.b.weight' = 'x.bias'\n'n' = false\n'z' = 'z'").unwrap();
        let place = |name: &str| map.place(name).map(|(_, place)| place);
        assert_eq!(place("a.b.weight"), Some(Place::Array("x.bias".to_owned())));
        assert_eq!(place("a.b.bias"), Some(Place::Layer("conv1".to_owned())));
        assert_eq!(place("a/c/d/kernel"), Some(Place::Layer("block.0.c.d".to_owned())));
        assert_eq!((place("n.x"), place("ab.weight")), (Some(Place::Nowhere), None));
        assert_eq!(map.unused(["a.b.bias", "a.c.x", "n.x"].into_iter()), ["a.b.weight", "z"]);
        assert!(Map::parse("a = 3").unwrap_err().contains("integer"));
        assert!(Map::parse("a = ").is_err());
    }
}
