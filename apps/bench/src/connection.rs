//! One kept-alive HTTP/1.1 connection that costs little: the machine is needed for the other end.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::Failure;

pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096) })
    }

    /// Sends a request and reads its answer to the end. Every answer must be 200.
    pub async fn ask(&mut self, request: &[u8]) -> Result<(), Failure> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the server hung up".into());
            }
            let Some((status, length)) = head(&self.buffer)? else { continue };
            if self.buffer.len() < length {
                continue;
            }
            if status != 200 {
                return Err(String::from_utf8_lossy(&self.buffer).into());
            }
            return Ok(());
        }
    }

    /// The answer that was read last.
    pub fn answer(&self) -> &[u8] {
        &self.buffer
    }
}

/// The status and the length of the whole answer, once its head is there.
fn head(bytes: &[u8]) -> Result<Option<(u16, usize)>, Failure> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(bytes)? else { return Ok(None) };
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let body: usize = length.map_or(Ok("0"), |header| std::str::from_utf8(header.value))?.parse()?;
    Ok(Some((response.code.ok_or("no status")?, head + body)))
}
