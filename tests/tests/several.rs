//! A network of several inputs and outputs as a user has it: arguments in the order of declaration, outputs by their names,
//! errors that name what is wrong; the same bits on any number of threads; training from a dataset of several inputs.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure ends the test")]

use ndarray::{Array1, Array2, Array4, s};
use netwright::dataset::Dataset;
use netwright::train::{Trainer, confusion, evaluate};
use netwright::{Error, Network, Trainable};
use netwright_tests::interpreter::Random;

netwright::model!("../stages/several.net");
netwright::model! {
    network Names {
        input self: [3];
        input p: [2];
        input gradients: [2];
        output p_sum = p + gradients;
        output SELF = self -> dense(2);
        output out_1 = SELF -> relu;
        output c = out_1;
        train { loss: mean_squared_error(out_1); }
    }
}

fn inputs(n: usize) -> (Array4<f32>, Array2<f32>) {
    let mut random = Random::new(3);
    let mut draw = |len: usize| random.array(len, -1.0, 1.0).into_iter().map(|x| x as f32).collect::<Vec<_>>();
    let images = Array4::from_shape_vec((n, 6, 6, 1), draw(36 * n)).unwrap();
    (images, Array2::from_shape_vec((n, 4), draw(4 * n)).unwrap())
}

#[test]
fn outputs_have_their_names() {
    let net = Several::new(1);
    let (images, known) = inputs(5);
    let found = net.predict(images.view(), known.view()).unwrap();
    let SeveralOutputs { classes, estimate } = found.clone();
    assert_eq!((classes.dim(), estimate.dim(), &found.classes), ((5, 3), (5, 1), &classes));
    assert!(classes.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-5));
    // Each input counts, and each image has its own.
    let other = net.predict(images.view(), (&known + 1.0).view()).unwrap();
    assert!(other.classes != classes && other.estimate != estimate);
    let last = net.predict(images.slice(s![4.., .., .., ..]), known.slice(s![4.., ..])).unwrap();
    assert_eq!((last.classes.row(0), last.estimate.row(0)), (classes.row(4), estimate.row(4)));

    // Into arrays of the caller's, in whatever layout.
    let (mut wide, mut into) = (Array2::zeros((3, 5)), Array2::zeros((5, 1)));
    net.forward(images.view(), known.view(), wide.view_mut().reversed_axes(), into.view_mut()).unwrap();
    assert_eq!((wide.reversed_axes(), into), (classes, estimate));
    assert!(net.predict(Array4::zeros((0, 6, 6, 1)).view(), Array2::zeros((0, 4)).view()).unwrap().classes.is_empty());
}

#[test]
fn errors_name_what_is_wrong() {
    let mut net = Several::new(1);
    let (images, known) = inputs(4);
    let error = net.predict(images.view(), known.slice(s![..3, ..])).unwrap_err();
    assert!(matches!(error, Error::BatchSize { what: "known", found: 3, other: "image", expected: 4 }));
    assert_eq!(error.to_string(), "`known` has 3 images, but `image` has 4; expected equally many");
    let narrow = net.predict(images.view(), known.slice(s![.., ..3])).unwrap_err();
    assert_eq!(narrow.to_string(), "`known` has the wrong shape: expected [N, 4], found [4, 3]");
    let mut gradients = Several::gradients().unwrap();
    let loss = net.loss_and_gradients(images.view(), known.slice(s![..2, ..]), &[0, 1, 2, 0], &mut gradients);
    assert!(matches!(loss.unwrap_err(), Error::BatchSize { what: "known", .. }));
    let (mut classes, mut estimate) = (Array2::zeros((4, 3)), Array2::zeros((3, 1)));
    let room = net.forward(images.view(), known.view(), classes.view_mut(), estimate.view_mut()).unwrap_err();
    assert!(matches!(room, Error::Shape { what: "estimate", .. }), "{room}");
    // What is made for one input and one output says what the network has.
    let one = netwright::engine::predict_into(&net, &[], &mut []).unwrap_err();
    assert_eq!(one.to_string(), "`Several` has 2 inputs (image, known), found 1");
}

