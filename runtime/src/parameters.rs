//! A network's numbers: one aligned vector in the kernels' layout, read and written by name as ordinary arrays.

use std::fmt;

use ndarray::{ArrayD, ArrayViewD, IxDyn};
use netwright_kernels::AlignedVec;

use crate::error::Error;
use crate::init;
use crate::spec::{ParameterSpec, Spec};

/// All parameters and state of a network.
///
/// They lie one after another in the order of [`Spec::parameters`], the trained ones first, each as its layout stores
/// it. Padding is zero and stays so: it counts in no norm and in no number of parameters.
pub struct Parameters {
    spec: &'static Spec,
    values: AlignedVec,
}

impl Parameters {
    /// Parameters that are all zero.
    ///
    /// # Errors
    ///
    /// If memory cannot be had.
    pub fn new(spec: &'static Spec) -> Result<Self, Error> {
        let values = AlignedVec::zeroed(spec.stored).map_err(|_| Error::OutOfMemory { floats: spec.stored })?;
        Ok(Self { spec, values })
    }

    /// Parameters as the description initialises them; the same for the same seed on every machine.
    ///
    /// # Panics
    ///
    /// If memory for the parameters cannot be had.
    #[must_use]
    #[expect(clippy::panic, reason = "documented, as allocating collections do; `try_initialised` returns the error")]
    pub fn initialised(spec: &'static Spec, seed: u64) -> Self {
        Self::try_initialised(spec, seed).unwrap_or_else(|error| panic!("{}: {error}", spec.name))
    }

    /// As [`initialised`](Self::initialised), with the error where that panics.
    ///
    /// # Errors
    ///
    /// If memory cannot be had.
    pub fn try_initialised(spec: &'static Spec, seed: u64) -> Result<Self, Error> {
        let mut parameters = Self::new(spec)?;
        let mut logical = Vec::new();
        for parameter in spec.parameters {
            logical.clear();
            logical.resize(parameter.count(), 0.0);
            init::fill(parameter, seed, &mut logical);
            parameters.write(parameter, &logical);
        }
        Ok(parameters)
    }

    /// The description of the network whose numbers these are.
    #[must_use]
    pub fn spec(&self) -> &'static Spec {
        self.spec
    }

    /// The names, trained parameters first, then state, each in the order of the description.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.spec.parameters.iter().map(|parameter| parameter.name)
    }

    /// The number of trained parameters, without padding.
    #[must_use]
    pub fn count(&self) -> usize {
        self.spec.parameters.iter().filter(|parameter| parameter.trained).map(ParameterSpec::count).sum()
    }

    /// A copy of one parameter or state array in its logical shape: `[KH, KW, C / groups, F]` for a convolution's
    /// weight, `[inputs, outputs]` for a dense one's.
    ///
    /// # Errors
    ///
    /// If the network has no parameter of this name.
    pub fn get(&self, name: &str) -> Result<ArrayD<f32>, Error> {
        read(self.spec, &self.values, name)
    }

    /// Replaces one parameter or state array; `array` has its logical shape. Any values do, also infinite ones.
    ///
    /// # Errors
    ///
    /// If the network has no parameter of this name, or the shape is another.
    pub fn set(&mut self, name: &str, array: ArrayViewD<'_, f32>) -> Result<(), Error> {
        let parameter = find(self.spec, name, "parameter", |_| true)?;
        if array.shape() != parameter.shape {
            return Err(Error::Shape {
                what: parameter.name,
                expected: format!("{:?}", parameter.shape),
                found: format!("{:?}", array.shape()),
            });
        }
        let array = array.as_standard_layout();
        // The layout is standard, so the slice is there.
        self.write(parameter, array.as_slice().unwrap_or(&[]));
        Ok(())
    }

    /// Everything as it is stored, padding included.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Everything as it is stored, to change it. Padding must stay zero.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// The trained part as it is stored: what gradients and optimiser state mirror.
    #[must_use]
    pub fn trained(&self) -> &[f32] {
        &self.values[..self.spec.trained]
    }

    /// The trained part, to change it. Padding must stay zero.
    pub fn trained_mut(&mut self) -> &mut [f32] {
        &mut self.values[..self.spec.trained]
    }

    /// The state that training changes without gradients (running statistics), as it is stored.
    #[must_use]
    pub fn state(&self) -> &[f32] {
        &self.values[self.spec.trained..]
    }

    /// The trained part and the state, both to be changed.
    pub fn split_mut(&mut self) -> (&mut [f32], &mut [f32]) {
        self.values.split_at_mut(self.spec.trained)
    }

    /// The Euclidean norm of one parameter or state array, summed in f64.
    ///
    /// # Errors
    ///
    /// If the network has no parameter of this name.
    pub fn norm(&self, name: &str) -> Result<f64, Error> {
        let parameter = find(self.spec, name, "parameter", |_| true)?;
        Ok(stored(parameter, &self.values).iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt())
    }

    /// The first parameter or state array, in the order of the description, that holds an infinity or a NaN, with the
    /// value found.
    #[must_use]
    pub fn first_non_finite(&self) -> Option<(&'static str, f32)> {
        first_non_finite(self.spec, &self.values)
    }

    /// Stores a logical array of a parameter of this network.
    pub(crate) fn write(&mut self, parameter: &ParameterSpec, logical: &[f32]) {
        write(parameter, logical, &mut self.values);
    }
}

