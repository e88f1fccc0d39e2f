//! stock: how many of each product are left; like a database it has a small line protocol of its own over TCP and a thread
//! for each connection. `LOOK id` -> `LEFT n`, `TAKE id n` -> `LEFT n` or `NONE`, `PING` -> `PONG`, else `ERROR text`.

mod journal;

use crate::faults::Watch;
use crate::lifeline;
use color_eyre::Result;
use journal::Journal;
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Of each product, until somebody takes one; then the shelf is filled again.
const FULL: u64 = 500;
/// A longer line is no question.
const LINE_MAX: u64 = 128;

struct Stock {
    left: Mutex<HashMap<u32, u64>>,
    journal: Mutex<Journal>,
}

/// Serves until the process is told to stop.
pub async fn serve(listener: TcpListener, stdin: bool) -> Result<()> {
    let stock = Arc::new(Stock {
        left: Mutex::default(),
        journal: Mutex::new(Journal::open(Watch::follow("slow-disk")?)?),
    });
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let stock = Arc::clone(&stock);
            // A connection that breaks ends its thread; there is nothing else to do about it.
            std::thread::spawn(move || drop(stock.talk(&stream)));
        }
    });
    lifeline::stop(stdin).await;
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stock {
    fn talk(&self, mut stream: &TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        loop {
            line.clear();
            if reader.by_ref().take(LINE_MAX).read_line(&mut line)? == 0 {
                return Ok(());
            }
            let answer = self.answer(line.trim_end());
            stream.write_all(format!("{answer}\n").as_bytes())?;
        }
    }

    fn answer(&self, line: &str) -> String {
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            ["PING"] => "PONG".to_owned(),
            ["LOOK", id] => match id.parse() {
                Ok(id) => format!("LEFT {}", self.look(id)),
                Err(_) => "ERROR LOOK takes a number".to_owned(),
            },
            ["TAKE", id, count] => match (id.parse(), count.parse()) {
                (Ok(id), Ok(count)) => self.take(id, count),
                _ => "ERROR TAKE takes two numbers".to_owned(),
            },
            _ => "ERROR ask PING, LOOK id or TAKE id n".to_owned(),
        }
    }

    fn look(&self, id: u32) -> u64 {
        lock(&self.left).get(&id).copied().unwrap_or(FULL)
    }

    fn take(&self, id: u32, count: u64) -> String {
        let left = {
            let mut shelves = lock(&self.left);
            let left = shelves.entry(id % 1000).or_insert(FULL);
            if *left == 0 {
                *left = FULL;
            }
            match left.checked_sub(count) {
                None => return "NONE".to_owned(),
                Some(rest) => *left = rest,
            }
            *left
        };
        match lock(&self.journal).append(&format!("TAKE {id} {count}")) {
            Ok(()) => format!("LEFT {left}"),
            Err(error) => format!("ERROR {error}"),
        }
    }
}
