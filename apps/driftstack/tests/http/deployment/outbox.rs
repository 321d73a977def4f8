use std::time::{Duration, Instant};

use driftstack_test_servers::{Client, client};

use super::Deployment;

/// The rows of the mails, behind the back of those who send them: time passes quickly there, or not at all.
pub struct OutboxRows(Client);

impl OutboxRows {
    pub async fn of(deployment: &Deployment) -> Self {
        Self(client(&deployment.database_url).await)
    }

    /// Until they are released, new mails are due in a year.
    pub async fn hold(&self) {
        let hold = "
            CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN NEW.due_at := NEW.at + interval '1 year'; RETURN NEW; END $$;
            CREATE TRIGGER hold BEFORE INSERT ON mails FOR EACH ROW EXECUTE FUNCTION hold()";
        self.0.batch_execute(hold).await.unwrap();
    }

    pub async fn release(&self) {
        self.0.batch_execute("DROP TRIGGER hold ON mails; UPDATE mails SET due_at = at").await.unwrap();
    }

    /// From now on, who is refused is tried again after this pause. A claim counts an attempt, and a refusal does not.
    pub async fn try_again_after(&self, pause: Duration) {
        let hurry = format!(
            "CREATE FUNCTION hurry() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN NEW.due_at := now() + interval '{} ms'; RETURN NEW; END $$;
            CREATE TRIGGER hurry BEFORE UPDATE ON mails FOR EACH ROW
                WHEN (NEW.attempts = OLD.attempts AND NEW.due_at > now()) EXECUTE FUNCTION hurry()",
            pause.as_millis()
        );
        self.0.batch_execute(&hurry).await.unwrap();
    }

    /// As if a minute had passed since the last claim.
    pub async fn end_leases(&self) {
        self.0.batch_execute("UPDATE mails SET due_at = now() WHERE due_at > now()").await.unwrap();
    }

    /// How many there are of those that this says.
    pub async fn count(&self, which: &str) -> i64 {
        let count = self.0.query_one(&format!("SELECT count(*) FROM mails WHERE {which}"), &[]).await;
        count.unwrap().get(0)
    }

    pub async fn until_there_are(&self, wanted: i64, which: &str) {
        let since = Instant::now();
        loop {
            let seen = self.count(which).await;
            if seen == wanted {
                return;
            }
            assert!(since.elapsed() < Duration::from_mins(1), "{seen} and not {wanted} mails: {which}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
