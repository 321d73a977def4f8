//! Whether the database answers, asked on behalf of all who want to know.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::OnceCell, time::Instant};

use crate::{http::Problem, wire::Health};

/// Anybody may ask `/readyz`, as often as they like; the database is asked so rarely.
const ASK_EVERY: Duration = Duration::from_secs(1);

type Answer = Result<(), Problem>;

/// What the database said last.
#[derive(Default)]
pub struct Readiness {
    last: Mutex<Option<Question>>,
}

/// Whoever comes while it is open waits for its answer.
#[derive(Clone)]
struct Question {
    begun: Instant,
    answer: Arc<OnceCell<Answer>>,
}

impl Question {
    fn new() -> Self {
        Self { begun: Instant::now(), answer: Arc::default() }
    }

    fn still_counts(&self) -> bool {
        !self.answer.initialized() || self.begun.elapsed() < ASK_EVERY
    }
}

impl Readiness {
    pub async fn ask(&self, health: &dyn Health) -> Answer {
        // Whoever asks may leave before the answer is there; then the next one who waits asks.
        self.question().answer.get_or_init(|| async { health.ping().await.map_err(Problem::from) }).await.clone()
    }

    fn question(&self) -> Question {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last.take().filter(Question::still_counts);
        last.insert(known.unwrap_or_else(Question::new)).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use driftstack_domain::change::StoreError;
    use futures_util::future::join_all;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Answers well once, and then is away.
    #[derive(Default)]
    struct Database {
        asked: AtomicU32,
    }

    #[async_trait]
    impl Health for Database {
        async fn ping(&self) -> Result<(), StoreError> {
            let before = self.asked.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(20)).await;
            if before == 0 { Ok(()) } else { Err(StoreError::Unavailable(String::new())) }
        }
    }

    #[tokio::test]
    async fn the_database_is_asked_once_a_second_for_all_who_want_to_know() {
        let (readiness, database) = (Readiness::default(), Database::default());
        for (round, is_well) in [(1, true), (2, false)] {
            let answers = join_all((0..10).map(|_| readiness.ask(&database))).await;
            assert!(answers.iter().all(|answer| answer.is_ok() == is_well));
            assert_eq!(readiness.ask(&database).await.is_ok(), is_well);
            assert_eq!(database.asked.load(Ordering::Relaxed), round);
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    #[tokio::test]
    async fn a_question_that_nobody_waits_for_any_more_is_asked_again() {
        let (readiness, database) = (Readiness::default(), Database::default());
        assert!(tokio::time::timeout(Duration::from_millis(1), readiness.ask(&database)).await.is_err());
        assert!(readiness.ask(&database).await.is_err());
        assert_eq!(database.asked.load(Ordering::Relaxed), 2);
    }
}
