//! A crew of threads that share out the parts of single steps: for batches too small to give every thread images of its
//! own.
//!
//! One thread at a time leads the crew ([`lead`]); the steps that it runs meanwhile may cut their work into parts that do
//! not depend on each other (`share`). Waking a thread takes longer than most layers do, so the crew's members spin for
//! a moment after their last part, and only then sleep. A part is claimed by whoever is free, the leader included: a
//! member that sleeps, or that the system has put aside, is not waited for. What a part computes does not depend on who
//! claims it, nor on how many parts there are, so that results are the same to the bit with any number of threads.
//!
//! # How it stays sound
//!
//! The job, a borrowed closure, is published by storing a `Ticket` with a bit for each of its parts. A member reads the
//! job only after it has claimed a part by a compare-and-swap that takes its bit away, which synchronises with the leader's
//! store; the leader does not return from `share`, and so does not write the next job, before every part has been
//! counted as done, which synchronises with the members' reads. It does no harm if the ticket that a member has looked at
//! was one of an earlier job: that the swap succeeds means that the part is left of the present one.

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// Multiply-adds of a part, at least: handing one over and waiting for it costs about half a microsecond, in which
/// a core does some twenty thousand (`cargo run --release -p netwright-kernels --example calibrate`). In tests, and more so under
/// Miri, small steps are cut, too, so that random geometries are shared.
pub const WORTH_A_HAND: u64 = if cfg!(miri) {
    600
} else if cfg!(test) {
    2_000
} else {
    60_000
};

/// The most threads of a crew, the leader included, and the most parts of a step.
const MOST: usize = 32;

/// How long a member waits for a part before it sleeps: longer than what a leader does between two predictions.
pub const SPIN: Duration = Duration::from_micros(50);

/// Rounds of spinning between two looks at the clock.
const ROUNDS: u32 = 64;

/// Rounds after which a leader that waits lets others have its processor.
const PATIENCE: u32 = 4096;

thread_local! {
    /// The threads that this one leads, itself included; 0 where it leads none.
    static HANDS: Cell<usize> = const { Cell::new(0) };
}

/// Does `work`, leading a crew of so many threads (this one included) if no other thread leads one.
///
/// The crew's members are started when they are first asked for; where a thread cannot be had there are fewer.
pub fn lead<R>(threads: usize, work: impl FnOnce() -> R) -> R {
    let _busy = Busy::new();
    if threads < 2 || HANDS.get() > 0 || CREW.led.swap(true, Ordering::Acquire) {
        return work();
    }
    let _lead = Lead;
    let hands = CREW.muster(threads.min(MOST));
    HANDS.set(hands);
    work()
}

/// Gives the crew back, also where the work has panicked.
struct Lead;

impl Drop for Lead {
    fn drop(&mut self) {
        HANDS.set(0);
        CREW.led.store(false, Ordering::Release);
    }
}

/// Threads within [`lead`]: where there are several, each has work of its own, and none shares.
static BUSY: AtomicUsize = AtomicUsize::new(0);

struct Busy;

