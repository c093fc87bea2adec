//! Which instruction set the kernels use: chosen once, at the first call.

#[cfg(target_arch = "aarch64")]
use crate::simd::Neon;
use crate::simd::Portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use crate::simd::Simd128;
#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512};
use std::sync::OnceLock;

/// The environment variable that forces an instruction set: `portable`, `simd128`, `neon`, `avx2` or `avx512`.
pub const ISA_VARIABLE: &str = "NETWRIGHT_ISA";

/// An instruction set that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isa {
    /// Arrays of eight floats, left to the compiler; runs everywhere.
    Portable,
    /// WebAssembly's 128-bit instructions, where a program is compiled with the target feature `simd128`.
    Simd128,
    /// NEON with fused multiply-add, every aarch64.
    Neon,
    /// AVX2 with fused multiply-add, x86-64.
    Avx2,
    /// The same, and AVX-512 in the inner loops of convolutions and dense layers, x86-64. Results have the bits of [`Isa::Avx2`].
    Avx512,
}

impl Isa {
    /// Every instruction set, slowest first.
    pub const ALL: &[Isa] = &[Isa::Portable, Isa::Simd128, Isa::Neon, Isa::Avx2, Isa::Avx512];

    /// The name that [`ISA_VARIABLE`] knows it by.
    pub const fn name(self) -> &'static str {
        match self {
            Isa::Portable => "portable",
            Isa::Simd128 => "simd128",
            Isa::Neon => "neon",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
        }
    }

    /// Whether this machine can run it.
    pub fn is_available(self) -> bool {
        self.level().is_some()
    }

    /// The proof that the machine has it, where it has.
    fn level(self) -> Option<Level> {
        match self {
            Isa::Portable => Some(Level::Portable(Portable)),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Isa::Simd128 => Some(Level::Simd128(Simd128)),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => Some(Level::Neon(Neon)),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => Avx2::detect().map(Level::Avx2),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => Avx512::detect().map(Level::Avx512),
            #[allow(unreachable_patterns, reason = "those of other targets")]
            Isa::Simd128 | Isa::Neon | Isa::Avx2 | Isa::Avx512 => None,
        }
    }
}

/// The instruction set in use: the best that the machine has, unless [`ISA_VARIABLE`] names another.
pub fn isa() -> Isa {
    level().isa()
}

/// What was wrong with the value of [`ISA_VARIABLE`], if anything; the best instruction set is in use then.
pub fn isa_problem() -> Option<String> {
    choice().problem.clone()
}

/// An instruction set together with the value that proves the machine has it.
#[derive(Clone, Copy)]
pub(crate) enum Level {
    Portable(Portable),
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Simd128(Simd128),
    #[cfg(target_arch = "aarch64")]
    Neon(Neon),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Level {
    fn isa(self) -> Isa {
        match self {
            Level::Portable(_) => Isa::Portable,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Level::Simd128(_) => Isa::Simd128,
            #[cfg(target_arch = "aarch64")]
            Level::Neon(_) => Isa::Neon,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(_) => Isa::Avx2,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(_) => Isa::Avx512,
        }
    }
}

/// The level that a kernel runs at.
pub(crate) fn level() -> Level {
    #[cfg(test)]
    if let Some(level) = FORCED.with(|forced| forced.get()).and_then(Isa::level) {
        return level;
    }
    choice().level
}

struct Choice {
    level: Level,
    problem: Option<String>,
}

fn choice() -> &'static Choice {
    static CHOICE: OnceLock<Choice> = OnceLock::new();
    CHOICE.get_or_init(|| {
        let request = std::env::var_os(ISA_VARIABLE).map(|value| value.to_string_lossy().into_owned());
        choose(request.as_deref())
    })
}

fn choose(request: Option<&str>) -> Choice {
    let best = Isa::ALL.iter().rev().find_map(|isa| isa.level()).unwrap_or(Level::Portable(Portable));
    let Some(request) = request.filter(|value| !value.is_empty()) else {
        return Choice { level: best, problem: None };
    };
    let names = || Isa::ALL.iter().map(|isa| isa.name()).collect::<Vec<_>>().join(", ");
    match Isa::ALL.iter().find(|isa| isa.name() == request) {
        None => {
            let problem = format!("{ISA_VARIABLE}={request} names no instruction set; expected one of {}", names());
            Choice { level: best, problem: Some(problem) }
        }
        Some(isa) => match isa.level() {
            Some(level) => Choice { level, problem: None },
            None => {
                let problem = format!("{ISA_VARIABLE}={request} asks for what this machine does not have");
                Choice { level: best, problem: Some(problem) }
            }
        },
    }
}

#[cfg(test)]
thread_local! {
    static FORCED: std::cell::Cell<Option<Isa>> = const { std::cell::Cell::new(None) };
}

/// Runs `test` on this thread once for every instruction set that the machine has.
#[cfg(test)]
pub(crate) fn on_every_isa(mut test: impl FnMut(Isa)) {
    for &isa in Isa::ALL.iter().filter(|isa| isa.is_available()) {
        FORCED.with(|forced| forced.set(Some(isa)));
        test(isa);
    }
    FORCED.with(|forced| forced.set(None));
}

