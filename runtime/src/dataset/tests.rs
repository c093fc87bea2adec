//! Datasets: what is kept, what views show, what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

use ndarray::{Array1, Array2, Array3, ArrayD, IxDyn, arr1, arr2, s};

use super::*;

fn four() -> Dataset {
    Dataset::from_bytes(&[2, 1], (0..8).collect(), 0.5, 1.0, vec![0, 1, 2, 1], 3).unwrap()
}

fn message(result: Result<Dataset, DataError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn bytes_are_scaled_and_shifted() {
    let data = four();
    assert_eq!((data.len(), data.shape(), data.input_len()), (4, &[2, 1][..], 2));
    assert_eq!(data.input(1).unwrap(), [2.0, 2.5]);
    assert_eq!(data.input(4), None);
    assert_eq!((data.label(2), data.label(4)), (Some(2), None));
    assert_eq!((data.n_classes(), data.target_shape()), (Some(3), None));
}

#[test]
fn gathering_follows_the_indices() {
    let data = four();
    let (mut inputs, mut labels) = ([0.0; 4], [0; 2]);
    data.gather_inputs(&[3, 0], &mut inputs).unwrap();
    data.gather_labels(&[3, 0], &mut labels).unwrap();
    assert_eq!((inputs, labels), ([4.0, 4.5, 1.0, 1.5], [1, 0]));
    let array = data.inputs_at(&[2]).unwrap();
    assert_eq!((array.shape(), array[[0, 1, 0]]), (&[1, 2, 1][..], 3.5));

    let room = data.gather_inputs(&[0], &mut inputs).unwrap_err().to_string();
    assert_eq!(room, "the buffer for inputs holds 4 values; expected 2");
    let past = data.gather_inputs(&[0, 4], &mut inputs).unwrap_err().to_string();
    assert_eq!(past, "there is no sample 4; the dataset has 4, counted from 0");
    assert!(matches!(data.gather_labels(&[9], &mut [0]), Err(DataError::NoSuchSample { index: 9, len: 4 })));
    let wrong = data.gather_values(&[0], &mut inputs).unwrap_err().to_string();
    assert_eq!(wrong, "expected a dataset with values as targets, found class labels");
}

#[test]
fn values_are_kept_with_their_shape() {
    let data = Dataset::from_values(arr2(&[[1.0, 2.0], [3.0, 4.0]]), arr1(&[5.0, 6.0])).unwrap();
    assert_eq!((data.shape(), data.target_shape(), data.n_classes()), (&[2][..], Some(&[1][..]), None));
    let mut out = [0.0; 2];
    data.gather_values(&[1, 1], &mut out).unwrap();
    assert_eq!(out, [6.0, 6.0]);
    assert!(matches!(data.gather_labels(&[0], &mut [0]), Err(DataError::WrongTargets { .. })));
}

#[test]
fn any_memory_layout_is_read_in_row_major_order() {
    let base = Array3::from_shape_fn((3, 2, 2), |(n, r, c)| (n * 100 + r * 10 + c) as f32);
    let expected = vec![100.0, 101.0, 110.0, 111.0];
    let plain = Dataset::from_classes(base.clone(), vec![0; 3], 1).unwrap();
    let columns = base.clone().reversed_axes().as_standard_layout().into_owned().reversed_axes();
    assert!(!columns.is_standard_layout());
    let columns = Dataset::from_classes(columns, vec![0; 3], 1).unwrap();
    let mut sliced = base.clone();
    sliced.slice_collapse(s![1..2, .., ..]);
    let sliced = Dataset::from_classes(sliced, vec![0], 1).unwrap();
    assert_eq!(plain.input(1).unwrap(), expected);
    assert_eq!(columns.input(1).unwrap(), expected);
    assert_eq!(sliced.input(0).unwrap(), expected);
    let mut narrow = base;
    narrow.slice_collapse(s![.., .., 1..]);
    let narrow = Dataset::from_classes(narrow, vec![0; 3], 1).unwrap();
    assert_eq!(narrow.input(2).unwrap(), [201.0, 211.0]);
}

#[test]
fn mistakes_are_named() {
    let inputs = || Array2::<f32>::zeros((2, 3));
    assert_eq!(
        message(Dataset::from_classes(inputs(), vec![0, 3], 3)),
        "label 3 of sample 1 is out of range; with 3 classes labels are 0 to 2"
    );
    assert_eq!(message(Dataset::from_classes(inputs(), vec![0], 3)), "expected 2 labels to match the samples, found 1");
    let mut nan = inputs();
    nan[[1, 2]] = f32::NAN;
    assert_eq!(
        message(Dataset::from_classes(nan, vec![0, 1], 3)),
        "inputs: element 2 of sample 1 is NaN; expected finite values"
    );
    assert!(matches!(
        Dataset::from_values(inputs(), arr1(&[1.0, f32::INFINITY])),
        Err(DataError::NotFinite { what: "targets", sample: 1, .. })
    ));
    assert_eq!(
        message(Dataset::from_values(inputs(), Array1::zeros(3))),
        "expected 2 targets to match the samples, found 3"
    );
    assert_eq!(
        message(Dataset::from_classes(Array2::zeros((0, 3)), vec![], 3)),
        "a dataset needs at least one sample, found none"
    );
    assert!(matches!(
        Dataset::from_classes(Array2::zeros((2, 0)), vec![0, 0], 3),
        Err(DataError::EmptyShape { what: "inputs", .. })
    ));
    assert!(matches!(Dataset::from_classes(ArrayD::zeros(IxDyn(&[])), vec![0], 3), Err(DataError::EmptyShape { .. })));
    assert_eq!(
        message(Dataset::from_bytes(&[2, 2], vec![0; 7], 1.0, 0.0, vec![0, 0], 1)),
        "expected 8 input bytes to match the samples, found 7"
    );
    assert!(matches!(
        Dataset::from_bytes(&[usize::MAX, 2], vec![], 1.0, 0.0, vec![0], 1),
        Err(DataError::TooLarge { .. })
    ));
    assert!(matches!(
        Dataset::from_bytes(&[usize::MAX], vec![], 1.0, 0.0, vec![0, 0], 1),
        Err(DataError::TooLarge { .. })
    ));
    assert!(matches!(Dataset::from_bytes(&[], vec![0], 1.0, 0.0, vec![0], 1), Err(DataError::EmptyShape { .. })));
    assert!(matches!(Dataset::from_bytes(&[1], vec![], 1.0, 0.0, vec![], 1), Err(DataError::NoSamples)));
    assert!(matches!(Dataset::from_bytes(&[1], vec![0], f32::MAX, 0.0, vec![0], 1), Err(DataError::BadScale { .. })));
    assert!(matches!(Dataset::from_bytes(&[1], vec![0], 1.0, 0.0, vec![0], 0), Err(DataError::NoClasses)));
}

#[test]
fn views_compose_without_copying() {
    let data = four();
    let view = data.subset(&[3, 1, 1]).unwrap().subset(&[2, 0]).unwrap();
    assert!(Arc::ptr_eq(&data.storage, &view.storage));
    assert_eq!((view.label(0), view.input(1).unwrap()), (Some(1), vec![4.0, 4.5]));
    assert!(matches!(view.subset(&[2]), Err(DataError::NoSuchSample { index: 2, len: 2 })));
    assert_eq!((data.take(2).len(), data.take(9).len(), view.take(1).input(0)), (2, 4, data.input(1)));
    assert!(data.take(0).is_empty());
    assert!(data.subset(&[]).unwrap().input(0).is_none());
}

#[test]
fn a_split_is_a_partition_fixed_by_its_seed() {
    let data = Dataset::from_bytes(&[1], (0..100).collect(), 1.0, 0.0, vec![0; 100], 1).unwrap();
    let values = |data: &Dataset| (0..data.len()).map(|idx| data.input(idx).unwrap()[0] as u8).collect::<Vec<_>>();
    let (rest, part) = data.split(0.1, 7).unwrap();
    assert_eq!((rest.len(), part.len()), (90, 10));
    let mut all = [values(&rest), values(&part)].concat();
    all.sort_unstable();
    assert_eq!(all, (0..100).collect::<Vec<u8>>());
    assert_eq!(values(&part), values(&data.split(0.1, 7).unwrap().1));
    assert_ne!(values(&part), values(&data.split(0.1, 8).unwrap().1));
    // The draw is part of the format of a run: a change would make old runs unrepeatable.
    assert_eq!(values(&part), [0, 18, 23, 26, 36, 38, 39, 60, 75, 77]);
    let (rest, part) = data.split(1.0, 7).unwrap();
    assert_eq!((rest.len(), part.len()), (0, 100));
    for fraction in [-0.1, 1.1, f64::NAN] {
        assert!(matches!(data.split(fraction, 7), Err(DataError::BadFraction { .. })));
    }
}

#[test]
fn the_fingerprint_sees_every_part() {
    let build = |bytes: [u8; 2], scale, labels: [u32; 2], n_classes| {
        Dataset::from_bytes(&[1], bytes.to_vec(), scale, 0.0, labels.to_vec(), n_classes).unwrap().fingerprint()
    };
    let base = build([1, 2], 1.0, [0, 1], 2);
    assert_eq!(base, build([1, 2], 1.0, [0, 1], 2));
    let others = [
        build([1, 3], 1.0, [0, 1], 2),
        build([1, 2], 2.0, [0, 1], 2),
        build([1, 2], 1.0, [1, 1], 2),
        build([1, 2], 1.0, [0, 1], 3),
    ];
    assert!(others.iter().all(|&other| other != base));
    let data = four();
    assert_ne!(data.subset(&[0, 1]).unwrap().fingerprint(), data.subset(&[1, 0]).unwrap().fingerprint());
}

#[test]
fn samples_may_have_several_inputs() {
    let more = Array2::from_shape_fn((4, 3), |(n, k)| (10 * n + k) as f32);
    let single = four();
    let data = single.clone().with_input(more.clone()).unwrap().with_input(arr1(&[7.0, 8.0, 9.0, 10.0])).unwrap();
    assert_eq!((data.n_inputs(), single.n_inputs(), data.len()), (3, 1, 4));
    assert!(data.shapes().eq([&[2, 1][..], &[3], &[1]]));
    assert_eq!((data.shape(), data.input(1), data.label(2)), (single.shape(), single.input(1), single.label(2)));
    let view = data.subset(&[3, 1]).unwrap();
    let (mut first, mut second, mut third) = ([0.0; 4], [0.0; 6], [0.0; 2]);
    view.gather_input(0, &[1, 0], &mut first).unwrap();
    view.gather_input(1, &[1, 0], &mut second).unwrap();
    view.gather_input(2, &[1, 0], &mut third).unwrap();
    assert_eq!((first, second), ([2.0, 2.5, 4.0, 4.5], [10.0, 11.0, 12.0, 30.0, 31.0, 32.0]));
    assert_eq!(third, [8.0, 10.0]);
    let past = view.gather_input(3, &[0], &mut third).unwrap_err().to_string();
    assert_eq!(past, "there is no input 3; the dataset's samples have 3, counted from 0");
    assert!(matches!(view.gather_input(1, &[0], &mut third), Err(DataError::WrongRoom { .. })));

    // A view gets one row for each of its own samples, and leaves what it was taken from alone.
    let wider = single.subset(&[3, 1]).unwrap().with_input(more.slice(s![..2, ..]).to_owned()).unwrap();
    assert_eq!((wider.len(), wider.input(0), wider.label(1)), (2, single.input(3), single.label(1)));
    wider.gather_input(1, &[1, 0], &mut second).unwrap();
    assert_eq!((second, single.len(), single.n_inputs()), ([10.0, 11.0, 12.0, 0.0, 1.0, 2.0], 4, 1));
    let values = Dataset::from_values(more.clone(), arr1(&[5.0, 6.0, 7.0, 8.0])).unwrap();
    let values = values.take(2).with_input(arr1(&[1.0, 2.0])).unwrap();
    values.gather_values(&[1, 0], &mut third).unwrap();
    assert_eq!((third, values.input(1).unwrap()), ([6.0, 5.0], vec![10.0, 11.0, 12.0]));

    let (one, other) = (data.fingerprint(), single.clone().with_input(more.clone() + 1.0).unwrap());
    assert!(one != single.fingerprint() && one != other.fingerprint());
    assert_eq!(other.fingerprint(), four().with_input(more.clone() + 1.0).unwrap().fingerprint());
    let wrong = |input: Array2<f32>| message(four().with_input(input));
    assert_eq!(wrong(Array2::zeros((3, 2))), "expected 4 further inputs to match the samples, found 3");
    assert!(wrong(Array2::from_elem((4, 2), f32::NAN)).contains("expected finite values"));
    assert!(wrong(Array2::zeros((4, 0))).contains("hold no values"));
}

#[test]
fn bytes_are_rescaled() {
    let data = Dataset::from_bytes(&[2], vec![0, 255, 51, 102], 1.0 / 255.0, 0.0, vec![0, 1], 2).unwrap();
    let normalised = data.clone().rescaled(2.0, -1.0).unwrap();
    assert_eq!(normalised.inputs_at(&[0, 1]).unwrap().into_raw_vec_and_offset().0, [-1.0, 509.0, 101.0, 203.0]);
    // The dataset itself stays, and a view keeps its samples.
    assert_eq!(data.inputs_at(&[0]).unwrap()[[0, 1]], 1.0);
    let part = data.subset(&[1]).unwrap().rescaled(1.0, 0.0).unwrap();
    assert_eq!((part.len(), part.inputs_at(&[0]).unwrap()[[0, 0]]), (1, 51.0));
    assert_ne!(data.fingerprint(), normalised.fingerprint());
    assert!(matches!(data.rescaled(f32::INFINITY, 0.0), Err(DataError::BadScale { .. })));
    let floats = Dataset::from_classes(ndarray::Array2::<f32>::zeros((1, 2)), vec![0], 1).unwrap();
    assert!(matches!(floats.rescaled(1.0, 0.0), Err(DataError::NotBytes)));
}
