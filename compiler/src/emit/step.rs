//! One step: what an operation needs to know to write its call.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::Context;
use crate::ir::{Extent, Node, ParameterId, Shape, ValueId};
use crate::ops::{Op, Reach};
use crate::passes::Mode;
use crate::plan::{Bands, Place, Plan};

/// A step of a plan, seen from its operation.
pub struct StepContext<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) plan: &'a Plan,
    pub(super) node: &'a Node,
    /// The run of bands that it belongs to.
    pub(super) bands: Option<&'a Bands>,
    /// The local variable and the constant of each slot.
    pub(super) slots: &'a [(Ident, Ident)],
    /// The local variable of each output after the first.
    pub(super) outputs: &'a [Ident],
}

impl StepContext<'_> {
    /// The path of what the runtime offers to generated code.
    #[must_use]
    pub fn rt(&self) -> &Ident {
        &self.context.rt
    }

    /// Whether the step belongs to training, rather than to prediction or evaluation.
    #[must_use]
    pub fn trains(&self) -> bool {
        self.plan.mode == Mode::Training
    }

    /// Images of a full chunk.
    #[must_use]
    pub fn chunk(&self) -> usize {
        self.plan.chunk
    }

    /// The constant of the operation's sizes.
    #[must_use]
    pub fn geometry(&self) -> Option<&Ident> {
        self.context.names.geometry(self.node)
    }

    /// An operand's numbers. In a band, the rows of which it makes its result's, unless its rows depend on others
    /// ([`band`](Self::band)).
    #[must_use]
    pub fn read(&self, index: usize) -> TokenStream {
        let all = self.read_all(self.node.args[index]);
        let reach = self.node.op.operation().reach_of(index);
        let is_whole = self.takes_buffers() || reach.is_none();
        debug_assert!(self.bands.is_none() || is_whole || reach == Some(Reach::SAME), "{} has windows", self.node.op);
        if is_whole { all } else { self.rows_read(self.node.args[index], all) }
    }

    /// Whether the operation takes whole buffers in a band.
    fn takes_buffers(&self) -> bool {
        matches!(
            self.node.op,
            Op::Conv(_)
                | Op::ConvInputGradient(_)
                | Op::ConvWeightGradient(_)
                | Op::MaxPool(_)
                | Op::MaxPoolIndexed(_)
                | Op::MaxPoolGradient(_)
        )
    }

    /// The numbers of a result, once they are made: in a band, of the rows that it makes.
    pub(super) fn read_value(&self, value: ValueId) -> TokenStream {
        self.rows_read(value, self.read_all(value))
    }

    /// A value's numbers, as far as they are there.
    fn read_all(&self, value: ValueId) -> TokenStream {
        match self.plan.place(value) {
            Some(Place::Slot(slot) | Place::Among { slot, .. }) => {
                let name = &self.slots[slot].0;
                quote!(#name)
            }
            Some(Place::Output(index)) => match self.later_output(index) {
                Some(name) => quote!(&*#name),
                None => quote!(&*c.output),
            },
            Some(Place::Shared { offset, len }) => shared(offset, len),
            Some(Place::Input(index @ 1..)) => quote!(c.inputs.get(#index)),
            Some(Place::Input(0)) | None => quote!(c.input),
        }
    }

    /// The local variable of an output, unless it is the first.
    fn later_output(&self, index: usize) -> Option<&Ident> {
        self.outputs.get(index.checked_sub(1)?)
    }

    /// A result's numbers, to be written; in a band, as [`read`](Self::read) gives them.
    #[must_use]
    pub fn write(&self, port: usize) -> TokenStream {
        let all = self.write_all(port);
        if self.takes_buffers() { all } else { self.rows_written(all) }
    }

    /// A result's memory.
    pub(super) fn write_all(&self, port: usize) -> TokenStream {
        match self.plan.place(self.node.results[port]) {
            Some(Place::Slot(slot) | Place::Among { slot, .. }) => {
                let name = &self.slots[slot].0;
                quote!(#name)
            }
            Some(Place::Output(index)) => match self.later_output(index) {
                Some(name) => quote!(&mut *#name),
                None => quote!(&mut *c.output),
            },
            _ => quote!(&mut *c.output),
        }
    }

    /// Where an operand stands among the channels of what [`read`](Self::read) gives, if it does not stand alone.
    #[must_use]
    pub fn among_arg(&self, index: usize) -> Option<TokenStream> {
        self.among(self.node.args[index])
    }

    /// Where the first result stands among the channels of what [`write`](Self::write) gives, if it does not stand alone.
    #[must_use]
    pub fn among_result(&self) -> Option<TokenStream> {
        self.among(self.node.results[0])
    }

    pub(super) fn among(&self, value: ValueId) -> Option<TokenStream> {
        let rt = self.rt();
        match self.plan.place(value)? {
            Place::Among { first, total, .. } => Some(quote!(#rt::conv::Among { first: #first, total: #total })),
            Place::Input(_) | Place::Output(_) | Place::Slot(_) | Place::Shared { .. } => None,
        }
    }

    /// Whether an operand stands in the result, of which it is a part.
    #[must_use]
    pub fn is_joined(&self, index: usize) -> bool {
        self.plan.is_joined(self.node, index)
    }

    /// Whether the first result's elements are bytes.
    #[must_use]
    pub fn is_of_bytes(&self) -> bool {
        self.node.results.first().is_some_and(|&result| self.plan.graph.value(result).extent == Extent::Bytes)
    }

    /// Whether nothing is to be done.
    #[must_use]
    pub fn moves_nothing(&self) -> bool {
        self.plan.moves_nothing(self.node)
    }

    /// Whether the first result is written over an operand.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        let result = self.node.results.first().and_then(|&result| self.plan.place(result));
        result.is_some() && self.node.args.iter().any(|&arg| self.plan.place(arg) == result)
    }

    /// What a barrier left, of an operand.
    #[must_use]
    pub fn shared(&self, index: usize) -> TokenStream {
        self.read(index)
    }

    /// Where a barrier leaves its result.
    #[must_use]
    pub fn shared_result(&self) -> TokenStream {
        match self.node.results.first().and_then(|&result| self.plan.place(result)) {
            Some(Place::Shared { offset, len }) => {
                let end = offset + len;
                quote!(#offset..#end)
            }
            _ => quote!(0..0),
        }
    }

    /// The slot of an operand, as a constant.
    #[must_use]
    pub fn slot(&self, index: usize) -> TokenStream {
        match self.plan.place(self.node.args[index]) {
            Some(Place::Slot(slot)) => {
                let name = &self.slots[slot].1;
                quote!(#name)
            }
            _ => TokenStream::new(),
        }
    }

    /// A parameter's numbers; none where the layer has no such parameter.
    #[must_use]
    pub fn parameter(&self, index: usize) -> TokenStream {
        match self.node.parameters.get(index) {
            Some(&id) => {
                let name = self.range_of(id);
                quote!(&p[#name])
            }
            None => quote!(&[]),
        }
    }

    /// The number of the layer among those that may have a sparse form, where it is one and the step predicts.
    #[must_use]
    pub fn sparse(&self) -> Option<usize> {
        let weight = self.node.parameters.first().filter(|_| self.plan.mode == Mode::Inference)?;
        self.context.sparse.iter().position(|id| id == weight)
    }

    /// Where a parameter stands, as a constant.
    #[must_use]
    pub fn range(&self, index: usize) -> TokenStream {
        self.node.parameters.get(index).map_or_else(TokenStream::new, |&id| self.range_of(id))
    }

    /// A parameter's gradient, to be added to; nothing where the layer has no such parameter.
    #[must_use]
    pub fn gradient(&self, index: usize) -> TokenStream {
        match self.node.parameters.get(index) {
            Some(&id) => {
                let name = self.context.names.gradient(id);
                quote!(#name)
            }
            None => quote!(&mut []),
        }
    }

    /// The transposed copy of the first parameter.
    #[must_use]
    pub fn derived(&self) -> TokenStream {
        let derived = self.node.parameters.first().and_then(|id| self.plan.derived.iter().find(|d| d.parameter == *id));
        derived.map_or_else(TokenStream::new, |derived| {
            let (start, end) = (derived.offset, derived.offset + derived.len);
            quote!(&c.derived[#start..#end])
        })
    }

    /// How many rows of its last axis an operand has: images times pixels.
    #[must_use]
    pub fn rows(&self, index: usize) -> TokenStream {
        let [n, pixels] = self.images(index);
        let is_plain = self.bands.is_none() && self.operand_shape(index).pixels() == 1;
        if is_plain { n } else { quote!(#n * #pixels) }
    }

    /// How many images an operand has, and how many pixels each: in a band, one image of the pixels that it makes.
    #[must_use]
    pub fn images(&self, index: usize) -> [TokenStream; 2] {
        let (shape, n) = (self.operand_shape(index), quote!(n));
        let (pixels, w) = (shape.pixels(), shape.dims().get(1).copied().unwrap_or(1));
        self.rows_made().map_or_else(|| [n, quote!(#pixels)], |rows| [quote!(1), quote!((#rows * #w))])
    }

    /// An operand's shape.
    #[must_use]
    pub fn operand_shape(&self, index: usize) -> &Shape {
        self.plan.graph.shape(self.node.args[index])
    }

    /// The first result's shape.
    #[must_use]
    pub fn result_shape(&self) -> &Shape {
        self.plan.graph.shape(self.node.results[0])
    }

    /// The statement with what it needs before it: its slots of the arena, and its gradients.
    pub(super) fn statement(&self) -> TokenStream {
        let call = self.node.op.operation().emit(self);
        if call.is_empty() {
            return call;
        }
        let writes = self.slots_of(&self.node.results, &[]);
        let reads = self.slots_of(&self.node.args, &writes);
        let variable = |&slot: &usize| self.slots[slot].0.clone();
        let constant = |&slot: &usize| self.slots[slot].1.clone();
        let (read_names, read_slots) = (reads.iter().map(variable), reads.iter().map(constant));
        let (write_names, write_slots) = (writes.iter().map(variable), writes.iter().map(constant));
        let split = if reads.is_empty() && writes.is_empty() {
            TokenStream::new()
        } else {
            quote! {
                let ([#(#read_names),*], [#(#write_names),*]) = c.arena.split(n, [#(#read_slots),*], [#(#write_slots),*]);
            }
        };
        let is_accumulating = self.node.op.operation().has_effects() && !self.node.parameters.is_empty();
        let gradients = if is_accumulating {
            let names = self.node.parameters.iter().map(|&id| self.context.names.gradient(id));
            let ranges = self.node.parameters.iter().map(|&id| self.range_of(id));
            quote!(let [#(#names),*] = rt::parts(c.gradients, [#(#ranges),*]);)
        } else {
            TokenStream::new()
        };
        let keep = self.keep();
        quote!(#split #gradients #keep #call)
    }

    /// The slots of some values, each once, without those of `other`.
    fn slots_of(&self, values: &[ValueId], other: &[usize]) -> Vec<usize> {
        let mut slots = Vec::new();
        for &value in values {
            if let Some(Place::Slot(slot) | Place::Among { slot, .. }) = self.plan.place(value)
                && !slots.contains(&slot)
                && !other.contains(&slot)
            {
                slots.push(slot);
            }
        }
        slots
    }

    fn range_of(&self, id: ParameterId) -> TokenStream {
        let name = self.context.names.parameter(id);
        quote!(#name)
    }
}

fn shared(offset: usize, len: usize) -> TokenStream {
    let end = offset + len;
    quote!(&c.shared[#offset..#end])
}
