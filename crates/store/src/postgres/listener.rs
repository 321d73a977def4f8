//! Hears what any process on this database has written on a log, over one connection of its own.
//!
//! A notification says only whose log it is. One that is lost, as this connection was, costs nothing but time: whoever follows a
//! log is told to look when the connection is there again.

use std::{pin::Pin, time::Duration};

use driftstack_domain::id::AccountId;
use futures_util::{Stream, StreamExt, stream};
use tokio::{runtime::Handle, task::AbortHandle};
use tokio_postgres::{AsyncMessage, Client, Connection, Error, Socket, tls::TlsStream};

use super::connect::Connector;
use crate::account_bells::AccountBells;

/// Of all notifications; the payload of one is the account.
pub(super) const CHANNEL: &str = "driftstack_audit";

/// After a connection that ended, or that could not be made.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) type Messages = Pin<Box<dyn Stream<Item = Result<AsyncMessage, Error>> + Send>>;

pub(super) fn messages<T>(mut connection: Connection<Socket, T>) -> Messages
where
    T: TlsStream + Unpin + Send + 'static,
{
    Box::pin(stream::poll_fn(move |context| connection.poll_message(context)))
}

/// Listens until it is aborted.
pub(super) fn start(connector: Connector, bells: AccountBells, runtime: &Handle) -> AbortHandle {
    let listening = async move {
        loop {
            let ended = listen(&connector, &bells).await;
            tracing::warn!(why = %ended.unwrap_or_default(), "notifications of other processes are not heard; trying again");
            tokio::time::sleep(PAUSE).await;
        }
    };
    runtime.spawn(listening).abort_handle()
}

/// Until the connection ends. Answers why, if that is known.
async fn listen(connector: &Connector, bells: &AccountBells) -> Option<String> {
    let (client, mut messages) = match connector.listen().await {
        Ok(connected) => connected,
        Err(error) => return Some(error.to_string()),
    };
    if let Err(error) = subscribe(&client, &mut messages).await {
        return Some(error.to_string());
    }
    tracing::debug!("notifications of other processes are heard");
    bells.ring_all();
    while let Some(message) = messages.next().await {
        match message {
            Ok(message) => ring(bells, &message),
            Err(error) => return Some(error.to_string()),
        }
    }
    None
}

/// The answer comes over the connection, which goes on only while its messages are asked for.
async fn subscribe(client: &Client, messages: &mut Messages) -> Result<(), Error> {
    let command = format!("LISTEN {CHANNEL}");
    let mut subscribed = Box::pin(client.batch_execute(&command));
    loop {
        tokio::select! {
            answer = &mut subscribed => return answer,
            // What is said meanwhile is made good by the ringing afterwards.
            Some(message) = messages.next() => drop(message?),
        }
    }
}

fn ring(bells: &AccountBells, message: &AsyncMessage) {
    let AsyncMessage::Notification(notification) = message else { return };
    match notification.payload().parse::<AccountId>() {
        Ok(account) => bells.ring(account),
        Err(error) => tracing::warn!(%error, "a notification that names no account"),
    }
}