impl Busy {
    fn new() -> Busy {
        BUSY.fetch_add(1, Ordering::Relaxed);
        Busy
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        BUSY.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many parts a step of so many multiply-adds, or as much other work, is worth being cut into: one where this
/// thread leads no crew.
pub(crate) fn parts(work: u64) -> usize {
    parts_for(work, HANDS.get(), BUSY.load(Ordering::Relaxed))
}

fn parts_for(work: u64, hands: usize, busy: usize) -> usize {
    if hands < 2 || busy > 1 { 1 } else { (work / WORTH_A_HAND).clamp(1, hands as u64) as usize }
}

/// Calls `run` for every part, on the crew that this thread leads or else one part after the other.
///
/// # Panics
/// Where `run` does, once every part has ended.
pub(crate) fn share(parts: usize, run: &(dyn Fn(usize) + Sync)) {
    let hands = HANDS.get();
    if parts < 2 || hands < 2 || parts > MOST {
        return (0..parts).for_each(run);
    }
    #[cfg(test)]
    let forced = crate::isa::forced();
    #[cfg(test)]
    let run = &|part| crate::isa::with_forced(forced, || run(part));
    // A step within a part has this thread for itself.
    HANDS.set(0);
    let failure = CREW.run(hands, parts, run);
    HANDS.set(hands);
    if let Some(failure) = failure {
        resume_unwind(failure);
    }
}

/// Cuts `y` into `parts` of whole units of `unit` floats, and calls `run` with the number of each part's first unit and
/// the part, on the crew that this thread leads.
pub(crate) fn share_units(parts: usize, unit: usize, y: &mut [f32], run: &(dyn Fn(usize, &mut [f32]) + Sync)) {
    let units = y.len() / unit.max(1);
    if parts < 2 || units < 2 {
        return run(0, y);
    }
    let parts = parts.min(units).min(MOST);
    let y = Floats::new(y);
    share(parts, &|part| {
        let (first, end) = (units * part / parts, units * (part + 1) / parts);
        // SAFETY: parts are disjoint ranges of units, all within the slice, which `share` does not outlive.
        run(first, unsafe { std::slice::from_raw_parts_mut(y.at(first * unit), (end - first) * unit) });
    });
}

/// Floats that the parts of a step write, each others.
#[derive(Clone, Copy)]
pub(crate) struct Floats(*mut f32);

// SAFETY: it is no more than an address; who writes there vouches for it that no other part does.
unsafe impl Sync for Floats {}

impl Floats {
    pub(crate) fn new(floats: &mut [f32]) -> Floats {
        Floats(floats.as_mut_ptr())
    }

    /// The float at an offset, which is within the slice for whoever reads or writes it.
    pub(crate) fn at(&self, offset: usize) -> *mut f32 {
        self.0.wrapping_add(offset)
    }
}

/// What [`share`] has the crew do. The lifetime is that of the call.
#[derive(Clone, Copy)]
struct Job(*const (dyn Fn(usize) + Sync));

struct Crew {
    /// Whether a thread leads.
    led: AtomicBool,
    /// The [`Ticket`] of the job.
    ticket: AtomicU64,
    job: UnsafeCell<Option<Job>>,
    /// Parts of the job that have ended.
    done: AtomicUsize,
    /// What a part panicked with.
    failure: Mutex<Option<Box<dyn Any + Send>>>,
    members: Mutex<Vec<(Arc<Member>, Thread)>>,
    /// Members that sleep, or are about to.
    asleep: AtomicUsize,
}

// SAFETY: `job` is written by the leader alone, of whom there is one, and read by those who have claimed one of its
// parts, for which the leader waits before it writes again; the rest is atomic or locked.
unsafe impl Sync for Crew {}

static CREW: Crew = Crew {
    led: AtomicBool::new(false),
    ticket: AtomicU64::new(0),
    job: UnsafeCell::new(None),
    done: AtomicUsize::new(0),
    failure: Mutex::new(None),
    members: Mutex::new(Vec::new()),
    asleep: AtomicUsize::new(0),
};

/// A thread of the crew besides the leader.
struct Member {
    /// Its number, from 1 on.
    number: usize,
    asleep: AtomicBool,
}

/// What a job's parts are claimed from: a bit for each that is left, and how many threads may claim one.
#[derive(Clone, Copy)]
struct Ticket(u64);

impl Ticket {
    /// The ticket of a job of which nothing has been claimed.
    fn new(parts: usize, hands: usize) -> Ticket {
        Ticket(((hands as u64) << MOST) | ((1 << parts) - 1))
    }

    fn left(self) -> u64 {
        self.0 & ((1 << MOST) - 1)
    }

    /// The part that the member of this number had better take: its own, in the hope that what it reads is where the
    /// member has written it before; then the last one, whose owner is the last to come.
    fn part_for(self, number: usize) -> Option<usize> {
        let (left, hands) = (self.left(), (self.0 >> MOST) as usize);
        if left == 0 || number >= hands {
            return None;
        }
        let is_own_left = left >> number & 1 == 1;
        Some(if is_own_left { number } else { (u64::BITS - 1 - left.leading_zeros()) as usize })
    }

    /// The ticket once a part has been claimed.
    fn without(self, part: usize) -> Ticket {
        Ticket(self.0 & !(1 << part))
    }
}

impl Crew {
    /// Sees to it that there are as many threads, and wakes them; returns how many there are, the leader included.
    fn muster(&'static self, threads: usize) -> usize {
        let mut members = lock(&self.members);
        while members.len() + 1 < threads {
            let member = Arc::new(Member { number: members.len() + 1, asleep: AtomicBool::new(false) });
            let own = Arc::clone(&member);
            let builder = std::thread::Builder::new().name("netwright-crew".to_owned());
            let Ok(handle) = builder.spawn(move || self.serve(&own)) else { break };
            members.push((member, handle.thread().clone()));
        }
        let hands = threads.min(members.len() + 1);
        drop(members);
        self.wake(hands);
        hands
    }

    /// Wakes those who sleep, of the first so many threads.
    fn wake(&self, hands: usize) {
        if self.asleep.load(Ordering::SeqCst) == 0 {
            return;
        }
        for (member, thread) in lock(&self.members).iter().filter(|(member, _)| member.number < hands) {
            if member.asleep.swap(false, Ordering::SeqCst) {
                self.asleep.fetch_sub(1, Ordering::SeqCst);
                thread.unpark();
            }
        }
    }

    /// Has a job done; returns what one of its parts has panicked with.
    fn run(&self, hands: usize, parts: usize, run: &(dyn Fn(usize) + Sync)) -> Option<Box<dyn Any + Send>> {
        // SAFETY: only the lifetime changes, and nobody follows the pointer once this function has returned: members do so
        // for the parts that they have claimed, and all of them are waited for.
        let run: *const (dyn Fn(usize) + Sync) = unsafe { std::mem::transmute(std::ptr::from_ref(run)) };
        // SAFETY: this thread leads, and every part of the job before has ended, so that nobody reads it.
        unsafe { self.job.get().write(Some(Job(run))) };
        self.done.store(0, Ordering::Relaxed);
        self.ticket.store(Ticket::new(parts, hands).0, Ordering::SeqCst);
        self.wake(hands);
        self.work(0);
        let mut rounds = 0;
        while self.done.load(Ordering::Acquire) < parts {
            rounds += 1;
            if rounds < PATIENCE { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
        lock(&self.failure).take()
    }

    /// Claims parts and does them until there are none.
    fn work(&self, number: usize) {
        while let Some(part) = self.claim(number) {
            // SAFETY: the part has been claimed and not counted as done, so that the leader does not write.
            let job = unsafe { *self.job.get() };
            if let Some(Job(run)) = job {
                // SAFETY: for the same reason the leader is still within `run`, which borrows the closure.
                let run = unsafe { &*run };
                if let Err(failure) = catch_unwind(AssertUnwindSafe(|| run(part))) {
                    lock(&self.failure).get_or_insert(failure);
                }
            }
            self.done.fetch_add(1, Ordering::Release);
        }
    }

    fn claim(&self, number: usize) -> Option<usize> {
        let mut now = self.ticket.load(Ordering::Relaxed);
        loop {
            let part = Ticket(now).part_for(number)?;
            let after = Ticket(now).without(part).0;
            match self.ticket.compare_exchange_weak(now, after, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Some(part),
                Err(other) => now = other,
            }
        }
    }

    /// What a member does all its life.
    fn serve(&self, member: &Member) {
        let mut since = Instant::now();
        let mut rounds = 0;
        loop {
            if Ticket(self.ticket.load(Ordering::Relaxed)).part_for(member.number).is_some() {
                self.work(member.number);
                (since, rounds) = (Instant::now(), 0);
                continue;
            }
            std::hint::spin_loop();
            rounds += 1;
            if rounds % ROUNDS == 0 && since.elapsed() > SPIN {
                self.sleep(member);
                (since, rounds) = (Instant::now(), 0);
            }
        }
    }

    /// Sleeps until somebody wakes this member, unless there is work after all.
    fn sleep(&self, member: &Member) {
        member.asleep.store(true, Ordering::SeqCst);
        self.asleep.fetch_add(1, Ordering::SeqCst);
        // A leader publishes first and then looks who sleeps, a member does it the other way round: one sees the other.
        if Ticket(self.ticket.load(Ordering::SeqCst)).part_for(member.number).is_some() {
            if member.asleep.swap(false, Ordering::SeqCst) {
                self.asleep.fetch_sub(1, Ordering::SeqCst);
            }
            return;
        }
        while member.asleep.load(Ordering::SeqCst) {
            std::thread::park();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    /// The crew is one for all tests of this process; those that need it wait for each other.
    static TURN: Mutex<()> = Mutex::new(());

    const JOBS: usize = if cfg!(miri) { 20 } else { 2000 };

    #[test]
    fn every_part_runs_once_and_before_the_end() {
        let _turn = lock(&TURN);
        lead(3, || {
            for job in 0..JOBS {
                let parts = 1 + job % 7;
                let counts: Vec<AtomicU32> = (0..parts).map(|_| AtomicU32::new(0)).collect();
                share(parts, &|part| {
                    counts[part].fetch_add(1, Ordering::Relaxed);
                });
                assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
            }
        });
        assert_eq!(HANDS.get(), 0);
    }

    #[test]
    fn members_wake_up_again() {
        let _turn = lock(&TURN);
        let sum = AtomicU32::new(0);
        for _ in 0..5 {
            std::thread::sleep(4 * SPIN);
            lead(3, || {
                share(6, &|part| {
                    sum.fetch_add(part as u32, Ordering::Relaxed);
                })
            });
        }
        assert_eq!(sum.into_inner(), 5 * 15);
    }

    #[test]
    #[cfg_attr(target_family = "wasm", ignore = "there are no threads")]
    fn members_take_part() {
        let _turn = lock(&TURN);
        // Two parts that wait for each other, until one of them has waited for too long.
        let (arrived, deadline) = (AtomicU32::new(0), Instant::now() + Duration::from_secs(60));
        lead(2, || {
            share(2, &|_| {
                arrived.fetch_add(1, Ordering::SeqCst);
                while arrived.load(Ordering::SeqCst) < 2 {
                    assert!(Instant::now() < deadline, "nobody came");
                    std::thread::yield_now();
                }
            })
        });
        assert_eq!(arrived.into_inner(), 2);
    }

    #[test]
    #[cfg_attr(not(panic = "unwind"), ignore = "a panic ends the process")]
    fn a_part_that_panics_ends_the_step_once_all_have_ended() {
        let _turn = lock(&TURN);
        let ended = AtomicU32::new(0);
        let result = catch_unwind(AssertUnwindSafe(|| {
            lead(2, || {
                share(4, &|part| {
                    assert!(part != 2, "this one fails");
                    ended.fetch_add(1, Ordering::Relaxed);
                })
            })
        }));
        assert!(result.is_err());
        assert_eq!(ended.load(Ordering::Relaxed), 3);
        assert_eq!(HANDS.get(), 0);
        // The crew is none the worse for it.
        lead(2, || {
            share(4, &|_| {
                ended.fetch_add(1, Ordering::Relaxed);
            })
        });
        assert_eq!(ended.into_inner(), 7);
    }

    #[test]
    #[cfg(target_family = "wasm")]
    fn without_threads_the_leader_works_alone() {
        let _turn = lock(&TURN);
        lead(4, || assert_eq!((HANDS.get(), parts(u64::MAX)), (1, 1)));
    }

    #[test]
    #[cfg_attr(target_family = "wasm", ignore = "there are no threads")]
    fn one_thread_leads_at_a_time_and_the_others_work_alone() {
        let _turn = lock(&TURN);
        lead(2, || {
            assert_eq!(HANDS.get(), 2);
            assert_eq!(parts(u64::MAX), 2);
            std::thread::scope(|scope| {
                scope.spawn(|| lead(2, || assert_eq!((HANDS.get(), parts(u64::MAX)), (0, 1))));
            });
        });
        assert_eq!(parts(u64::MAX), 1);
    }

    #[test]
    fn units_are_shared_out_whole() {
        let _turn = lock(&TURN);
        for (units, parts) in [(1, 4), (5, 2), (7, 3), (32, 32), (64, 64)] {
            let mut y = vec![0.0; units * 3];
            lead(3, || {
                share_units(parts, 3, &mut y, &|first, y| {
                    for (i, unit) in y.chunks_exact_mut(3).enumerate() {
                        unit.fill((first + i + 1) as f32);
                    }
                })
            });
            assert!(y.iter().enumerate().all(|(i, &y)| y == (i / 3 + 1) as f32), "{units} units, {parts} parts: {y:?}");
        }
    }

    #[test]
    fn members_prefer_their_own_parts() {
        let ticket = Ticket::new(4, 3);
        assert_eq!([0, 1, 2, 3].map(|number| ticket.part_for(number)), [Some(0), Some(1), Some(2), None]);
        let rest = ticket.without(1);
        assert_eq!([0, 1, 2].map(|number| rest.part_for(number)), [Some(0), Some(3), Some(2)]);
        let none = rest.without(0).without(2).without(3);
        assert_eq!([0, 1, 2].map(|number| none.part_for(number)), [None; 3]);
        let all = Ticket::new(MOST, MOST);
        assert_eq!((all.left().count_ones() as usize, all.part_for(MOST - 1)), (MOST, Some(MOST - 1)));
    }

    #[test]
    fn little_work_stays_together() {
        let parts = |shares, hands, busy| parts_for(shares * WORTH_A_HAND, hands, busy);
        assert_eq!([0, 1, 2, 3, 9].map(|shares| parts(shares, 4, 1)), [1, 1, 2, 3, 4]);
        // Alone, and where others have work of their own.
        assert_eq!([parts(9, 1, 1), parts(9, 0, 0), parts(9, 4, 2)], [1; 3]);
    }
}
