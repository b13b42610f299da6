//! The listening socket and its connections, in a thread and runtime of their own, so that blocking and asynchronous
//! tests can use them alike. What is answered is decided in [`World`]; here it is only delivered, or spoiled.

use crate::emulator::clock::{Clock, http_date};
use crate::emulator::request::Request;
use crate::emulator::world::{Answer, Delivery, World};
use crate::engine::time::Skew;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc as orders, watch};
use tokio::task::JoinSet;

/// The longest request that is read: a policy, fifty tags and a long session token fit many times.
const LONGEST_REQUEST: usize = 1 << 20;
const BACKLOG: u32 = 1024;

/// What the handle and the connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) world: Mutex<World>,
    /// Rung at every request, for those who block.
    pub(super) arrived: Condvar,
    /// Counted up at every request, for those who await.
    pub(super) count: watch::Sender<u64>,
    /// Counted up to let held answers go.
    pub(super) gate: watch::Sender<u64>,
}

impl Shared {
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        // A panic while the lock was held leaves nothing half-done that a test would not want to see.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether STS can be reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outage {
    /// It can.
    None,
    /// Connections are accepted and closed at once.
    Dropped,
    /// Connections are refused.
    Refused,
}

/// What the server is told.
#[derive(Debug)]
pub(super) enum Order {
    Outage(Outage, mpsc::Sender<io::Result<()>>),
    Stop,
}

/// The door: the port stays ours also while it is closed.
enum Door {
    Open(TcpListener),
    Slamming(TcpListener),
    Closed(TcpSocket),
}

impl Door {
    fn open(address: SocketAddr) -> io::Result<Self> {
        socket(address)?.listen(BACKLOG).map(Self::Open)
    }

    fn change(self, outage: Outage) -> io::Result<Self> {
        let listener = match self {
            Self::Open(listener) | Self::Slamming(listener) => listener,
            Self::Closed(socket) if outage == Outage::Refused => return Ok(Self::Closed(socket)),
            Self::Closed(socket) => socket.listen(BACKLOG)?,
        };
        Ok(match outage {
            Outage::None => Self::Open(listener),
            Outage::Dropped => Self::Slamming(listener),
            // The next socket takes the port before this one leaves it, so that nobody else can have it meanwhile.
            Outage::Refused => Self::Closed(socket(listener.local_addr()?)?),
        })
    }

    /// The next connection that is let in.
    async fn visitor(&self) -> TcpStream {
        loop {
            match self {
                Self::Open(listener) => {
                    if let Ok((stream, _)) = listener.accept().await {
                        return stream;
                    }
                    // Out of file descriptors, most likely: the next connections to end give some back.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Self::Slamming(listener) => drop(listener.accept().await),
                Self::Closed(_) => pending().await,
            }
        }
    }
}

fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Serves until told to stop; says where it listens first.
pub(super) fn run(
    shared: &Arc<Shared>,
    orders: orders::UnboundedReceiver<Order>,
    ready: &mpsc::Sender<io::Result<SocketAddr>>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(ready.send(Err(error))),
    };
    runtime.block_on(async {
        let door = Door::open(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let address = door.as_ref().map_err(|error| io::Error::from(error.kind())).and_then(|door| match door {
            Door::Open(listener) | Door::Slamming(listener) => listener.local_addr(),
            Door::Closed(socket) => socket.local_addr(),
        });
        if ready.send(address).is_ok()
            && let Ok(door) = door
        {
            serve(shared, door, orders).await;
        }
    });
}

async fn serve(shared: &Arc<Shared>, door: Door, mut orders: orders::UnboundedReceiver<Order>) {
    let mut door = door;
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            order = orders.recv() => match order {
                Some(Order::Outage(outage, done)) => {
                    if outage != Outage::None {
                        connections.shutdown().await;
                    }
                    match door.change(outage) {
                        Ok(changed) => {
                            door = changed;
                            let _ = done.send(Ok(()));
                        }
                        Err(error) => {
                            let _ = done.send(Err(error));
                            return;
                        }
                    }
                }
                Some(Order::Stop) | None => return,
            },
            _ = connections.join_next(), if !connections.is_empty() => {}
            stream = door.visitor() => {
                connections.spawn(connection(stream, Arc::clone(shared)));
            }
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| respond(Arc::clone(&shared), request));
    let connection = http1::Builder::new().auto_date_header(false).serve_connection(TokioIo::new(stream), service);
    // What ends a connection is the asker's business, or the fault's.
    let _ = connection.await;
}

/// The connection is closed instead of an answer, or in the midst of one.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut on purpose")]
struct Cut;

async fn respond(shared: Arc<Shared>, request: hyper::Request<Incoming>) -> Result<Response<Payload>, Cut> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, LONGEST_REQUEST).collect().await.map_err(|_| Cut)?.to_bytes();
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    let request = Request::new(head.method.as_str(), path, query, headers, body.to_vec());

    let mut gate = shared.gate.subscribe();
    let _visit = Visit::enter(&shared);
    let answer = shared.world().answer(&request, shared.clock.now());
    shared.arrived.notify_all();
    shared.count.send_modify(|count| *count += 1);
    match answer.delivery {
        Delivery::Whole | Delivery::CutInside => {}
        Delivery::CutBefore => return Err(Cut),
        Delivery::After(time) => tokio::time::sleep(time).await,
        Delivery::OnRelease => drop(gate.changed().await),
        Delivery::Never => pending().await,
    }
    Ok(response(answer, &shared.clock))
}

fn response(answer: Answer, clock: &Clock) -> Response<Payload> {
    let date = clock.now() + Skew::from_millis(answer.date_ahead.saturating_mul(1000));
    let body = Bytes::from(answer.body);
    let mut response = Response::builder()
        .status(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .header("Date", http_date(date));
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let sent = if answer.delivery == Delivery::CutInside { body.slice(..body.len() / 2) } else { body.clone() };
    let payload = Payload { announced: body.len(), cut: sent.len() < body.len(), rest: Some(sent), flushed: false };
    // A header that cannot stand in HTTP is a mistake of the fault's author; an empty 200 will make it plain.
    response.body(payload).unwrap_or_default()
}

/// A body that may announce more than it gives.
#[derive(Default)]
struct Payload {
    announced: usize,
    rest: Option<Bytes>,
    cut: bool,
    flushed: bool,
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let Some(rest) = self.rest.take().filter(|rest| !rest.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(rest))));
        }
        if !self.cut {
            return Poll::Ready(None);
        }
        if !self.flushed {
            // One turn of the loop, in which what was given so far goes out.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(Cut)))
    }

    fn is_end_stream(&self) -> bool {
        !self.cut && self.rest.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced as u64)
    }
}

/// Counts a request for as long as it is in flight.
struct Visit<'a>(&'a Shared);

impl<'a> Visit<'a> {
    fn enter(shared: &'a Shared) -> Self {
        let mut world = shared.world();
        world.in_flight += 1;
        world.most_in_flight = world.most_in_flight.max(world.in_flight);
        drop(world);
        Self(shared)
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.0.world().in_flight -= 1;
    }
}