impl Clone for Parameters {
    fn clone(&self) -> Self {
        Self { spec: self.spec, values: self.values.clone() }
    }

    fn clone_from(&mut self, source: &Self) {
        if self.values.len() == source.values.len() {
            self.spec = source.spec;
            self.values.copy_from_slice(&source.values);
        } else {
            *self = source.clone();
        }
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parameters")
            .field("network", &self.spec.name)
            .field("arrays", &self.spec.parameters.len())
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}

/// A copy of one array of a stored vector: all parameters, or the trained part (gradients, optimiser state) alone.
///
/// # Errors
///
/// If the network has no parameter of this name, or none that `vector` reaches to.
pub(crate) fn read(spec: &'static Spec, vector: &[f32], name: &str) -> Result<ArrayD<f32>, Error> {
    let (kind, all) = if vector.len() < spec.stored { ("trained parameter", false) } else { ("parameter", true) };
    let parameter = find(spec, name, kind, |parameter| all || parameter.trained)?;
    let mut logical = vec![0.0; parameter.count()];
    parameter.layout.unpack(stored(parameter, vector), &mut logical);
    let floats = logical.len();
    ArrayD::from_shape_vec(IxDyn(parameter.shape), logical).map_err(|_| Error::OutOfMemory { floats })
}

/// Copies a parameter out of a stored vector in logical order into `logical`, which is resized to it.
pub(crate) fn unpack(parameter: &ParameterSpec, vector: &[f32], logical: &mut Vec<f32>) {
    logical.clear();
    logical.resize(parameter.count(), 0.0);
    parameter.layout.unpack(stored(parameter, vector), logical);
}

/// Copies a parameter in logical order into its place in a stored vector.
pub(crate) fn write(parameter: &ParameterSpec, logical: &[f32], vector: &mut [f32]) {
    parameter.layout.pack(logical, place(parameter, vector));
}

/// Copies a part of a parameter in logical order, from its element `first` on, into its place in a stored vector whose
/// padding is zero.
pub(crate) fn write_part(parameter: &ParameterSpec, first: usize, part: &[f32], vector: &mut [f32]) {
    parameter.layout.pack_part(first, part, place(parameter, vector));
}

fn place<'v>(parameter: &ParameterSpec, vector: &'v mut [f32]) -> &'v mut [f32] {
    &mut vector[parameter.offset..parameter.offset + parameter.layout.len()]
}

/// The first array of a stored vector, all of it or the trained part, that holds an infinity or a NaN.
pub(crate) fn first_non_finite(spec: &Spec, vector: &[f32]) -> Option<(&'static str, f32)> {
    let covered = spec.parameters.iter().filter(|parameter| parameter.offset < vector.len());
    covered
        .filter_map(|parameter| {
            let bad = stored(parameter, vector).iter().find(|value| !value.is_finite())?;
            Some((parameter.name, *bad))
        })
        .next()
}

/// A parameter's part of a stored vector.
fn stored<'v>(parameter: &ParameterSpec, vector: &'v [f32]) -> &'v [f32] {
    &vector[parameter.offset..parameter.offset + parameter.layout.len()]
}

fn find(
    spec: &'static Spec,
    name: &str,
    kind: &'static str,
    eligible: impl Fn(&ParameterSpec) -> bool,
) -> Result<&'static ParameterSpec, Error> {
    let candidates = || spec.parameters.iter().filter(|parameter| eligible(parameter));
    if let Some(parameter) = candidates().find(|parameter| parameter.name == name) {
        return Ok(parameter);
    }
    let nearest = candidates()
        .map(|parameter| (edit_distance(name, parameter.name), parameter.name))
        .filter(|(distance, known)| distance * 3 <= known.len())
        .min()
        .map(|(_, known)| known.to_owned());
    let known = candidates().map(|parameter| parameter.name).collect();
    Err(Error::UnknownParameter { network: spec.name, kind, name: name.to_owned(), nearest, known })
}