#[test]
fn any_names_will_do() {
    let net = Names::new(1);
    let (three, two) = (Array2::ones((1, 3)), Array2::ones((1, 2)));
    let NamesOutputs { p_sum, self_, out_1, c } = net.predict(three.view(), two.view(), two.view()).unwrap();
    assert_eq!((p_sum, &out_1), (Array2::from_elem((1, 2), 2.0), &c));
    assert_eq!(self_.mapv(|x| x.max(0.0)), c);
}

fn data(n: usize) -> Dataset {
    let (images, known) = inputs(n);
    // A class that takes both inputs to tell.
    let label = |idx: usize| u32::from(images[[idx, 2, 2, 0]] > 0.0) + u32::from(known[[idx, 1]] > 0.0);
    let labels = (0..n).map(label).collect();
    Dataset::from_classes(images, labels, 3).unwrap().with_input(known).unwrap()
}

fn bits(net: &Several) -> Vec<u32> {
    net.core().parameters().values().iter().map(|value| value.to_bits()).collect()
}

#[test]
fn a_dataset_of_several_inputs_is_learnt_the_same_on_any_number_of_threads() {
    const BATCH: usize = 800;
    assert!(Several::TRAINING.macs * BATCH as u64 > 1_000_000, "too small to be shared among threads");
    let all = data(2700);
    let (train, test) = (all.take(3 * BATCH), all.subset(&(2400..2700).collect::<Vec<_>>()).unwrap());
    let (images, known) = inputs(2700);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut net = Several::new(1);
            let report =
                Trainer::from_recipe(Several::RECIPE).epochs(12).batch(BATCH).fit(&mut net, &train, &test).unwrap();
            let outputs = net.predict(images.view(), known.view()).unwrap();
            ((bits(&net), report.epochs[11].validation_loss, outputs), net)
        })
    };
    let (one, net) = run(1);
    for threads in [2, 3, 7] {
        assert!(run(threads).0 == one, "{threads} threads");
    }
    let after = evaluate(&net, &test, 64).unwrap();
    let confusion = confusion(&net, &test, 64).unwrap();
    assert_eq!((after.n, confusion.total(), confusion.accuracy()), (300, 300, after.accuracy));
    let before = evaluate(&Several::new(1), &test, 64).unwrap();
    assert!(after.loss < before.loss, "{before:?} {after:?}");
}

#[test]
fn a_run_goes_on_bit_for_bit_and_only_with_its_own_data() {
    let folder = tempfile::tempdir().unwrap();
    let train = data(200);
    let trainer = |epochs| Trainer::from_recipe(Several::RECIPE).epochs(epochs).batch(32);
    let mut whole = Several::new(1);
    trainer(4).fit(&mut whole, &train, None).unwrap();
    let mut parts = Several::new(1);
    trainer(2).out(folder.path()).fit(&mut parts, &train, None).unwrap();
    let mut resumed = Several::new(9);
    trainer(4).out(folder.path()).resume(true).fit(&mut resumed, &train, None).unwrap();
    assert_eq!(bits(&whole), bits(&resumed));

    let (images, known) = inputs(200);
    let labels: Vec<u32> = (0..200).map(|idx| train.label(idx).unwrap()).collect();
    let images = Dataset::from_classes(images, labels, 3).unwrap();
    let other = images.clone().with_input(&known + 0.5).unwrap();
    let error = trainer(5).out(folder.path()).resume(true).fit(&mut resumed, &other, None).unwrap_err().to_string();
    assert!(error.contains("training data: expected 200 images of [6, 6, 1] and [4] with digest"), "{error}");
    let refused = |data: &Dataset| trainer(1).fit(&mut Several::new(1), data, None).unwrap_err();
    assert!(matches!(refused(&images), Error::Count { what: "inputs", found: 1, .. }));
    let wide = refused(&images.clone().with_input(Array1::zeros(200)).unwrap());
    assert_eq!(wide.to_string(), "`known` has the wrong shape: expected [4] for each image, found a dataset of [1]");
}
