//! The networks that come with Netwright, compiled into this program.

use netwright::Trainable;

/// Compiles the networks and makes their names known.
macro_rules! bundled {
    ($($name:ident => $network:ident,)*) => {
        $(netwright::model!(<$name>);)*

        /// The names of the compiled networks, in order.
        pub(crate) const NAMES: &[&str] = &[$(stringify!($name)),*];

        /// Does a job with the network of that name; `None` if there is none.
        pub(crate) fn with<J: Job>(name: &str, job: J) -> Option<J::Output> {
            $(if name == stringify!($name) {
                return Some(job.run::<$network>());
            })*
            None
        }
    };
}

bundled! {
    lenet => LeNet,
    lenet300_100 => LeNet300_100,
    lenet5 => LeNet5,
    lenet_caffe => LeNetCaffe,
}

/// Work that is the same for every network.
pub(crate) trait Job {
    /// What comes of it.
    type Output;

    /// Does the work with the network `N`.
    fn run<N: Trainable>(self) -> Self::Output;
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Name;

    impl Job for Name {
        type Output = &'static str;

        fn run<N: Trainable>(self) -> Self::Output {
            N::SPEC.name
        }
    }

    #[test]
    fn compiled_networks_are_bundled() {
        assert!(NAMES.iter().all(|name| netwright_models::names().any(|bundled| bundled == *name)));
        assert_eq!(
            NAMES.iter().map(|name| with(name, Name)).collect::<Option<Vec<_>>>().unwrap(),
            ["LeNet", "LeNet300_100", "LeNet5", "LeNetCaffe"]
        );
        assert_eq!(with("lenet6", Name), None);
    }
}
