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
    is_request: fn(&str) -> bool,
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
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self {
            folder,
            process,
            port,
            is_request: |_| true,
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
        let lines = || {
            log.lines()
                .filter(|l| !l.trim().is_empty() && (self.is_request)(l))
        };
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

/// What clients do: keep-alive as `ab` wants it, and what [`load_modern`] does.
fn load(server: &Server) {
    let hello = server.url("/hello");
    run("ab", &["-q", "-n", "300", "-c", "4", "-k", &hello]);
    load_modern(server);
}

/// What clients do: keep-alive and not, HTTP/1.0, ranges, uploads, HEAD, what is not there, pipelining, leaving early.
fn load_modern(server: &Server) {
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
    assert!(truth.0.0 > 2_200, "the log holds {truth:?}");
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
    command.stdout(Stdio::null());
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

/// The log in which a server writes to its standard output or error.
fn log_file(folder: &Path) -> std::fs::File {
    std::fs::File::create(folder.join("log")).unwrap()
}

/// It writes a line before the answer's body, so a cut is nothing that it knows: nobody leaves early here.
#[test]
fn python() {
    let start = || {
        let mut server = Server::start(
            |line| line.contains("\" 5"),
            |folder, port| {
                let mut command = Command::new("python3");
                command.args(["-m", "http.server", "--protocol", "HTTP/1.1"]);
                command.args(["--bind", "127.0.0.1", &port.to_string()]);
                command.stdout(Stdio::null()).stderr(log_file(folder));
                command
            },
        );
        // What is wrong with a request has a line of its own.
        server.is_request = |line| line.contains("HTTP/1.");
        server
    };
    // Asked by HTTP/1.0 to keep a connection it does so without saying it, and `ab` waits for its end.
    counted(start, load_modern);
}

const GO: &str = include_str!("server.go");

/// The Go server, compiled once for each of its sources.
fn go_server() -> PathBuf {
    use std::hash::{Hash as _, Hasher as _};
    let mut hasher = std::hash::DefaultHasher::new();
    GO.hash(&mut hasher);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let program = folder.join(format!("go-server-{:x}", hasher.finish()));
    if !program.exists() {
        let source = folder.join("server.go");
        std::fs::write(&source, GO).unwrap();
        let made = program.with_extension("new");
        let (made, source) = (made.to_str().unwrap(), source.to_str().unwrap());
        run("go", &["build", "-o", made, source]);
        std::fs::rename(made, &program).unwrap();
    }
    program
}

#[test]
fn go() {
    let program = go_server();
    let start = |folder: &Path, port: u16| {
        let mut command = Command::new(&program);
        command.arg(port.to_string()).stdout(log_file(folder));
        command
    };
    let is_error = |line: &str| line.starts_with('5') || line.ends_with("cut");
    counted_as_logged(|| Server::start(is_error, start));
}

/// Requests and errors (5xx) that a proxy's frontend counted, from its statistics.
fn proxied(folder: &Path) -> (u64, u64) {
    let mut stats = std::os::unix::net::UnixStream::connect(folder.join("stats")).unwrap();
    stats.write_all(b"show stat\n").unwrap();
    let mut text = String::new();
    stats.read_to_string(&mut text).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let own = lines.find(|fields| fields[0] == "own").unwrap();
    let of = |name| {
        own[names.iter().position(|n| *n == name).unwrap()]
            .parse()
            .unwrap()
    };
    (of("req_tot"), of("hrsp_5xx"))
}

/// As proxy in front of nginx: what clients ask of it is what it counts, what it asks of nginx is what nginx logs. Its
/// own log leaves out lines under load, so its counters are asked.
#[test]
fn haproxy() {
    let Some(mut kernel) = Kernel::attach() else {
        return;
    };
    let behind = Server::start(nginx_error, |folder, port| nginx(folder, port, "on"));
    let start = |folder: &Path, port: u16| {
        let config = format!(
            "global\n stats socket {}/stats level admin\n maxconn 100\ndefaults\n mode http\n option http-ignore-probes\n
             timeout connect 5s\n timeout client 30s\n timeout server 30s\n
             frontend own\n bind 127.0.0.1:{port}\n default_backend behind\n
             backend behind\n server one 127.0.0.1:{}\n",
            folder.display(),
            behind.port
        );
        std::fs::write(folder.join("haproxy.cfg"), config).unwrap();
        let mut command = Command::new("haproxy");
        command.args(["-db", "-f"]).arg(folder.join("haproxy.cfg"));
        command.stdout(Stdio::null());
        command
    };
    let front = Server::start(|_| false, start);
    load(&front);
    let mut same = || {
        let seen = [front.port, behind.port].map(|port| {
            let of = |kernel: &mut Kernel, side| figures(kernel, port, side);
            (of(&mut kernel, SERVER), of(&mut kernel, CLIENT))
        });
        let truth = [proxied(front.folder.path()), behind.truth()].map(|truth| (truth, truth));
        (seen, truth)
    };
    let until = Instant::now() + Duration::from_secs(10);
    while {
        let (seen, truth) = same();
        seen != truth
    } && Instant::now() < until
    {
        std::thread::sleep(Duration::from_millis(50));
    }
    let (seen, truth) = same();
    assert!(truth[0].0.0 > 2_500, "it counted {truth:?}");
    assert_eq!(
        seen, truth,
        "(server, client) of the proxy and of nginx, and what they say"
    );
}
