//! A client of stock, as database clients are: blocking, over a few connections that are kept and shared. Who finds none
//! free waits in [`Pool::take`]. Fault `pool-exhausted` keeps each connection for a while after use.

use crate::downstream::Failed;
use crate::faults::Watch;
use axum::http::StatusCode;
use std::io::{BufRead as _, BufReader, Error, ErrorKind, Result, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Connections of one client.
const CONNECTIONS: usize = 4;
/// Who waits longer for a connection gives up.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a connection is kept after use while the fault is on.
const KEPT: Duration = Duration::from_millis(1500);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(5);

/// A client of stock, shared by all requests of a service.
#[derive(Clone)]
pub struct Database {
    pool: Arc<Pool>,
    keeping: Watch,
}

impl Database {
    /// The fault's switch belongs to the service that has the fault; others pass one that is never on.
    pub fn new(port: u16, keeping: Watch) -> Self {
        let pool = Pool {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            state: Mutex::default(),
            freed: Condvar::new(),
        };
        Self {
            pool: Arc::new(pool),
            keeping,
        }
    }

    /// Asks stock one line and returns its answer.
    pub async fn ask(&self, line: String) -> std::result::Result<String, Failed> {
        let database = self.clone();
        let asked = tokio::task::spawn_blocking(move || database.ask_blocking(&line)).await;
        match asked {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(Failed(StatusCode::SERVICE_UNAVAILABLE)),
        }
    }

    fn ask_blocking(&self, line: &str) -> Result<String> {
        let mut connection = self.pool.take()?;
        let answer = connection.ask(line);
        if self.keeping.is_on() {
            let pool = Arc::clone(&self.pool);
            // At most one such thread a connection.
            std::thread::spawn(move || {
                std::thread::sleep(KEPT);
                pool.give_back(Some(connection));
            });
        } else {
            self.pool.give_back(answer.is_ok().then_some(connection));
        }
        answer
    }
}

struct Pool {
    address: SocketAddr,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    /// Idle and in use.
    open: usize,
}

impl Pool {
    /// Waits for a free connection, or opens one while there are few.
    #[inline(never)]
    fn take(&self) -> Result<Connection> {
        let begin = Instant::now();
        let mut state = self.lock();
        loop {
            if let Some(connection) = state.idle.pop() {
                return Ok(connection);
            }
            if state.open < CONNECTIONS {
                state.open += 1;
                drop(state);
                return Connection::open(self.address).inspect_err(|_| self.give_back(None));
            }
            let left = PATIENCE.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return Err(Error::new(ErrorKind::TimedOut, "no connection is free"));
            }
            let waited = self.freed.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Returns a connection, or the place of one that broke.
    fn give_back(&self, connection: Option<Connection>) {
        let mut state = self.lock();
        match connection {
            Some(connection) => state.idle.push(connection),
            None => state.open -= 1,
        }
        drop(state);
        self.freed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection to stock.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(ANSWER))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    fn ask(&mut self, line: &str) -> Result<String> {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes())?;
        let mut answer = String::new();
        match self.0.read_line(&mut answer)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(answer.trim_end().to_owned()),
        }
    }
}
