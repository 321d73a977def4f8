//! Somebody on the way to Redis who is slow to connect, and who may fall silent.

use std::{future::pending, net::Ipv4Addr, sync::Arc, time::Duration};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::sleep,
};

use crate::server::Server;

pub struct Proxy {
    port: u16,
    silence: Arc<Notify>,
}

impl Proxy {
    /// Passes on, after this delay at the beginning of each connection.
    pub async fn to(server: &Server, delay: Duration) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (port, silence) = (listener.local_addr().unwrap().port(), Arc::new(Notify::new()));
        tokio::spawn(accept(listener, server.port(), delay, silence.clone()));
        Self { port, silence }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Passes on nothing more over the connections that there are, and does not close them. New ones are as ever.
    pub fn fall_silent(&self) {
        self.silence.notify_waiters();
    }
}

async fn accept(listener: TcpListener, port: u16, delay: Duration, silence: Arc<Notify>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        tokio::spawn(pass_on(client, port, delay, silence.clone()));
    }
}

async fn pass_on(mut client: TcpStream, port: u16, delay: Duration, silence: Arc<Notify>) {
    sleep(delay).await;
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        () = silence.notified() => pending().await,
    }
}
