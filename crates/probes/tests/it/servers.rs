//! Unmodified servers from packages against their own logs: whatever a client does to them, requests and errors are what
//! the server wrote down, on both sides. An answer that was cut off is an error for Coral; the logs are set to say so.

use crate::kernel::{CLIENT, Kernel, SERVER};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server, its log, and how an error is told in it.
struct Server {
    folder: tempfile::TempDir,
    process: Child,
    port: u16,
    is_error: fn(&str) -> bool,
}

/// Far more than socket buffers hold, so that a client that leaves cuts the answer.
const BIG: u64 = 30_000_000;

impl Server {
    /// Starts it in a folder with the files `/hello` and `/big`; `command` is given the folder and a port.
    fn start(is_error: fn(&str) -> bool, command: impl FnOnce(&Path, u16) -> Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        std::fs::write(folder.path().join("hello"), "hello\n").unwrap();
        std::fs::File::create(folder.path().join("big"))
            .unwrap()
            .set_len(BIG)
            .unwrap();
        let mut command = command(folder.path(), port);
        let process = command
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self {
            folder,
            process,
            port,
            is_error,
        };
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "the server does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Requests and errors in its log.
    fn truth(&self) -> (u64, u64) {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines = || log.lines().filter(|l| !l.trim().is_empty());
        (
            lines().count() as u64,
            lines().filter(|l| (self.is_error)(l)).count() as u64,
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.process.id() as i32);
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.process.wait();
    }
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// What clients do: keep-alive and not, HTTP/1.0, ranges, uploads, HEAD, what is not there, pipelining, leaving early.
fn load(server: &Server) {
    let (hello, big, missing) = (
        server.url("/hello"),
        server.url("/big"),
        server.url("/missing"),
    );
    let upload = server.folder.path().join("upload");
    std::fs::write(&upload, vec![b'G'; 300_000]).unwrap();
    run("hey", &["-n", "2000", "-c", "8", &hello]);
    run(
        "hey",
        &["-n", "200", "-c", "4", "-disable-keepalive", &hello],
    );
    run("ab", &["-q", "-n", "300", "-c", "4", "-k", &hello]);
    run("curl", &["-s", "-o", "/dev/null", "--http1.0", &hello]);
    run("curl", &["-s", "-o", "/dev/null", "-r", "0-99", &big]);
    run("curl", &["-s", "-o", "/dev/null", &big]);
    run("curl", &["-s", "-o", "/dev/null", "-I", &hello]);
    run(
        "curl",
        &["-s", "-o", "/dev/null", &missing, &missing, &hello],
    );
    run(
        "curl",
        &[
            "-s",
            "-o",
            "/dev/null",
            "--data-binary",
            &format!("@{}", upload.display()),
            &hello,
        ],
    );
    pipelined_and_split(server.port);
}

/// Eight requests in one connection, the heads cut at every place.
fn pipelined_and_split(port: u16) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    let request = b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
    let last = b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let all = [request.repeat(7), last.to_vec()].concat();
    all.chunks(11)
        .for_each(|part| stream.write_all(part).unwrap());
    let _ = stream.read_to_end(&mut vec![]);
}

/// Reads the begin of a large answer and resets the connection.
fn leaves_early(port: u16) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .write_all(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    stream.read_exact(&mut [0; 4096]).unwrap();
    let linger = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    nix::sys::socket::setsockopt(&stream, nix::sys::socket::sockopt::Linger, &linger).unwrap();
}

/// Sum and errors of a side at a port.
fn figures(kernel: &mut Kernel, port: u16, side: u8) -> (u64, u64) {
    let rows = kernel.rows(port).into_iter().filter(|row| row.0 == side);
    rows.fold((0, 0), |(all, bad), (_, _, class, ending, n)| {
        (all + n, bad + if class == 5 || ending != 0 { n } else { 0 })
    })
}

/// Loads a server and wants both sides to say what its log says.
fn counted_as_logged(start: impl FnOnce() -> Server) {
    counted(start, |server| {
        load(server);
        leaves_early(server.port);
    });
}

fn counted(start: impl FnOnce() -> Server, load: impl FnOnce(&Server)) {
    let Some(mut kernel) = Kernel::attach() else {
        return;
    };
    let server = start();
    load(&server);
    let until = Instant::now() + Duration::from_secs(10);
    let mut same = || {
        let truth = server.truth();
        let (served, sent) = (
            figures(&mut kernel, server.port, SERVER),
            figures(&mut kernel, server.port, CLIENT),
        );
        ((truth, truth), (served, sent))
    };
    while {
        let (truth, seen) = same();
        truth != seen
    } && Instant::now() < until
    {
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_millis(100));
    let (truth, seen) = same();
    assert!(truth.0.0 > 2_500, "the log holds {truth:?}");
    assert_eq!(
        seen, truth,
        "seen by (server, client) and what the log says; lost: {:?}",
        kernel.lost
    );
}

fn nginx(folder: &Path, port: u16, sendfile: &str) -> Command {
    let root = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|k| format!("{k}_temp_path {root}/{k};"))
        .concat();
    let config = format!(
        "worker_processes 2; daemon off; user root; pid {root}/pid; error_log {root}/error.log;
         events {{ }} http {{ {temporary} sendfile {sendfile}; keepalive_requests 100000;
         log_format own '$status $request_completion'; access_log {root}/log own;
         server {{ listen 127.0.0.1:{port}; root {root}; error_page 405 =200 $uri; }} }}"
    );
    std::fs::write(folder.join("nginx.conf"), config).unwrap();
    let mut command = Command::new("nginx");
    command.arg("-c").arg(folder.join("nginx.conf"));
    command
}

