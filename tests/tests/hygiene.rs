//! Generated code in hostile surroundings: nothing of the user's scope is used, nothing is added to it, nobody is warned.

#![deny(warnings, missing_docs, unused)]
#![forbid(unsafe_code)]

/// No prelude, and names of the prelude with other meanings.
#[no_implicit_prelude]
pub mod bare {
    #![allow(dead_code)]

    /// Not what generated code means by it.
    pub struct Result;
    /// Nor this.
    pub struct Option;
    /// Nor this.
    pub struct Vec;
    /// Nor these.
    pub struct Some;
    /// Nor these.
    pub struct Ok;
    /// Nor this.
    pub trait Default {}
    /// Nor this module.
    pub mod rt {}
    /// Nor this one.
    pub mod core {}
    /// Nor this one.
    pub mod std {}

    ::netwright::model!("../nets/plain.net");
    ::netwright::model!("../nets/plain.net" as Wide, width = 32, r#type = 5);
    ::netwright::model!(<lenet> as Bundled, classes = 4);
    ::netwright::model! {
        network Normal {
            input image: [6, 6, 1];
            scores = image -> conv(3, kernel: 3) -> batch_norm -> relu -> dropout(0.5) -> flatten -> dense(2);
            output y = scores -> softmax;
            train { loss: cross_entropy(scores); }
        }
    }
}

/// Constants, macros and functions with the names that generated code has for its own.
pub mod crowded {
    #![allow(dead_code, unused_macros, non_upper_case_globals)]

    /// A constant with the name of a layer.
    pub const DENSE1_WEIGHT: u8 = 1;
    /// A constant in the place of a static.
    pub const SPEC: u8 = 2;
    fn stage_0() {}
    macro_rules! quote {
        () => {};
    }
    macro_rules! const_block {
        () => {};
    }

    netwright::model! {
        /// Two networks in a module, with `quotes`, "marks" and a backslash \n in the comment.
        network First {
            input x: [4];
            output y = x -> dense(3);
            train { loss: mean_squared_error(y); }
        }
    }
    netwright::model! {
        network Second {
            input x: [4];
            output y = x -> dense(3);
            train { loss: mean_squared_error(y); }
        }
    }
}

/// Names that Rust, the generated code and its arguments have use for.
pub mod names {
    netwright::model!("../stages/names.net");
    netwright::model!("../stages/same_names.net");
    netwright::model! {
        network Layers {
            input self: [3];
            match = self -> dense(3) as Self;
            a = match -> dense(3) as c -> dense(3) as core -> dense(3) as chunk -> dense(3) as AT_C;
            b = a -> dense(3) as at_c -> dense(3) as parameters -> dense(3) as SPEC -> dense(3) as spec;
            output fn = b -> dense(3) as d_spec -> dense(3) as type -> dense(3) as SELF;
            train { loss: mean_squared_error(fn); }
        }
    }
}

/// Files as other systems save them.
pub mod windows {
    netwright::model!("../nets/windows.net");
}

use netwright::ndarray::{Array2, Array4};

#[test]
fn networks_without_a_prelude_run() {
    let x = Array2::zeros((3, 4));
    assert_eq!(bare::Plain::new(1).predict(x.view()).unwrap().dim(), (3, 3));
    assert_eq!(bare::Wide::new(1).predict(x.view()).unwrap().dim(), (3, 5));
    assert_eq!(bare::Bundled::new(1).predict(Array4::zeros((2, 28, 28, 1)).view()).unwrap().dim(), (2, 4));
    let mut normal = bare::Normal::new(1);
    let mut gradients = bare::Normal::gradients().unwrap();
    let images = Array4::ones((4, 6, 6, 1));
    let loss = normal.loss_and_gradients(images.view(), &[0, 1, 0, 1], &mut gradients).unwrap();
    assert!(loss.loss.is_finite());
}

#[test]
fn crowded_modules_keep_their_names() {
    assert_eq!((crowded::DENSE1_WEIGHT, crowded::SPEC), (1, 2));
    assert_eq!(crowded::First::spec().fingerprint.len(), crowded::Second::spec().fingerprint.len());
    assert_eq!(crowded::First::PARAMETERS, 15);
}

#[test]
fn layers_may_have_any_name() {
    let net = names::Layers::new(3);
    for layer in ["Self", "c", "core", "chunk", "AT_C", "at_c", "parameters", "SPEC", "spec", "d_spec", "type", "SELF"]
    {
        assert_eq!(net.param(&format!("{layer}.weight")).unwrap().shape(), [3, 3], "{layer}");
    }
    assert_eq!(net.predict(Array2::ones((2, 3)).view()).unwrap().dim(), (2, 3));
    assert_eq!(names::Self_::new(1).predict(Array2::ones((2, 4)).view()).unwrap().dim(), (2, 3));
    let mut twice = names::lower_case::new(1);
    let mut gradients = names::lower_case::gradients().unwrap();
    assert!(twice.loss_and_gradients(Array2::ones((2, 4)).view(), &[0, 2], &mut gradients).is_ok());
}

#[test]
fn a_network_lives_in_a_function() {
    netwright::model! {
        network Local {
            input x: [2];
            scores = x -> dense(2);
            output y = scores;
            output sum = scores -> dense(1) as all;
            train { loss: cross_entropy(scores); }
        }
    }
    let mut copy = Local::new(5).clone();
    let LocalOutputs { y, sum } = copy.predict(Array2::zeros((1, 2)).view()).unwrap();
    assert_eq!((y.dim(), sum.dim()), ((1, 2), (1, 1)));
    assert!(y.iter().chain(&sum).all(|y| *y == 0.0));
    let mut gradients = Local::gradients().unwrap();
    let loss = copy.loss_and_gradients(Array2::ones((4, 2)).view(), &[0, 1, 1, 0], &mut gradients).unwrap();
    assert!(loss.loss.is_finite() && gradients.values().iter().any(|gradient| *gradient != 0.0));
    assert!(format!("{copy:?}").starts_with("Local"));
}

#[test]
fn byte_order_marks_and_line_ends_are_no_matter() {
    assert_eq!(windows::Windows::PARAMETERS, 10);
}
