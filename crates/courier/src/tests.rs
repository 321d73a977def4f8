//! Receivers on this machine, most of them hostile.

use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use driftstack_domain::webhook::{Courier as _, CourierError, Excerpt, Handed, NotHanded, Parcel, Reach, WebhookUrl};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

use crate::{HttpCourier, LookUpError, Names, SystemNames};

/// So long a courier waits here. Whoever holds it longer has held it too long.
const PATIENCE: Duration = Duration::from_millis(600);
const AT_MOST: Duration = Duration::from_millis(2500);

fn parcel(url: &str) -> Parcel {
    let headers = vec![("content-type", "application/json".to_owned()), ("webhook-id", "1".to_owned())];
    Parcel { url: WebhookUrl::of_row(url).unwrap(), headers, body: r#"{"type":"test.ping"}"#.to_owned() }
}

fn courier() -> HttpCourier {
    HttpCourier::open(Reach::Anywhere).unwrap().answered_within(PATIENCE)
}

/// A receiver that does `act` with each connection, after it has read a request, and counts them.
struct Receiver {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Receiver {
    async fn that<F>(act: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::at("127.0.0.1", act).await
    }

    async fn at<F>(address: &str, act: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        Self::on(listener, act)
    }

    fn on<F>(listener: TcpListener, act: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(act(stream));
            }
        });
        Self { port, connections }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks", self.port)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// Reads one request, head and body, and answers with it.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let (mut text, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        text.extend_from_slice(&chunk[..read]);
        let so_far = String::from_utf8_lossy(&text).into_owned();
        if so_far.ends_with('}') {
            return Some(so_far);
        }
    }
}

async fn say(stream: &mut TcpStream, text: &str) -> bool {
    stream.write_all(text.as_bytes()).await.is_ok()
}

/// What comes of a delivery, which must not take longer than the patience of the courier, and a little.
async fn hand(courier: &HttpCourier, url: &str) -> Result<Handed, CourierError> {
    let began = Instant::now();
    let handed = timeout(Duration::from_secs(20), courier.hand(&parcel(url))).await.expect("it is held for ever");
    assert!(began.elapsed() < AT_MOST, "it took {:?}", began.elapsed());
    handed.map_err(|error| match error {
        NotHanded::Failed(error) => error,
        NotHanded::NotAsked => panic!("nobody was asked"),
    })
}

#[tokio::test]
async fn a_delivery_arrives_as_it_was_packed() {
    let seen = Arc::new(Mutex::new(String::new()));
    let noted = seen.clone();
    let receiver = Receiver::that(move |mut stream| {
        let noted = noted.clone();
        async move {
            *noted.lock().unwrap() = request(&mut stream).await.unwrap();
            say(&mut stream, "HTTP/1.1 202 Accepted\r\ncontent-length: 9\r\n\r\nthank you").await;
        }
    });
    let receiver = receiver.await;
    let handed = hand(&courier(), &receiver.url()).await.unwrap();
    assert_eq!((handed.status, handed.start.as_slice()), (202, b"thank you".as_slice()));
    let seen = seen.lock().unwrap().to_lowercase();
    assert!(seen.starts_with("post /hooks http/1.1\r\n"), "{seen}");
    for part in [
        "content-type: application/json\r\n",
        "webhook-id: 1\r\n",
        "content-length: 20\r\n",
        "\r\n\r\n{\"type\":\"test.ping\"}",
    ] {
        assert!(seen.contains(part), "{part} in {seen}");
    }
}