fn nginx_error(line: &str) -> bool {
    line.starts_with('5') || line.starts_with("499") || !line.ends_with("OK")
}

#[test]
fn nginx_with_sendfile() {
    counted_as_logged(|| Server::start(nginx_error, |folder, port| nginx(folder, port, "on")));
}

#[test]
fn nginx_without_sendfile() {
    counted_as_logged(|| Server::start(nginx_error, |folder, port| nginx(folder, port, "off")));
}

/// Apache accepts deferred: the first request often completes the handshake.
#[test]
fn apache() {
    let modules = PathBuf::from("/usr/lib/apache2/modules");
    let start = |folder: &Path, port: u16| {
        let root = folder.display();
        let load = ["mpm_event", "authz_core", "log_config"]
            .map(|m| ("", m))
            .iter()
            .filter(|(_, m)| modules.join(format!("mod_{m}.so")).exists())
            .map(|(_, m)| format!("LoadModule {m}_module {}/mod_{m}.so\n", modules.display()))
            .collect::<String>();
        let config = format!(
            "{load}ServerRoot {root}\nServerName a\nListen 127.0.0.1:{port}\nPidFile {root}/pid\nDocumentRoot {root}\n\
             DefaultRuntimeDir {root}\nErrorLog {root}/error.log\nMaxKeepAliveRequests 0\nLogFormat \"%>s %X\" own\n\
             CustomLog {root}/log own\n<Directory />\nRequire all granted\n</Directory>\n"
        );
        std::fs::write(folder.join("apache.conf"), config).unwrap();
        let mut command = Command::new("apache2");
        command
            .args(["-D", "FOREGROUND", "-f"])
            .arg(folder.join("apache.conf"));
        command
    };
    counted_as_logged(|| Server::start(|line| line.starts_with('5') || line.ends_with('X'), start));
}

/// Node calls an answer finished when it has handed it to the kernel, so its word for a cut is no truth: nobody leaves
/// early here.
#[test]
fn node() {
    let script = "const http = require('http'), fs = require('fs');
        const big = Buffer.alloc(30000000);
        http.createServer((q, a) => {
          a.on('finish', () => fs.appendFileSync('log', a.statusCode + '\\n'));
          q.resume();
          if (q.url === '/missing') { a.statusCode = 404; a.end(); }
          else if (q.url === '/big') a.end(big);
          else a.end('hello');
        }).listen(+process.argv[1], '127.0.0.1');";
    let start = |_: &Path, port: u16| {
        let mut command = Command::new("node");
        command.args(["-e", script, &port.to_string()]);
        command
    };
    counted(|| Server::start(|line| line.starts_with('5'), start), load);
}