/// The instruction set that this thread's test forces, for the threads that help it.
#[cfg(test)]
pub(crate) fn forced() -> Option<Isa> {
    FORCED.with(|forced| forced.get())
}

/// Runs `work` with an instruction set forced, or none.
#[cfg(test)]
pub(crate) fn with_forced(isa: Option<Isa>, work: impl FnOnce()) {
    let before = FORCED.with(|forced| forced.replace(isa));
    work();
    FORCED.with(|forced| forced.set(before));
}

/// Calls a function that is generic over [`crate::simd::Simd`] with the vectors of the level in use, compiled for it.
///
/// `dispatch!(body(x: &[f32], y: &mut [f32]))` stands for `body(simd, x, y)`. The body is `#[inline(always)]`, as all
/// it calls that touches a vector must be: that is how its instructions come to be those of the level. (A closure is not: where it
/// touches a vector, and is called by `from_fn` or `map`, each instruction may become a call.) `dispatch!(wide
/// body(…))` compiles it for AVX-512, too, which is worth its code only where rows of panels are worked on.
macro_rules! dispatch {
    (wide $body:ident($($arg:ident: $ty:ty),* $(,)?)) => {{
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
        fn avx512(simd: $crate::simd::Avx512, $($arg: $ty),*) {
            $body(simd, $($arg),*)
        }
        match $crate::isa::level() {
            #[cfg(target_arch = "x86_64")]
            $crate::isa::Level::Avx512(simd) => {
                // SAFETY: a value of type Avx512 exists only where the processor has all of these.
                unsafe { avx512(simd, $($arg),*) }
            }
            _ => $crate::isa::dispatch!($body($($arg: $ty),*)),
        }
    }};
    ($body:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)?) => {{
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn avx2(simd: $crate::simd::Avx2, $($arg: $ty),*) $(-> $ret)? {
            $body(simd, $($arg),*)
        }
        #[cfg(target_arch = "aarch64")]
        #[inline(never)]
        fn neon(simd: $crate::simd::Neon, $($arg: $ty),*) $(-> $ret)? {
            $body(simd, $($arg),*)
        }
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        #[inline(never)]
        fn simd128(simd: $crate::simd::Simd128, $($arg: $ty),*) $(-> $ret)? {
            $body(simd, $($arg),*)
        }
        #[inline(never)]
        fn portable(simd: $crate::simd::Portable, $($arg: $ty),*) $(-> $ret)? {
            $body(simd, $($arg),*)
        }
        match $crate::isa::level() {
            $crate::isa::Level::Portable(simd) => portable(simd, $($arg),*),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            $crate::isa::Level::Simd128(simd) => simd128(simd, $($arg),*),
            #[cfg(target_arch = "aarch64")]
            $crate::isa::Level::Neon(simd) => neon(simd, $($arg),*),
            #[cfg(target_arch = "x86_64")]
            $crate::isa::Level::Avx2(simd) => {
                // SAFETY: a value of type Avx2 exists only where the processor has AVX2 and FMA.
                unsafe { avx2(simd, $($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            $crate::isa::Level::Avx512(simd) => {
                // SAFETY: a value of type Avx512 exists only where the processor has AVX2 and FMA, too.
                unsafe { avx2(simd.narrow(), $($arg),*) }
            }
        }
    }};
}
pub(crate) use dispatch;

#[cfg(test)]
mod tests {
    use super::*;

    fn name(choice: &Choice) -> &'static str {
        choice.level.isa().name()
    }

    #[test]
    fn a_known_name_is_obeyed() {
        let choice = choose(Some("portable"));
        assert_eq!((name(&choice), choice.problem), ("portable", None));
    }

    #[test]
    fn every_set_that_is_there_can_be_forced_and_the_last_is_the_best() {
        let available: Vec<Isa> = Isa::ALL.iter().copied().filter(|isa| isa.is_available()).collect();
        for isa in Isa::ALL {
            let choice = choose(Some(isa.name()));
            assert_eq!(choice.problem.is_none(), available.contains(isa), "{isa:?}");
            assert_eq!(choice.level.isa() == *isa, available.contains(isa) || available.last() == Some(isa));
        }
        assert_eq!(Some(&choose(None).level.isa()), available.last());
        let by_target = match () {
            () if cfg!(target_arch = "aarch64") => Some(Isa::Neon),
            () if cfg!(all(target_arch = "wasm32", target_feature = "simd128")) => Some(Isa::Simd128),
            () => None,
        };
        assert!(by_target.is_none_or(|isa| available == [Isa::Portable, isa]), "{available:?}");
    }

    #[test]
    fn an_unknown_name_is_reported_and_the_best_used() {
        let choice = choose(Some("sse9"));
        assert_eq!(name(&choice), name(&choose(None)));
        assert!(choice.problem.is_some_and(|problem| problem.contains("sse9") && problem.contains("portable")));
    }

    #[test]
    fn an_empty_value_is_no_request() {
        assert_eq!(choose(Some("")).problem, None);
    }
}