/// Bytes to insert, delete or replace to turn one name into the other (Levenshtein, 1966); names far longer than any
/// parameter's are simply far.
fn edit_distance(a: &str, b: &str) -> usize {
    const LONGEST: usize = 256;
    if a.len() > LONGEST || b.len() > LONGEST {
        return usize::MAX / 4;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (row_idx, from) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = row_idx + 1;
        for (column, to) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use ndarray::{Array, Array1, Array2, Array4};

    use super::*;
    use crate::testing::ARRAYS;

    #[test]
    fn arrays_go_in_and_come_out_in_logical_order() {
        let mut parameters = Parameters::new(&ARRAYS).unwrap();
        assert!(parameters.values().iter().all(|&value| value == 0.0));
        let weight = Array4::from_shape_fn((3, 3, 2, 5), |(y, x, c, f)| (y * 1000 + x * 100 + c * 10 + f + 1) as f32);
        parameters.set("conv1.weight", weight.view().into_dyn()).unwrap();
        assert_eq!(parameters.get("conv1.weight").unwrap(), weight.clone().into_dyn());
        // One panel of sixteen lanes for each of the 18 inputs, eleven of them padding.
        assert_eq!(parameters.values()[16], weight[[0, 0, 1, 0]]);
        let padding = parameters.values()[..288].chunks(16).flat_map(|row| &row[5..]);
        assert!(padding.copied().all(|value| value == 0.0));
        let columns = weight.reversed_axes();
        let back = columns.view().reversed_axes();
        parameters.set("conv1.weight", back.into_dyn()).unwrap();
        assert_eq!(parameters.values()[16], 11.0);
        parameters.set("norm.mean", Array1::from_elem(5, f32::INFINITY).view().into_dyn()).unwrap();
        assert_eq!(parameters.state(), [f32::INFINITY; 5]);
        assert_eq!(parameters.split_mut().0.len(), 624);
        assert_eq!(parameters.split_mut().1, [f32::INFINITY; 5]);
        assert!(parameters.trained().iter().all(|value| value.is_finite()));
        assert_eq!(parameters.first_non_finite(), Some(("norm.mean", f32::INFINITY)));
    }

    #[test]
    fn names_count_and_norm_leave_padding_out() {
        let mut parameters = Parameters::new(&ARRAYS).unwrap();
        assert_eq!(
            parameters.names().collect::<Vec<_>>(),
            ["conv1.weight", "conv1.bias", "dense1.weight", "norm.mean"]
        );
        assert_eq!(parameters.count(), 90 + 5 + 60);
        let ones: ArrayD<f32> = Array::ones((20, 3)).into_dyn();
        parameters.set("dense1.weight", ones.view()).unwrap();
        assert_eq!(parameters.norm("dense1.weight").unwrap(), 60.0_f64.sqrt());
        assert_eq!(parameters.norm("conv1.weight").unwrap(), 0.0);
        assert_eq!(parameters.clone().values(), parameters.values());
    }

    #[test]
    fn mistakes_are_named() {
        let mut parameters = Parameters::new(&ARRAYS).unwrap();
        assert_eq!(
            parameters.get("conv1.wieght").unwrap_err().to_string(),
            "`Arrays` has no parameter named `conv1.wieght`; did you mean `conv1.weight`?"
        );
        assert_eq!(
            parameters.get("fc").unwrap_err().to_string(),
            "`Arrays` has no parameter named `fc`; it has conv1.weight, conv1.bias, dense1.weight, norm.mean"
        );
        let gradient = read(&ARRAYS, parameters.trained(), "norm.mean").unwrap_err().to_string();
        assert_eq!(
            gradient,
            "`Arrays` has no trained parameter named `norm.mean`; it has conv1.weight, conv1.bias, dense1.weight"
        );
        let shape = parameters.set("dense1.weight", Array2::zeros((3, 20)).view().into_dyn());
        assert_eq!(
            shape.unwrap_err().to_string(),
            "`dense1.weight` has the wrong shape: expected [20, 3], found [3, 20]"
        );
        assert!(parameters.get(&"x".repeat(1 << 20)).is_err());
    }

    #[test]
    fn initialisation_follows_the_description() {
        let parameters = Parameters::initialised(&ARRAYS, 3);
        assert_eq!(parameters.state(), [0.5; 5]);
        assert!(parameters.get("conv1.weight").unwrap().iter().all(|&value| value != 0.0));
        assert_eq!(parameters.get("conv1.bias").unwrap().sum(), 0.0);
        assert_eq!(parameters.values(), Parameters::initialised(&ARRAYS, 3).values());
        assert_ne!(parameters.values(), Parameters::initialised(&ARRAYS, 4).values());
        let is_real = |idx: usize| {
            ARRAYS
                .parameters
                .iter()
                .any(|parameter| idx >= parameter.offset && parameter.layout.is_real(idx - parameter.offset))
        };
        assert!((0..ARRAYS.stored).all(|idx| is_real(idx) || parameters.values()[idx] == 0.0));
    }
}
