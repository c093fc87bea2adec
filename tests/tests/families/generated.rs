//! What the generated code of a family computes in single precision, against torchvision's model of it.

use ndarray::{ArrayViewD, IxDyn};
use netwright::Network;
use netwright::engine::{self, Core};

use crate::formula;
use crate::values::{Logits, places, reference_of, values_of};

/// Single precision, through up to 121 layers with weights that let numbers grow, against scores in f64: in units of the
/// scores' root mean square.
const TOLERANCE: f64 = 2e-4;

macro_rules! families {
    ($($key:ident: <$text:ident> $(, $setting:ident = $value:tt)*;)*) => {
        $(
            #[test]
            fn $key() {
                netwright::model!(<$text> as Net $(, $setting = $value)*);
                agrees::<Net>(stringify!($key));
            }
        )*
    };
}

// At the sizes of the references.
families! {
    lenet300_100: <lenet300_100>;
    squeezenet1_0: <squeezenet>, version = "1.0", size = 53;
    squeezenet1_1: <squeezenet>, version = "1.1", size = 49;
    resnet18: <resnet>, depth = "18", size = 64;
    googlenet: <googlenet>, size = 80;
    mobilenet_v2: <mobilenet_v2>, size = 64;
    densenet121: <densenet>, size = 64;
}

/// Outputs are probabilities, of which only the differences between scores can be told. The last layer's parameters are
/// divided by about the scores' size, a power of two, so that no probability vanishes.
fn agrees<N: Network>(key: &str) {
    let family = reference_of(key);
    let Logits { count, mean, norm, picked, .. } = &family.logits;
    let rms = norm / (*count as f64).sqrt();
    let scale = 2_f64.powi(-(rms.log2().ceil() as i32));
    let last = N::SPEC.parameters.iter().rfind(|parameter| parameter.trained && parameter.name.ends_with(".weight"));
    let last = last.and_then(|parameter| parameter.name.strip_suffix("weight")).unwrap();

    let mut network = N::from_core(Core::new(N::SPEC, 0));
    for parameter in N::SPEC.parameters {
        let mut values: Vec<f32> =
            values_of(&format!("{key}/{}", parameter.name), parameter.shape).into_iter().map(|x| x as f32).collect();
        if parameter.name.starts_with(last) {
            values.iter_mut().for_each(|value| *value *= scale as f32);
        }
        let values = ArrayViewD::from_shape(IxDyn(parameter.shape), &values).unwrap();
        network.core_mut().parameters_mut().set(parameter.name, values).unwrap();
    }
    let image = formula::uniform(&format!("{key}/image"), N::SPEC.inputs[0].len(), -1.0, 1.0);
    let mut probabilities = vec![f32::NAN; *count];
    engine::predict_into(&network, &image, &mut probabilities).unwrap();

    let sum: f64 = probabilities.iter().copied().map(f64::from).sum();
    assert!((sum - 1.0).abs() < 1e-5, "{key}: the probabilities come to {sum}");
    let scores: Vec<f64> = probabilities.iter().map(|&probability| f64::from(probability).ln() / scale).collect();
    // One score is taken for granted: softmax forgets it.
    let shift = picked[0] - scores[0];
    let close = |what: &str, found: f64, expected: f64| {
        let allowed = TOLERANCE * rms;
        // Not `>`: a NaN is not close to anything.
        assert!((found - expected).abs() <= allowed, "{key}: the {what} is {found:e}, torchvision's {expected:e}");
    };
    close("mean", scores.iter().sum::<f64>() / *count as f64 + shift, *mean);
    for (place, &expected) in places(*count).into_iter().zip(picked) {
        close(&format!("score {place}"), scores[place] + shift, expected);
    }
}
