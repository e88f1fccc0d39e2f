//! `coral doctor --offline`: which sockets every process of Coral on this machine has open, and that none of them leads
//! beyond it. What cannot be looked at or told apart is not taken for harmless.

mod processes;
mod sockets;

use crate::failure::Failure;
use coral_model::observed::visible;
use processes::Process;
use serde::Serialize;
use sockets::Socket;

/// What the processes of Coral have open.
#[derive(Debug, Serialize)]
pub struct Offline {
    /// Nothing leads beyond this machine, and everything could be looked at.
    pub ok: bool,
    processes: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    pid: u32,
    name: String,
    /// Why its sockets are not known.
    hidden: Option<String>,
    sockets: Vec<Open>,
}

/// Sockets that look the same.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Open {
    #[serde(flatten)]
    socket: Socket,
    count: u32,
}

/// Looks at all of them.
pub fn examine() -> Offline {
    let rows: Vec<Row> = processes::of_coral().into_iter().map(row).collect();
    Offline {
        ok: rows.iter().all(Row::stays),
        processes: rows,
    }
}

fn row(process: Process) -> Row {
    let (sockets, hidden) = match sockets::of(process.pid) {
        Ok(sockets) => (folded(sockets), None),
        Err(why) => (vec![], Some(why)),
    };
    Row {
        pid: process.pid,
        name: process.name,
        hidden,
        sockets,
    }
}

fn folded(mut sockets: Vec<Socket>) -> Vec<Open> {
    sockets.sort();
    let mut open: Vec<Open> = vec![];
    for socket in sockets {
        match open.last_mut() {
            Some(last) if last.socket == socket => last.count += 1,
            _ => open.push(Open { socket, count: 1 }),
        }
    }
    open
}

impl Row {
    fn stays(&self) -> bool {
        self.hidden.is_none() && self.sockets.iter().all(|open| open.socket.stays)
    }
}

impl Offline {
    /// For people.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for row in &self.processes {
            out += &format!("{} (pid {})\n", visible(&row.name), row.pid);
            if let Some(why) = &row.hidden {
                out += &format!("  ✖ not known: {why}\n");
            } else if row.sockets.is_empty() {
                out += "  ✔ no socket\n";
            }
            for Open { socket, count } in &row.sockets {
                let sign = if socket.stays { "✔" } else { "✖" };
                let times = match count {
                    1 => String::new(),
                    n => format!("  ({n} of them)"),
                };
                let kind = socket.kind;
                let what = visible(&socket.what);
                out += &format!("  {sign} {kind:<8}{what}{times}\n");
            }
        }
        let sockets = self.processes.iter().flat_map(|row| &row.sockets);
        let count: u32 = sockets.map(|open| open.count).sum();
        let processes = self.processes.len();
        out + &match self.ok {
            true => format!(
                "\n{processes} processes, {count} sockets: none leads beyond this machine\n"
            ),
            false => format!(
                "\n{processes} processes, {count} sockets: what is marked ✖ may lead beyond this machine\n"
            ),
        }
    }

    /// That nothing leaves, as the exit code says it.
    ///
    /// # Errors
    /// [`Failure`] when something may.
    pub fn verdict(&self) -> Result<(), Failure> {
        if self.ok {
            return Ok(());
        }
        let open: Vec<_> = self.processes.iter().filter(|row| !row.stays()).collect();
        let names: Vec<_> = open
            .iter()
            .map(|row| format!("{} (pid {})", visible(&row.name), row.pid))
            .collect();
        let hint = match open.iter().any(|row| row.hidden.is_some()) {
            true => "processes of other users are looked at with `sudo coral doctor --offline`",
            false => "what each holds stands above",
        };
        let message = format!("not shown to stay on this machine: {}", names.join(", "));
        Err(Failure::failed(message, hint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(kind: &'static str, what: &str, stays: bool) -> Socket {
        Socket {
            kind,
            what: what.to_owned(),
            stays,
        }
    }

    #[test]
    fn one_socket_that_leaves_and_one_hidden_process_each_spoil_it() {
        let row = |sockets, hidden| Row {
            pid: 7,
            name: "coral-daemon".into(),
            hidden,
            sockets,
        };
        let of = |rows: Vec<Row>| Offline {
            ok: rows.iter().all(Row::stays),
            processes: rows,
        };
        let unix = || socket("unix", "/run/colony.sock", true);
        let fine = of(vec![row(folded(vec![unix(), unix()]), None)]);
        assert!(fine.verdict().is_ok());
        assert!(
            fine.text()
                .contains("✔ unix    /run/colony.sock  (2 of them)"),
            "{}",
            fine.text()
        );
        let out = socket("tcp", "10.0.0.1:5 -> 192.0.2.1:443", false);
        let leaves = of(vec![row(folded(vec![unix(), out]), None)]);
        assert!(leaves.verdict().unwrap_err().message.contains("pid 7"));
        assert!(leaves.text().contains("✖ tcp"), "{}", leaves.text());
        let hidden = of(vec![row(vec![], Some("not allowed".into()))]);
        assert!(hidden.verdict().unwrap_err().hint.contains("sudo"));
    }
}
