//! Weights that a program is built with: checked against the network before there is a program.

use netwright_compiler::Compiled;
use netwright_compiler::emit::Embedded;
use netwright_compiler::int8::{Int8, Layer};
use netwright_files::load_weights;
use netwright_nwz::{Archive, Wanted, is_nwz};
use proc_macro2::Literal;
use quote::quote;

use crate::invocation::resolve;
use crate::report::{Error, in_package};

/// Bytes that a file may have beyond the parameters themselves.
const MARGIN: usize = 1 << 20;

/// What stands for weights that are not there, next to the error that says so.
pub(crate) fn placeholder((_, path): &(Literal, String)) -> Embedded {
    Embedded { name: path.clone(), bytes: quote!(&[]), sparse: Vec::new() }
}

/// The weights at a path that starts at the folder of the source file, once every array and every byte of it is known to be
/// good, and the plans of inference in integers where the file is for that. Editing the file rebuilds the crate.
pub(crate) fn embed(literal: &Literal, path: &str, compiled: &Compiled) -> Result<(Embedded, Option<Int8>), Error> {
    let span = literal.span();
    let (file, root) = resolve(path, span)?;
    let limit = compiled.parameters.stored.saturating_mul(4).saturating_add(MARGIN);
    let loaded = load_weights(&file, root.as_deref(), limit)
        .map_err(|error| Error::new(span, in_package(&error.to_string(), root.as_deref())))?;
    let (sparse, int8) = check(&loaded.bytes, compiled)
        .map_err(|reason| Error::new(span, format!("cannot embed `{path}`: {reason}")))?;
    let absolute = loaded.path.to_string_lossy().into_owned();
    Ok((Embedded { name: path.to_owned(), bytes: quote!(::core::include_bytes!(#absolute)), sparse }, int8))
}

/// Reads all of a file, so that nothing is left to go wrong when the program starts; returns the names of the arrays that are
/// mostly zero, and the plans of inference in integers where the file is for that.
fn check(bytes: &[u8], compiled: &Compiled) -> Result<(Vec<String>, Option<Int8>), String> {
    if !is_nwz(bytes) {
        return Err("it is no .nwz file; `netwright compress` or `quantize` makes one of any weights".to_owned());
    }
    let archive = Archive::parse(bytes).map_err(|error| error.to_string())?;
    let graph = &compiled.graph;
    let parameters: Vec<_> = compiled.parameters.order.iter().map(|&id| graph.parameter(id)).collect();
    let arrays = parameters.iter().map(|parameter| (parameter.name.as_str(), parameter.shape.dims()));
    let wanted = Wanted { network: &graph.name, fingerprint: &compiled.fingerprint, arrays };
    archive.check(wanted).map_err(|mismatch| mismatch.to_string())?;
    // As large as the network's parameters, which were just compared.
    let mut numbers = Vec::new();
    let mut sparse = Vec::new();
    for array in &archive.arrays {
        numbers.resize(array.count(), 0.0);
        array.decode(&mut numbers).map_err(|error| error.to_string())?;
        if 2 * numbers.iter().filter(|&&number| number != 0.0).count() < numbers.len() {
            sparse.push(array.name().to_owned());
        }
    }
    if archive.ranges.is_none() {
        return Ok((sparse, None));
    }
    let int8 = compiled.int8()?;
    check_int8(&archive, compiled, &int8)?;
    // In integers, zeros are multiplied like others.
    Ok((Vec::new(), Some(int8)))
}

/// Checks what a file for inference in integers has besides its arrays.
fn check_int8(archive: &Archive<'_>, compiled: &Compiled, int8: &Int8) -> Result<(), String> {
    let (graph, tables) = (&compiled.graph, &int8.tables);
    let tensors: Vec<&str> = tables.tensors.iter().map(String::as_str).collect();
    let weight = |layer: &Layer| graph.parameter(layer.weight).name.as_str();
    archive
        .check_int8(&graph.name, &compiled.fingerprint, tensors.iter().copied(), tables.layers.iter().map(weight))
        .map_err(|mismatch| mismatch.to_string())?;
    let tensor = |place: usize| tensors.get(place).copied().unwrap_or_default();
    tables.layers.iter().try_for_each(|layer| {
        let checked = archive.check_integers(weight(layer), tensor(layer.input), layer.output.map(tensor));
        checked.map_err(|error| error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use netwright_compiler::diagnostic::Sink;
    use netwright_compiler::source::SourceMap;
    use netwright_compiler::{Settings, compile};
    use netwright_files::Disk;
    use netwright_nwz::Range;
    use netwright_nwz::write::Writer;

    use super::*;

    const NET: &str = "network Pair {
        input x: [4];
        output y = x -> dense(3) as first -> relu -> dense(2) as second -> softmax;
    }";

    fn compiled(text: &str) -> Compiled {
        let (mut map, mut sink) = (SourceMap::new(), Sink::new());
        let source = map.add("pair.net", text);
        compile(source, &mut map, &Settings::default(), &mut Disk::bundled(), &mut sink).unwrap()
    }

    /// A file for the network with these ranges; `weight` are the first layer's weights and the scales of its channels.
    fn file(ranges: &[&str], (number, scales): (f32, &[f32])) -> Vec<u8> {
        let ranges: Vec<Range<'_>> = ranges.iter().map(|&name| Range { name, scale: 0.5, zero: 3 }).collect();
        let mut writer = Writer::int8("Pair", "0123", &ranges).unwrap();
        writer.add_scaled("first.weight", &[4, 3], &[number; 12], scales).unwrap();
        writer.add("first.bias", &[3], &[0.5; 3]).unwrap();
        writer.add_scaled("second.weight", &[3, 2], &[-127.0; 6], &[0.5; 2]).unwrap();
        writer.add("second.bias", &[2], &[0.5; 2]).unwrap();
        writer.finish()
    }

    fn refused(ranges: &[&str], weight: (f32, &[f32])) -> String {
        check(&file(ranges, weight), &compiled(NET)).unwrap_err()
    }

    #[test]
    fn a_file_of_integers_gives_code_for_integers() {
        let (sparse, int8) = check(&file(&["x", "first"], (0.0, &[0.5; 3])), &compiled(NET)).unwrap();
        let tables = int8.unwrap().tables;
        assert_eq!((tables.tensors, tables.layers.len()), (vec!["x".to_owned(), "first".to_owned()], 2));
        // All weights of the first layer are zero, which integers do not skip.
        assert!(sparse.is_empty());
    }

    #[test]
    fn integers_that_are_not_the_networks_are_refused() {
        let scales: &[f32] = &[0.5; 3];
        let missing = refused(&["x"], (1.0, scales));
        assert!(missing.contains("first: its range is missing"), "{missing}");
        let other = refused(&["x", "first", "second"], (1.0, scales));
        assert!(other.contains("second: a range of it"), "{other}");
        let floats = refused(&["x", "first"], (1.0, &[]));
        assert!(floats.contains("first.weight: expected integers"), "{floats}");
        for number in [0.5, 128.0, f32::NAN] {
            let fraction = refused(&["x", "first"], (number, scales));
            assert!(
                fraction.contains("first.weight") && fraction.contains("no integer from -127 to 127"),
                "{fraction}"
            );
        }
        let small = refused(&["x", "first"], (1.0, &[0.5, f32::MIN_POSITIVE, 0.5]));
        assert!(small.contains("a scale is too large or too small"), "{small}");
        let arrays = check(&file(&["x", "first"], (1.0, scales)), &compiled(&NET.replace("dense(3)", "dense(5)")));
        assert!(arrays.unwrap_err().contains("first.weight: expected [4, 5], found [4, 3]"));
    }
}
