use std::{num::NonZeroUsize, sync::Arc};

use driftstack_domain::secret::PasswordsBusy;
use metrics::{Gauge, counter, describe_counter, describe_gauge, gauge};
use tokio::{sync::Semaphore, task::spawn_blocking};

const JOBS: &str = "driftstack_password_jobs";
const REFUSED_TOTAL: &str = "driftstack_password_jobs_refused_total";

/// Runs heavy work, a few pieces at once, while a bounded number waits.
///
/// The metric `driftstack_password_jobs` says how many wait and run, and `driftstack_password_jobs_refused_total` counts those that
/// found no place.
#[derive(Debug)]
pub(crate) struct Pool {
    workers: Arc<Semaphore>,
    /// For those who work and those who wait.
    places: Arc<Semaphore>,
}

impl Pool {
    pub(crate) fn new(workers: NonZeroUsize, waiting: usize) -> Self {
        describe_gauge!(JOBS, "Password hashes that wait for a worker, and that are being computed");
        describe_counter!(REFUSED_TOTAL, "Password hashes that were refused because too many waited");
        // So that they are there before anybody signs in.
        drop((Counted::new("waiting"), Counted::new("running")));
        counter!(REFUSED_TOTAL).increment(0);
        let workers = workers.get().min(Semaphore::MAX_PERMITS);
        let places = workers.saturating_add(waiting).min(Semaphore::MAX_PERMITS);
        Self { workers: Arc::new(Semaphore::new(workers)), places: Arc::new(Semaphore::new(places)) }
    }

    /// Refuses at once when the line is full. Whoever is dropped while waiting gives the place back; work that has begun runs
    /// to its end and keeps its worker until then, so that requests which are abandoned do not add up.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordsBusy> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| {
            counter!(REFUSED_TOTAL).increment(1);
            PasswordsBusy
        })?;
        let waiting = Counted::new("waiting");
        let worker = self.workers.clone().acquire_owned().await.map_err(|_| PasswordsBusy)?;
        drop(waiting);
        let running = Counted::new("running");
        let job = move || {
            let _held = (place, worker, running);
            work()
        };
        spawn_blocking(job).await.map_err(|_| PasswordsBusy)
    }
}

/// One more in this state, as long as it lives.
struct Counted(Gauge);

impl Counted {
    fn new(state: &'static str) -> Self {
        let jobs = gauge!(JOBS, "state" => state);
        jobs.increment(1.0);
        Self(jobs)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use std::{
        sync::{
            atomic::{AtomicUsize, Ordering},
            mpsc,
        },
        time::Duration,
    };
    use tokio::task::JoinHandle;

    fn pool(workers: usize, waiting: usize) -> Arc<Pool> {
        Arc::new(Pool::new(NonZeroUsize::new(workers).unwrap(), waiting))
    }

    /// Work that goes on until the sender is dropped.
    fn endless() -> (mpsc::Sender<()>, impl FnOnce() + Send + 'static) {
        let (stop, stopped) = mpsc::channel::<()>();
        (stop, move || _ = stopped.recv())
    }

    fn spawn(pool: &Arc<Pool>, work: impl FnOnce() + Send + 'static) -> JoinHandle<Result<(), PasswordsBusy>> {
        let pool = pool.clone();
        tokio::spawn(async move { pool.run(work).await })
    }

    async fn until(mut condition: impl FnMut() -> bool) {
        let met = async {
            while !condition() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        soon(met).await;
    }

    /// A test that waits in vain fails.
    async fn soon<T>(result: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(20), result).await.unwrap()
    }

    #[tokio::test]
    async fn no_more_than_the_workers_work_at_once() {
        let pool = pool(3, 100);
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let runs: Vec<_> = (0..30)
            .map(|_| {
                let (now, most) = (now.clone(), most.clone());
                spawn(&pool, move || {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(10));
                    now.fetch_sub(1, Ordering::SeqCst);
                })
            })
            .collect();
        for run in runs {
            assert_eq!(run.await.unwrap(), Ok(()));
        }
        assert_eq!(most.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn a_full_line_refuses_at_once_and_takes_again_when_it_moves() {
        let pool = pool(1, 1);
        let (stop_first, first) = endless();
        let (stop_second, second) = endless();
        let first = spawn(&pool, first);
        let second = spawn(&pool, second);
        until(|| pool.places.available_permits() == 0).await;
        assert_eq!(soon(pool.run(|| ())).await, Err(PasswordsBusy));
        drop(stop_first);
        assert_eq!(first.await.unwrap(), Ok(()));
        drop(stop_second);
        assert_eq!(second.await.unwrap(), Ok(()));
        assert_eq!(pool.run(|| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn whoever_gives_up_waiting_leaves_the_line() {
        let pool = pool(1, 1);
        let (stop, work) = endless();
        let working = spawn(&pool, work);
        until(|| pool.workers.available_permits() == 0).await;
        let waiting = spawn(&pool, || ());
        until(|| pool.places.available_permits() == 0).await;
        waiting.abort();
        until(|| pool.places.available_permits() == 1).await;
        drop(stop);
        working.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn abandoned_work_keeps_its_worker_until_it_ends() {
        let pool = pool(1, 0);
        let (stop, work) = endless();
        let working = spawn(&pool, work);
        until(|| pool.workers.available_permits() == 0).await;
        working.abort();
        assert!(working.await.unwrap_err().is_cancelled());
        assert_eq!(soon(pool.run(|| ())).await, Err(PasswordsBusy));
        drop(stop);
        until(|| pool.places.available_permits() == 1).await;
    }

    #[tokio::test]
    async fn the_metrics_tell_who_waits_who_works_and_who_was_refused() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let told = |series: &str| {
            let text = recorder.handle().render();
            text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse::<u32>().ok())
        };
        let all = || {
            let states = ["waiting", "running"].map(|state| told(&format!("{JOBS}{{state=\"{state}\"}}")));
            (states, told(REFUSED_TOTAL))
        };
        let _heard = metrics::set_default_local_recorder(&recorder);
        let pool = pool(1, 1);
        assert_eq!(all(), ([Some(0), Some(0)], Some(0)));
        let (stop, work) = endless();
        let working = spawn(&pool, work);
        let waiting = spawn(&pool, || ());
        until(|| all() == ([Some(1), Some(1)], Some(0))).await;
        assert_eq!(pool.run(|| ()).await, Err(PasswordsBusy));
        assert_eq!(all(), ([Some(1), Some(1)], Some(1)));
        waiting.abort();
        until(|| all() == ([Some(0), Some(1)], Some(1))).await;
        drop(stop);
        working.await.unwrap().unwrap();
        until(|| all() == ([Some(0), Some(0)], Some(1))).await;
    }

    #[tokio::test]
    async fn work_that_panics_gives_its_worker_back() {
        let pool = pool(1, 0);
        assert_eq!(pool.run(|| panic!("on purpose")).await, Err::<(), _>(PasswordsBusy));
        assert_eq!(pool.run(|| 7).await, Ok(7));
    }
}
