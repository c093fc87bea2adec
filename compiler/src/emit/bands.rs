//! Runs of steps that go through an image in bands of rows: a table, and a loop over it.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::step::StepContext;
use crate::ir::ValueId;
use crate::plan::{Bands, Place};

/// The loop of a run, over what its steps do in a band.
pub(super) fn emit(bands: &Bands, index: usize, steps: &TokenStream) -> TokenStream {
    let (name, n) = (format_ident!("BANDS_{index}"), bands.buffers.len());
    let number = |row: usize| proc_macro2::Literal::usize_unsuffixed(row);
    let table = bands.table.iter().map(|band| {
        let rows = band.iter().map(|&[base, end]| {
            let (base, end) = (number(base), number(end));
            quote!([#base, #end])
        });
        quote!([#(#rows),*])
    });
    quote! {
        const #name: &[[[u32; 2]; #n]] = &[#(#table),*];
        for band in rt::bands(#name) {
            #steps
        }
    }
}

impl StepContext<'_> {
    /// In a run of bands, the rows of the first operand that are at hand, and those of the first result (or, where there is none, of
    /// the last operand), which [`read`](Self::read) and [`write`](Self::write) then give as whole buffers.
    #[must_use]
    pub fn band(&self) -> Option<[TokenStream; 2]> {
        let (bands, first, last) = (self.bands?, self.node.args.first()?, self.node.results.first());
        Some([self.band_of(bands, *first), self.band_of(bands, *last.or(self.node.args.last())?)])
    }

    /// The rows of a value that are at hand in a band.
    fn band_of(&self, bands: &Bands, value: ValueId) -> TokenStream {
        match self.plan.buffer_in(bands, value) {
            Some(index) => quote!(band[#index]),
            None => {
                let (rt, rows) = (self.rt(), self.plan.graph.shape(value).dims().first().copied().unwrap_or(1));
                quote!(#rt::Band::whole(#rows))
            }
        }
    }

    /// Floats of a row of the memory in which a value stands.
    fn row_of(&self, value: ValueId) -> usize {
        let dims = self.plan.graph.shape(value).dims();
        let (w, c) = (dims.get(1).copied().unwrap_or(1), dims.get(2).copied().unwrap_or(1));
        match self.plan.place(value) {
            Some(Place::Among { total, .. }) => w * total,
            _ => w * c,
        }
    }

    /// A value's rows of which the step makes its result's, where it is in a band.
    pub(super) fn rows_read(&self, value: ValueId, all: TokenStream) -> TokenStream {
        let Some((bands, to)) = self.rows_made_of() else { return all };
        let (from, row) = (self.band_of(bands, value), self.row_of(value));
        quote!(#from.beside(&#to, #row, #all))
    }

    /// The rows that the step makes of its result, where it is in a band.
    pub(super) fn rows_written(&self, all: TokenStream) -> TokenStream {
        let Some((_, to)) = self.rows_made_of() else { return all };
        let row = self.row_of(self.node.results[0]);
        quote!(#to.made(#row, #all))
    }

    /// How many rows the step makes, where it is in a band.
    #[must_use]
    pub fn rows_made(&self) -> Option<TokenStream> {
        self.rows_made_of().map(|(_, to)| quote!(#to.rows()))
    }

    fn rows_made_of(&self) -> Option<(&Bands, TokenStream)> {
        self.bands.map(|bands| (bands, self.band_of(bands, self.node.results[0])))
    }

    /// Before a buffer is written for the first time in a band: what is still read of it moves to its front.
    pub(super) fn keep(&self) -> TokenStream {
        let (Some(bands), Some(&result)) = (self.bands, self.node.results.first()) else { return TokenStream::new() };
        let Some(index) = self.plan.buffer_in(bands, result) else { return TokenStream::new() };
        if bands.table.iter().all(|band| band[index][0] == 0) || !self.writes_first(bands, index) {
            return TokenStream::new();
        }
        let (buffer, row) = (self.write_all(0), self.row_of(result));
        quote!(band[#index].keep(#row, #buffer);)
    }

    /// Whether no step of the run before this one writes the buffer.
    fn writes_first(&self, bands: &Bands, index: usize) -> bool {
        let steps = self.plan.stages.first().and_then(|stage| stage.steps.get(bands.steps.clone())).unwrap_or_default();
        let mut results = steps.iter().flat_map(|id| &self.plan.graph.nodes[id.0 as usize].results);
        let first = results.find(|&&result| self.plan.buffer_in(bands, result) == Some(index));
        first == self.node.results.first()
    }
}
