//! Threads that each have a connection to a SQLite file: one that writes, two that read, as in the service.

use std::thread;

use diesel::{Connection, connection::SimpleConnection, sqlite::SqliteConnection};
use tokio::sync::oneshot;

use crate::Failure;

type Job = Box<dyn FnOnce(&mut SqliteConnection) + Send>;

pub struct Threads(flume::Sender<Job>);

impl Threads {
    pub fn start(path: &str, number: usize, pragmas: &str) -> Result<Self, Failure> {
        let (jobs, waiting) = flume::bounded::<Job>(256);
        for _ in 0..number {
            let mut conn = SqliteConnection::establish(path)?;
            conn.batch_execute(pragmas)?;
            let waiting = waiting.clone();
            thread::spawn(move || waiting.iter().for_each(|job| job(&mut conn)));
        }
        Ok(Self(jobs))
    }

    pub async fn run<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut SqliteConnection) -> R + Send + 'static,
    ) -> actix_web::Result<R> {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(move |conn: &mut SqliteConnection| drop(answer.send(job(conn))));
        self.0.send_async(job).await.map_err(super::failed)?;
        answered.await.map_err(super::failed)
    }
}
