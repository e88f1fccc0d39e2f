//! nginx as the observed server, alone in its folder; its own counter is the truth about what it served.

use super::lab::{Lab, end};
use crate::failure::{Failure, Trying as _};
use crate::program;
use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

/// What Coral calls it: nginx writes its title over its environment, so a name given there is lost.
pub const SERVICE: &str = "nginx";

/// A running nginx; it is gone after this.
pub struct Nginx {
    process: Child,
    port: u16,
}

impl Nginx {
    pub fn start(lab: &Lab) -> Result<Self, Failure> {
        let port = free_port()?;
        let folder = lab.home().join("nginx");
        fs::create_dir_all(&folder).trying("create nginx's folder")?;
        let file = folder.join("nginx.conf");
        let root = folder.display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {root}/{kind};"))
            .concat();
        let config = format!(
            "worker_processes 2; daemon off; user root; pid {root}/pid; error_log {root}/error.log;
             events {{ worker_connections 1024; }}
             http {{ access_log off; keepalive_requests 100000000; {temporary}
             server {{ listen 127.0.0.1:{port};
             location /hello {{ return 200 'hello\\n'; }}
             location /fail {{ return 500; }} }} }}"
        );
        fs::write(&file, config).trying("write nginx's configuration")?;
        let program = program::find("nginx").unwrap_or_else(|| "/usr/sbin/nginx".into());
        let process = Command::new(program)
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|_| {
                Failure::new("nginx does not start").hint("run: apt-get install nginx-light")
            })?;
        let nginx = Self { process, port };
        lab.eventually("nginx listens", || listens(port))?;
        Ok(nginx)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

pub fn free_port() -> Result<u16, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").trying("find a free port")?;
    Ok(listener.local_addr().trying("find a free port")?.port())
}

pub fn listens(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}
