use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use super::*;

fn pool(threads: usize, waiting: [usize; Lane::COUNT]) -> Arc<Pool> {
    let metrics = Metrics::new().unwrap();
    Arc::new(Pool::start(PoolOptions { threads, waiting }, &metrics).unwrap())
}

/// Holds one thread until the sender is dropped; resolves once the thread is held.
async fn hold(pool: &Arc<Pool>, lane: Lane) -> (mpsc::Sender<()>, tokio::task::JoinHandle<()>) {
    let (release, held) = mpsc::channel::<()>();
    let (begun, running) = oneshot::channel();
    let pool = pool.clone();
    let job = tokio::spawn(async move {
        let work = move |_: &Cancellation| {
            begun.send(()).unwrap();
            held.recv().unwrap_err();
        };
        pool.run(lane, work).await.unwrap();
    });
    running.await.unwrap();
    (release, job)
}

/// Polls once, so that the job is queued, and leaves it pending.
async fn queue<F: Future + Unpin>(job: &mut F) {
    tokio::select! { biased; _ = job => panic!("the thread is held"), () = std::future::ready(()) => {} }
}

#[tokio::test]
async fn live_work_overtakes_all_that_waits() {
    let pool = pool(1, [4, 4, 4]);
    let (release, holder) = hold(&pool, Lane::Live).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let job = |lane: Lane| {
        let (pool, order) = (pool.clone(), order.clone());
        Box::pin(async move { pool.run(lane, move |_| order.lock().unwrap().push(lane)).await })
    };
    let mut jobs = [Lane::Batch, Lane::Lookup, Lane::Batch, Lane::Live].map(job);
    for job in &mut jobs {
        queue(job).await;
    }
    drop(release);
    holder.await.unwrap();
    for job in jobs {
        job.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), [Lane::Live, Lane::Lookup, Lane::Batch, Lane::Batch]);
}

#[tokio::test]
async fn a_lookup_waits_for_no_more_than_a_few_live_jobs() {
    let most = queues::MAX_LIVE_BEFORE_LOOKUP;
    let pool = pool(1, [4 * most, 4, 4]);
    let (release, holder) = hold(&pool, Lane::Live).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let job = |lane: Lane| {
        let (pool, order) = (pool.clone(), order.clone());
        Box::pin(async move { pool.run(lane, move |_| order.lock().unwrap().push(lane)).await })
    };
    let mut lanes = vec![Lane::Live; 3 * most];
    lanes.extend([Lane::Lookup, Lane::Lookup]);
    let mut jobs: Vec<_> = lanes.into_iter().map(job).collect();
    for job in &mut jobs {
        queue(job).await;
    }
    drop(release);
    holder.await.unwrap();
    for job in jobs {
        job.await.unwrap();
    }
    let order = order.lock().unwrap();
    let lookups: Vec<usize> =
        order.iter().enumerate().filter(|(_, lane)| **lane == Lane::Lookup).map(|(at, _)| at).collect();
    assert_eq!(lookups, [most, 2 * most + 1]);
}

#[tokio::test]
async fn batch_work_never_takes_the_last_thread() {
    let pool = pool(2, [4, 4, 4]);
    let (release, holder) = hold(&pool, Lane::Batch).await;
    let mut second = Box::pin(pool.run(Lane::Batch, |_| "batch"));
    queue(&mut second).await;
    assert_eq!(pool.run(Lane::Live, |_| "live").await, Ok("live"));
    assert_eq!(pool.run(Lane::Lookup, |_| "lookup").await, Ok("lookup"));
    drop(release);
    holder.await.unwrap();
    assert_eq!(second.await, Ok("batch"));
}

#[tokio::test]
async fn a_full_lane_refuses_and_streams_wait() {
    let pool = pool(1, [4, 4, 1]);
    let (release, holder) = hold(&pool, Lane::Live).await;
    let mut waiting = Box::pin(pool.run(Lane::Batch, |_| 1));
    queue(&mut waiting).await;
    assert_eq!(pool.run(Lane::Batch, |_| 2).await, Err(PoolError::Full));
    let mut stream = Box::pin(pool.run_waiting(Lane::Batch, |_| 3));
    queue(&mut stream).await;
    drop(release);
    holder.await.unwrap();
    assert_eq!(waiting.await, Ok(1));
    assert_eq!(stream.await, Ok(3));
}

#[tokio::test]
async fn cancelled_work_is_not_started() {
    let pool = pool(1, [4, 4, 4]);
    let (release, holder) = hold(&pool, Lane::Live).await;
    let started = Arc::new(AtomicBool::new(false));
    let seen = started.clone();
    let mut job = Box::pin(pool.run(Lane::Live, move |_| seen.store(true, Ordering::SeqCst)));
    queue(&mut job).await;
    drop(job);
    drop(release);
    holder.await.unwrap();
    pool.run(Lane::Live, |_| ()).await.unwrap();
    assert!(!started.load(Ordering::SeqCst));
}

#[tokio::test]
async fn running_work_hears_that_nobody_waits() {
    let pool = pool(1, [4, 4, 4]);
    let (begun, running) = oneshot::channel();
    let (told, heard) = oneshot::channel();
    let work = move |cancellation: &Cancellation| {
        begun.send(()).unwrap();
        while !cancellation.is_cancelled() {
            std::thread::yield_now();
        }
        told.send(()).unwrap();
    };
    let waiter = {
        let pool = pool.clone();
        tokio::spawn(async move { pool.run(Lane::Batch, work).await })
    };
    running.await.unwrap();
    waiter.abort();
    heard.await.unwrap();
}

#[tokio::test]
async fn a_panic_is_contained_and_the_thread_lives_on() {
    let pool = pool(1, [1, 1, 1]);
    for lane in Lane::ALL {
        let outcome = pool.run(lane, |_| -> () { panic!("a defect") }).await;
        assert_eq!(outcome, Err(PoolError::Panicked));
        assert_eq!(pool.run(lane, |_| 7).await, Ok(7));
    }
}

#[tokio::test]
async fn a_panic_in_drop_is_contained_too() {
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("a defect");
        }
    }
    let pool = pool(1, [1, 1, 1]);
    pool.dispose(Bad);
    assert_eq!(pool.run(Lane::Live, |_| 7).await, Ok(7));
}

#[tokio::test]
async fn stopping_finishes_what_is_queued_and_takes_no_more() {
    let pool = pool(1, [4, 4, 4]);
    let dropped = Arc::new(AtomicBool::new(false));
    struct Noted(Arc<AtomicBool>);
    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let (release, holder) = hold(&pool, Lane::Live).await;
    pool.dispose(Noted(dropped.clone()));
    let mut stopped = Box::pin(pool.stopped());
    queue(&mut stopped).await;
    assert_eq!(pool.run(Lane::Live, |_| ()).await, Err(PoolError::Stopping));
    drop(release);
    holder.await.unwrap();
    stopped.await;
    assert!(dropped.load(Ordering::SeqCst));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_jobs_of_all_lanes_all_end() {
    let pool = pool(3, [8, 8, 8]);
    let jobs = (0..600_usize).map(|n| {
        let pool = pool.clone();
        let lane = Lane::ALL[n % 3];
        tokio::spawn(async move { pool.run_waiting(lane, move |_| n).await })
    });
    let jobs: Vec<_> = jobs.collect();
    for (n, job) in jobs.into_iter().enumerate() {
        let got = tokio::time::timeout(Duration::from_secs(60), job).await.expect("a job hangs");
        assert_eq!(got.unwrap(), Ok(n));
    }
}
