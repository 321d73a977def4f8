use std::{num::NonZeroUsize, sync::Arc, thread::available_parallelism};

use async_trait::async_trait;
use driftstack_domain::avatar::{CleanPicture, PictureError, PictureType, Pictures, SentPicture};
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::clean::clean;

/// Cleans pictures, a few at once, beside the threads that answer requests.
#[derive(Debug)]
pub struct BoundedPictures {
    workers: Arc<Semaphore>,
    /// For those who are worked on and those who wait.
    places: Arc<Semaphore>,
}

impl BoundedPictures {
    /// So many wait for a worker, each with the bytes that were sent; who comes after them is told to try again.
    pub const WAITING: usize = 16;

    /// So many are cleaned at once, each with a core and up to 64 MiB to itself.
    pub fn new(workers: NonZeroUsize) -> Self {
        let places = workers.get().saturating_add(Self::WAITING).min(Semaphore::MAX_PERMITS);
        let workers = workers.get().min(Semaphore::MAX_PERMITS);
        Self { workers: Arc::new(Semaphore::new(workers)), places: Arc::new(Semaphore::new(places)) }
    }

    /// One worker for every two cores: pictures are rare, and shall not keep sign-ins waiting.
    pub fn on_half_of_the_cores() -> Self {
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        Self::new(NonZeroUsize::new(cores / 2).unwrap_or(NonZeroUsize::MIN))
    }

    /// Work that has begun runs to its end and keeps its worker until then, so that requests which are abandoned do not add up.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, PictureError> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| PictureError::Busy)?;
        let worker = self.workers.clone().acquire_owned().await.map_err(|_| PictureError::Busy)?;
        let job = move || {
            let _held = (place, worker);
            work()
        };
        spawn_blocking(job).await.map_err(|error| {
            tracing::error!(%error, "cleaning a picture did not end");
            PictureError::Busy
        })
    }
}

#[async_trait]
impl Pictures for BoundedPictures {
    async fn clean(&self, sent: SentPicture, says: PictureType) -> Result<CleanPicture, PictureError> {
        self.run(move || clean(&sent, says)).await?.map_err(PictureError::Refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftstack_domain::avatar::PictureRefused;
    use std::{sync::mpsc, time::Duration};

    fn one_at_a_time() -> Arc<BoundedPictures> {
        Arc::new(BoundedPictures::new(NonZeroUsize::MIN))
    }

    async fn until(mut condition: impl FnMut() -> bool) {
        let met = async {
            while !condition() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), met).await.unwrap();
    }

    #[tokio::test]
    async fn a_refusal_is_handed_on() {
        let refused = one_at_a_time().clean(SentPicture::new(Vec::new()).unwrap(), PictureType::Png).await;
        assert_eq!(refused, Err(PictureError::Refused(PictureRefused::NoPicture)));
    }

    #[tokio::test]
    async fn a_full_line_refuses_at_once_and_takes_again_when_it_moves() {
        let pictures = one_at_a_time();
        let (stop, stopped) = mpsc::channel::<()>();
        let working = tokio::spawn({
            let pictures = pictures.clone();
            async move { pictures.run(move || _ = stopped.recv()).await }
        });
        until(|| pictures.workers.available_permits() == 0).await;
        let waiting: Vec<_> = (0..BoundedPictures::WAITING)
            .map(|_| {
                let pictures = pictures.clone();
                tokio::spawn(async move { pictures.run(|| ()).await })
            })
            .collect();
        until(|| pictures.places.available_permits() == 0).await;
        assert_eq!(pictures.run(|| ()).await, Err(PictureError::Busy));
        // Whoever gives up keeps the worker as long as the work goes on.
        working.abort();
        assert!(working.await.unwrap_err().is_cancelled());
        assert_eq!(pictures.run(|| ()).await, Err(PictureError::Busy));
        drop(stop);
        for waited in waiting {
            assert_eq!(waited.await.unwrap(), Ok(()));
        }
        assert_eq!(pictures.run(|| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn work_that_panics_gives_its_worker_back() {
        let pictures = one_at_a_time();
        assert_eq!(pictures.run(|| panic!("on purpose")).await, Err::<(), _>(PictureError::Busy));
        assert_eq!(pictures.run(|| 7).await, Ok(7));
    }
}
