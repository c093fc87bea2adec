//! The networks that come with Netwright, compiled into this program.

use std::process::ExitCode;

use netwright_run::{Failure, Subject, Task};

/// Compiles the networks and makes their names known.
macro_rules! bundled {
    ($($name:ident => $network:ident,)*) => {
        $(netwright::model!(<$name>, int8 = true);)*

        /// The names of the compiled networks, in order.
        #[cfg(test)]
        pub(crate) const NAMES: &[&str] = &[$(stringify!($name)),*];

        /// Does a task with the network of that name; `None` if there is none.
        pub(crate) fn perform(name: &str, task: &Task) -> Option<Result<ExitCode, Failure>> {
            $(if name == stringify!($name) {
                return Some(netwright_run::perform::<$network>(&Subject::bundled(name), task));
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
    squeeze_excite => SqueezeExcite,
    squeezenet_digits => SqueezeNetDigits,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiled_networks_are_bundled() {
        assert!(NAMES.iter().all(|name| netwright_models::names().any(|bundled| bundled == *name)));
    }
}
