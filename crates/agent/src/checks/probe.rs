//! One health check: a connection, or a GET whose status is looked at. Nothing but loopback is ever connected to.

use coral_model::Check;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(2);
/// An answer is read to its end, so that the server does not see it cut; a longer one is not.
const ANSWER_MAX: usize = 1 << 20;
/// The first line of an answer is shorter.
const LINE_MAX: usize = 256;

/// Runs it; the status, or what was wrong.
pub async fn run(port: u16, check: &Check) -> Result<String, String> {
    let late = || format!("no answer within {} s", LIMIT.as_secs());
    match check {
        Check::Tcp => match timeout(LIMIT, connect(port)).await {
            Ok(connected) => connected.map(|_| "connected".to_owned()),
            Err(_) => Err(late()),
        },
        Check::Http(path) => {
            let mut line = vec![];
            let asked = timeout(LIMIT, get(port, path, &mut line)).await;
            match (status(&line), asked) {
                // What comes after the status may take its time.
                (Some(status), _) => judge(status),
                (None, Err(_)) => Err(late()),
                (None, Ok(Err(error))) => Err(error),
                (None, Ok(Ok(()))) => Err("no HTTP answer".to_owned()),
            }
        }
    }
}

async fn connect(port: u16) -> Result<TcpStream, String> {
    let mut refused = String::new();
    for ip in [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ] {
        match TcpStream::connect((ip, port)).await {
            Ok(stream) => return Ok(stream),
            Err(error) if refused.is_empty() => refused = words(&error),
            Err(_) => {}
        }
    }
    Err(refused)
}

/// `connection refused`, without the number of the error.
fn words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        std::io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        _ => error.to_string(),
    }
}

/// Asks and reads the answer to its end; its first bytes are in `line` as soon as they are there.
async fn get(port: u16, path: &str, line: &mut Vec<u8>) -> Result<(), String> {
    let failed = |error: std::io::Error| words(&error);
    let mut stream = connect(port).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: coral-health-check\r\nAccept: */*\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.map_err(failed)?;
    let (mut total, mut piece) = (0, [0; 4096]);
    while total < ANSWER_MAX {
        let read = stream.read(&mut piece).await.map_err(failed)?;
        if read == 0 {
            break;
        }
        total += read;
        let room = LINE_MAX.saturating_sub(line.len()).min(read);
        line.extend_from_slice(&piece[..room]);
    }
    Ok(())
}

/// `HTTP/1.1 503 Service Unavailable` is 503.
fn status(line: &[u8]) -> Option<u16> {
    let rest = line.strip_prefix(b"HTTP/1.")?;
    let [_, b' ', digits @ ..] = rest else {
        return None;
    };
    let digits = std::str::from_utf8(digits.get(..3)?).ok()?;
    let ends = digits.bytes().all(|b| b.is_ascii_digit())
        && matches!(rest.get(5), Some(b' ' | b'\r' | b'\n'));
    digits
        .parse()
        .ok()
        .filter(|status| ends && (100..=599).contains(status))
}

fn judge(status: u16) -> Result<String, String> {
    match status {
        200..=399 => Ok(status.to_string()),
        _ => Err(status.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Answers once with these bytes, then holds the connection open or closes it.
    async fn server(answer: &'static [u8], hold: bool) -> (u16, tokio::task::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 512];
            let read = stream.read(&mut asked).await.unwrap();
            asked.truncate(read);
            stream.write_all(answer).await.unwrap();
            if hold {
                tokio::time::sleep(LIMIT * 2).await;
            }
            asked
        });
        (port, served)
    }

    #[tokio::test]
    async fn the_status_decides() {
        for (answer, said) in [
            (
                &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"[..],
                Ok("200"),
            ),
            (b"HTTP/1.0 302 Found\r\n\r\n", Ok("302")),
            (b"HTTP/1.1 503 \x1b[31mNo\r\n\r\n", Err("503")),
            (b"HTTP/1.1 404\r\n\r\n", Err("404")),
            (b"HTTP/1.1 2000 OK\r\n\r\n", Err("no HTTP answer")),
            (b"SSH-2.0-OpenSSH\r\n", Err("no HTTP answer")),
            (b"", Err("no HTTP answer")),
        ] {
            let (port, served) = server(answer, false).await;
            let found = run(port, &Check::Http("/up".into())).await;
            assert_eq!(found.as_deref().map_err(String::as_str), said, "{answer:?}");
            let asked = served.await.unwrap();
            assert!(
                asked.starts_with(b"GET /up HTTP/1.1\r\nHost: localhost:"),
                "{asked:?}"
            );
        }
    }

    #[tokio::test]
    async fn nobody_and_somebody_silent_are_told_apart() {
        let free = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let http = Check::Http("/".into());
        assert_eq!(run(free, &http).await, Err("connection refused".into()));
        assert_eq!(
            run(free, &Check::Tcp).await,
            Err("connection refused".into())
        );
        let (port, served) = server(b"", true).await;
        assert_eq!(run(port, &http).await, Err("no answer within 2 s".into()));
        served.abort();
        // An answer whose end does not come has a status all the same.
        let (port, served) = server(b"HTTP/1.1 204 No Content\r\n\r\n", true).await;
        assert_eq!(run(port, &http).await, Ok("204".into()));
        served.abort();
    }
}
