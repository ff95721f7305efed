use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Does `work` for 0..`jobs` on at most `threads` threads, this one among them, and gives the
/// results in order. A thread the system refuses is done without.
pub(crate) fn spread<T: Send>(threads: usize, jobs: usize, work: &(impl Fn(usize) -> T + Sync)) -> Vec<T> {
    if threads <= 1 || jobs <= 1 {
        return (0..jobs).map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let job = next.fetch_add(1, Ordering::Relaxed);
            if job >= jobs {
                return done;
            }
            done.push((job, work(job)));
        }
    };
    let mut done = thread::scope(|scope| {
        let helpers =
            (1..threads.min(jobs)).filter_map(|_| thread::Builder::new().spawn_scoped(scope, take).ok());
        let helpers: Vec<_> = helpers.collect();
        let mut done = take();
        for helper in helpers {
            done.extend(helper.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(job, _)| *job);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_once_and_in_order() {
        for (threads, jobs) in [(1, 0), (1, 5), (4, 0), (4, 1), (4, 3), (3, 1000)] {
            assert_eq!(spread(threads, jobs, &|job| job * 2), (0..jobs).map(|j| j * 2).collect::<Vec<_>>());
        }
    }
}
