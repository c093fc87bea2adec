//! The system's allocator, counted: for test binaries of one test each, since it is the whole process's.

#![allow(unsafe_code, reason = "a global allocator is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The system's allocator, with a count of the calls that ask for memory, and of the bytes that are lent.
pub struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static LENT: AtomicUsize = AtomicUsize::new(0);

/// Whether calls are counted now.
static COUNTS: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether this thread's calls do not count. Neither made nor dropped by code that could allocate.
    static IS_EXEMPT: Cell<bool> = const { Cell::new(false) };
}

/// Counts calls from now on, or no longer.
pub fn count_calls(counts: bool) {
    COUNTS.store(counts, Ordering::Relaxed);
}

/// Never again counts the calls of this thread, which ends when it likes.
pub fn exempt_this_thread() {
    IS_EXEMPT.set(true);
}

/// Calls that were counted.
#[must_use]
pub fn calls() -> usize {
    CALLS.load(Ordering::Relaxed)
}

/// Bytes that all threads hold, counted from the process's start.
#[must_use]
pub fn lent() -> usize {
    LENT.load(Ordering::Relaxed)
}

fn lend(bytes: usize) {
    LENT.fetch_add(bytes, Ordering::Relaxed);
    if COUNTS.load(Ordering::Relaxed) && !IS_EXEMPT.try_with(Cell::get).unwrap_or(true) {
        CALLS.fetch_add(1, Ordering::Relaxed);
    }
}

fn take_back(bytes: usize) {
    LENT.fetch_sub(bytes, Ordering::Relaxed);
}

// SAFETY: every call is handed to the system's allocator as it is; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        lend(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        lend(layout.size());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`, which is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        lend(new_size);
        take_back(layout.size());
        // SAFETY: the caller keeps the contract of `realloc`, which is the same.
        unsafe { System.realloc(pointer, layout, new_size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        take_back(layout.size());
        // SAFETY: the caller keeps the contract of `dealloc`, which is the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}
