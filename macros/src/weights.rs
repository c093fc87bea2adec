//! Weights that a program is built with: checked against the network before there is a program.

use netwright_compiler::Compiled;
use netwright_compiler::emit::Embedded;
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
/// good. Editing the file rebuilds the crate.
pub(crate) fn embed(literal: &Literal, path: &str, compiled: &Compiled) -> Result<Embedded, Error> {
    let span = literal.span();
    let (file, root) = resolve(path, span)?;
    let limit = compiled.parameters.stored.saturating_mul(4).saturating_add(MARGIN);
    let loaded = load_weights(&file, root.as_deref(), limit)
        .map_err(|error| Error::new(span, in_package(&error.to_string(), root.as_deref())))?;
    let sparse = check(&loaded.bytes, compiled)
        .map_err(|reason| Error::new(span, format!("cannot embed `{path}`: {reason}")))?;
    let absolute = loaded.path.to_string_lossy().into_owned();
    Ok(Embedded { name: path.to_owned(), bytes: quote!(::core::include_bytes!(#absolute)), sparse })
}

/// Reads all of a file, so that nothing is left to go wrong when the program starts; returns the names of the arrays that are
/// mostly zero.
fn check(bytes: &[u8], compiled: &Compiled) -> Result<Vec<String>, String> {
    if !is_nwz(bytes) {
        return Err("it is no .nwz file; `netwright compress` makes one of any weights".to_owned());
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
    Ok(sparse)
}
