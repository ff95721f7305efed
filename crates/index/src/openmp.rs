//! Keeps OpenMP, which faiss uses inside, to the thread that calls. A search is spread over threads
//! by us, and only if it is large; OpenMP's own teams wait for each other by spinning, which on
//! machines with other work to do made a batch of 64 searches ten times as slow as 64 single ones.
#![expect(unsafe_code, reason = "the faiss crate doesn't wrap OpenMP's two functions for this")]

use std::ffi::c_int;

// From libgomp, which faiss-sys links (OpenMP 5.2 specification, sections 18.2.1 and 18.2.3).
unsafe extern "C" {
    fn omp_set_num_threads(threads: c_int);
    fn omp_get_max_threads() -> c_int;
}

/// Does `work` with OpenMP held to this thread, and gives OpenMP its threads back after.
pub(crate) fn on_this_thread<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: both only read or set a number that belongs to the calling thread, whatever it is.
    let _restore = Restore(unsafe { omp_get_max_threads() });
    unsafe { omp_set_num_threads(1) };
    work()
}

struct Restore(c_int);

impl Drop for Restore {
    fn drop(&mut self) {
        // SAFETY: as above; the number is one that OpenMP gave.
        unsafe { omp_set_num_threads(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_openmp_to_one_thread_and_lets_it_go() {
        let threads = || unsafe { omp_get_max_threads() };
        unsafe { omp_set_num_threads(3) };
        assert_eq!(on_this_thread(threads), 1);
        assert_eq!(threads(), 3);
        let panicked = std::panic::catch_unwind(|| on_this_thread(|| panic!("inside")));
        assert_eq!((panicked.is_err(), threads()), (true, 3));
    }
}
