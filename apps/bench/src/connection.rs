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

    /// Sends a request whose answer never ends, and does not read it.
    pub async fn follow(mut self, request: &[u8]) -> io::Result<Self> {
        self.stream.write_all(request).await?;
        Ok(self)
    }

    /// Sends a request and reads its answer, which must say that it went well, to the end. Answers with the body.
    pub async fn ask(&mut self, request: &[u8]) -> Result<&[u8], Failure> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the server hung up".into());
            }
            let Some(Head { status, begin, end }) = head(&self.buffer)? else { continue };
            if self.buffer.len() < end {
                continue;
            }
            if !matches!(status, 200..=202) {
                return Err(String::from_utf8_lossy(&self.buffer).into());
            }
            return Ok(self.buffer.get(begin..end).unwrap_or_default());
        }
    }
}

struct Head {
    status: u16,
    /// Of the body.
    begin: usize,
    end: usize,
}

/// The head of an answer, once all of it is there.
fn head(bytes: &[u8]) -> Result<Option<Head>, Failure> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(begin) = response.parse(bytes)? else { return Ok(None) };
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.map_or(Ok("0"), |header| std::str::from_utf8(header.value))?.parse()?;
    Ok(Some(Head { status: response.code.ok_or("no status")?, begin, end: begin + length }))
}