async fn say_yes_for_ever(mut stream: TcpStream) {
    while request(&mut stream).await.is_some() {
        say(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    }
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let receiver = Receiver::that(say_yes_for_ever).await;
    let courier = courier();
    for _ in 0..20 {
        assert_eq!(hand(&courier, &receiver.url()).await.unwrap().status, 200);
    }
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn nobody_who_never_answers_holds_it_for_long() {
    let receiver = Receiver::that(async |stream| {
        let _held = stream;
        sleep(Duration::from_mins(1)).await;
    });
    assert_eq!(hand(&courier(), &receiver.await.url()).await, Err(CourierError::TimedOut));
}

#[tokio::test]
async fn an_answer_in_drips_does_not_either() {
    let head = Receiver::that(async |mut stream| {
        request(&mut stream).await;
        say(&mut stream, "HTTP/1.1 200 OK\r\nx: ").await;
        while say(&mut stream, "a").await {
            sleep(Duration::from_millis(20)).await;
        }
    });
    assert_eq!(hand(&courier(), &head.await.url()).await, Err(CourierError::TimedOut));
    let body = Receiver::that(async |mut stream| {
        request(&mut stream).await;
        say(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await;
        while say(&mut stream, "a").await {
            sleep(Duration::from_millis(20)).await;
        }
    });
    let handed = hand(&courier(), &body.await.url()).await.unwrap();
    assert_eq!(handed.status, 200, "it came in time");
    assert!(handed.start.starts_with(b"aaa") && handed.start.len() < 100, "and so much of the body");
}

/// Says so much of a longer body, and then nothing.
fn holding_back(bytes: usize) -> impl Future<Output = Receiver> {
    Receiver::that(move |mut stream| async move {
        request(&mut stream).await;
        say(&mut stream, &format!("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{}", "a".repeat(bytes))).await;
        sleep(Duration::from_mins(1)).await;
    })
}

#[tokio::test]
async fn nobody_waits_for_more_of_a_body_than_is_read() {
    let courier = HttpCourier::open(Reach::Anywhere).unwrap();
    assert_eq!(hand(&courier, &holding_back(64 * 1024).await.url()).await.unwrap().status, 200);
    let handed = timeout(PATIENCE, courier.hand(&parcel(&holding_back(64 * 1024 - 1).await.url()))).await;
    assert!(handed.is_err(), "what fits is read to its end");
}

#[tokio::test]
async fn an_endless_body_is_read_no_further_than_its_beginning() {
    let written = Arc::new(AtomicUsize::new(0));
    let counted = written.clone();
    let receiver = Receiver::that(move |mut stream| {
        let counted = counted.clone();
        async move {
            request(&mut stream).await;
            say(&mut stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
            let chunk = format!("1000\r\n{}\r\n", "a".repeat(4096));
            while say(&mut stream, &chunk).await {
                counted.fetch_add(4096, Ordering::Relaxed);
            }
        }
    });
    let handed = hand(&courier(), &receiver.await.url()).await.unwrap();
    assert_eq!((handed.status, handed.start), (200, vec![b'a'; Excerpt::MAX_BYTES]));
    // It is closed, so whoever writes finds out; what the buffers between the two take is megabytes at the most.
    sleep(Duration::from_millis(300)).await;
    let before = written.load(Ordering::Relaxed);
    sleep(Duration::from_millis(200)).await;
    assert_eq!(written.load(Ordering::Relaxed), before);
    assert!(before < 16 * 1024 * 1024, "{before}");
}

#[tokio::test]
async fn a_head_without_an_end_is_refused() {
    let one = Receiver::that(async |mut stream| {
        request(&mut stream).await;
        say(&mut stream, "HTTP/1.1 200 OK\r\nx: ").await;
        while say(&mut stream, &"a".repeat(4096)).await {}
    });
    assert_eq!(hand(&courier(), &one.await.url()).await, Err(CourierError::Broken));
    let many = Receiver::that(async |mut stream| {
        request(&mut stream).await;
        let headers = (0..200).map(|n| format!("x-{n}: a")).collect::<Vec<_>>().join("\r\n");
        say(&mut stream, &format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n")).await;
    });
    assert_eq!(hand(&courier(), &many.await.url()).await, Err(CourierError::Broken));
}

#[tokio::test]
async fn what_is_not_http_or_breaks_off_is_no_answer() {
    for text in ["SSH-2.0-OpenSSH_9.7\r\n", "", "HTTP/1.1 200", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\r\n\r\n"] {
        let receiver = Receiver::that(move |mut stream| async move {
            request(&mut stream).await;
            say(&mut stream, text).await;
        });
        assert_eq!(hand(&courier(), &receiver.await.url()).await, Err(CourierError::Broken), "{text:?}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_has_a_status() {
    let receiver = Receiver::that(async |mut stream| {
        request(&mut stream).await;
        say(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf").await;
    });
    let handed = hand(&courier(), &receiver.await.url()).await.unwrap();
    assert_eq!((handed.status, handed.start.as_slice()), (200, b"half".as_slice()));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let inside = Receiver::that(say_yes_for_ever).await;
    let (there, counted) = (inside.url(), inside.connections.clone());
    let receiver = Receiver::that(move |mut stream| {
        let there = there.clone();
        async move {
            request(&mut stream).await;
            say(
                &mut stream,
                &format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {there}\r\ncontent-length: 0\r\n\r\n"),
            )
            .await;
        }
    });
    assert_eq!(hand(&courier(), &receiver.await.url()).await.unwrap().status, 307);
    assert_eq!(counted.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn nobody_there_is_no_connection() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.1:{}/", free.local_addr().unwrap().port());
    drop(free);
    assert_eq!(hand(&courier(), &url).await, Err(CourierError::NoConnection));
}

/// A certificate that nobody vouches for, or none: a receiver that speaks in the clear where TLS is due.
#[tokio::test]
async fn a_handshake_that_fails_is_named() {
    let receiver = Receiver::that(async |mut stream| {
        let mut hello = [0; 512];
        let _ = stream.read(&mut hello).await;
        say(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        sleep(Duration::from_secs(1)).await;
    });
    let url = receiver.await.url().replace("http://", "https://");
    assert_eq!(hand(&courier(), &url).await, Err(CourierError::Tls));
}

#[tokio::test]
async fn a_handshake_that_never_comes_holds_nobody() {
    let receiver = Receiver::that(async |stream| {
        let _held = stream;
        sleep(Duration::from_mins(1)).await;
    });
    let url = receiver.await.url().replace("http://", "https://");
    assert_eq!(hand(&courier(), &url).await, Err(CourierError::TimedOut));
}

/// With the rule of a real deployment nothing on this machine is ever connected to.
#[tokio::test]
async fn an_address_inside_is_refused_without_a_connection() {
    let receiver = Receiver::that(say_yes_for_ever).await;
    let courier = HttpCourier::with_names(Reach::Public, Arc::new(Scripted::always("127.0.0.1"))).unwrap();
    for host in
        ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]", "[::1]", "localhost", "hooks.example"]
    {
        let url = format!("https://{host}:{}/", receiver.port);
        assert_eq!(hand(&courier, &url).await, Err(CourierError::NotPublic), "{url}");
    }
    assert_eq!(hand(&courier, &receiver.url()).await, Err(CourierError::NotPublic), "in the clear");
    assert_eq!(receiver.connections(), 0);
}

/// Answers for every name, with one address after the other; the last one stays.
struct Scripted {
    answers: Mutex<VecDeque<&'static str>>,
    asked: AtomicUsize,
}

impl Scripted {
    fn new(answers: &[&'static str]) -> Self {
        Self { answers: Mutex::new(answers.iter().copied().collect()), asked: AtomicUsize::new(0) }
    }

    fn always(answer: &'static str) -> Self {
        Self::new(&[answer])
    }
}

#[async_trait]
impl Names for Scripted {
    async fn look_up(&self, _: &str) -> Result<Vec<IpAddr>, LookUpError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().copied() };
        Ok(answer.into_iter().map(|address| address.parse().unwrap()).collect())
    }
}

/// Of two addresses of this machine one plays the internet, the other the inside.
fn outside(address: IpAddr) -> bool {
    address.to_string() == "127.0.0.2"
}

async fn say_yes_once(mut stream: TcpStream) {
    request(&mut stream).await;
    say(&mut stream, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_refused() {
    let public = Receiver::at("127.0.0.2", say_yes_once).await;
    let inside = TcpListener::bind(("127.0.0.1", public.port)).await.unwrap();
    let inside = Receiver::on(inside, say_yes_once);
    let names = Arc::new(Scripted::new(&["127.0.0.2", "127.0.0.1"]));
    let courier = HttpCourier::with_rule(Reach::Anywhere, names.clone(), Arc::new(outside)).unwrap();
    let url = format!("http://hooks.example:{}/", public.port);
    assert_eq!(hand(&courier, &url).await.unwrap().status, 200);
    assert_eq!(
        (names.asked.load(Ordering::Relaxed), public.connections()),
        (1, 1),
        "one look, and the connection goes there"
    );
    assert_eq!(hand(&courier, &url).await, Err(CourierError::NotPublic));
    assert_eq!((names.asked.load(Ordering::Relaxed), inside.connections()), (2, 0));
}

#[tokio::test]
async fn a_name_without_an_address_is_named() {
    let courier = HttpCourier::with_names(Reach::Anywhere, Arc::new(Scripted::new(&[]))).unwrap();
    assert_eq!(hand(&courier, "http://hooks.example/").await, Err(CourierError::NoAddress));
}

#[tokio::test]
async fn a_slow_look_up_holds_nobody() {
    struct Silent;
    #[async_trait]
    impl Names for Silent {
        async fn look_up(&self, _: &str) -> Result<Vec<IpAddr>, LookUpError> {
            std::future::pending().await
        }
    }
    let courier = HttpCourier::with_names(Reach::Anywhere, Arc::new(Silent)).unwrap().answered_within(PATIENCE);
    assert_eq!(hand(&courier, "http://hooks.example/").await, Err(CourierError::TimedOut));
}

#[tokio::test]
async fn a_resolver_without_room_is_not_the_fault_of_the_receiver() {
    let courier = HttpCourier::with_names(Reach::Anywhere, Arc::new(SystemNames::without_room())).unwrap();
    assert_eq!(courier.hand(&parcel("http://hooks.example/")).await, Err(NotHanded::NotAsked));
}

#[tokio::test]
async fn the_names_of_this_machine_are_looked_up() {
    let found = SystemNames::default().look_up("localhost").await.unwrap();
    assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
}
