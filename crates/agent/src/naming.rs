//! What a process is called: what it declares, else what an interpreter runs, else its program's file name.

use crate::proc::facts::Facts;
use coral_model::{Observed, ServiceClass, ServiceKey};

/// Programs of the operating system, by file name.
const SYSTEM: &[&str] = &[
    "sshd",
    "dockerd",
    "containerd",
    "containerd-shim-runc-v2",
    "dbus-daemon",
    "cron",
    "crond",
    "rsyslogd",
    "chronyd",
    "ntpd",
    "agetty",
    "polkitd",
    "NetworkManager",
    "wpa_supplicant",
    "snapd",
    "cupsd",
    "avahi-daemon",
    "rpcbind",
    "init",
    "kubelet",
    "unattended-upgr",
    "udisksd",
];
/// Programs of Coral; the demo shop is an application like any other.
const CORAL: &[&str] = &["coral", "coral-daemon", "coral-colony"];

/// Names a process.
pub fn name(facts: &Facts) -> (ServiceKey, ServiceClass) {
    let program = facts.exe.as_deref().map_or(facts.comm.as_str(), base_name);
    let class = class(program);
    let name = match &facts.declared {
        Some(declared) => declared.clone(),
        None => interpreted(program, facts).unwrap_or_else(|| program.to_owned()),
    };
    let name = if name.is_empty() {
        format!("pid {}", facts.pid)
    } else {
        name
    };
    (
        ServiceKey {
            namespace: Observed::default(),
            name: Observed::new(name),
        },
        class,
    )
}

/// Names a process that was gone before it could be read, by the kernel's name for it.
pub fn name_by_comm(comm: &[u8; 16]) -> (ServiceKey, ServiceClass) {
    let end = comm.iter().position(|&b| b == 0).unwrap_or(comm.len());
    let name = Observed::from_bytes(&comm[..end]);
    let class = class(name.raw());
    (
        ServiceKey {
            namespace: Observed::default(),
            name,
        },
        class,
    )
}

fn class(program: &str) -> ServiceClass {
    if CORAL.contains(&program) {
        ServiceClass::Coral
    } else if SYSTEM.contains(&program) || program.starts_with("systemd") {
        ServiceClass::System
    } else {
        ServiceClass::App
    }
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A file name without its last ending.
fn stem(path: &str) -> &str {
    let base = base_name(path);
    base.rsplit_once('.')
        .map_or(base, |(stem, _)| if stem.is_empty() { base } else { stem })
}

fn interpreted(program: &str, facts: &Facts) -> Option<String> {
    let args: Vec<&str> = facts.args.iter().skip(1).map(String::as_str).collect();
    let plain = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    match plain {
        "python" | "pypy" => python(&args),
        "node" | "nodejs" => facts
            .package
            .clone()
            .or_else(|| script(&args, &["-r", "--require", "--import"])),
        "java" => java(&args),
        "ruby" | "perl" | "php" | "php-fpm" | "bash" | "sh" | "dash" | "lua" | "Rscript"
        | "deno" | "bun" => script(&args, &["-I", "-r", "-c", "-e"]),
        _ => None,
    }
}

/// `python -m http.server` is http.server, `python /usr/bin/gunicorn shop.wsgi:app` is shop.wsgi, `python x.py` is x.
fn python(args: &[&str]) -> Option<String> {
    let at = args
        .iter()
        .position(|a| *a == "-m" || !a.starts_with('-'))?;
    let (what, rest) = if args[at] == "-m" {
        (*args.get(at + 1)?, args.get(at + 2..)?)
    } else {
        (stem(args[at]), &args[at + 1..])
    };
    if matches!(
        what,
        "gunicorn" | "uvicorn" | "hypercorn" | "daphne" | "granian"
    ) {
        let app = rest.iter().find(|a| !a.starts_with('-') && a.contains(':'));
        return Some(
            app.and_then(|a| a.split(':').next())
                .unwrap_or(what)
                .to_owned(),
        );
    }
    Some(what.to_owned())
}

/// `java -jar a.jar` is a, `java -cp x org.acme.Main` is Main.
fn java(args: &[&str]) -> Option<String> {
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match *arg {
            "-jar" => return rest.next().map(|jar| stem(jar).to_owned()),
            "-cp" | "-classpath" | "--class-path" | "-p" | "--module-path" => _ = rest.next(),
            main if !main.starts_with('-') => {
                return Some(main.rsplit(['.', '/']).next().unwrap_or(main).to_owned());
            }
            _ => {}
        }
    }
    None
}

/// The first argument that is a script; `takes_value` are the options whose value is not it.
fn script(args: &[&str], takes_value: &[&str]) -> Option<String> {
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if takes_value.contains(arg) {
            rest.next()?;
        } else if !arg.starts_with('-') {
            return Some(stem(arg).to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(exe: &str, args: &[&str]) -> String {
        let args = args.iter().map(|a| (*a).to_owned()).collect();
        let facts = Facts {
            pid: 7,
            exe: Some(exe.into()),
            args,
            ..Facts::default()
        };
        name(&facts).0.name.raw().to_owned()
    }

    #[test]
    fn interpreters_are_named_by_what_they_run() {
        for (exe, args, want) in [
            (
                "/usr/bin/python3.11",
                &["python3", "-m", "http.server", "80"][..],
                "http.server",
            ),
            (
                "/usr/bin/python3.11",
                &["python3", "-u", "app/main.py"],
                "main",
            ),
            (
                "/usr/bin/python3",
                &["python3", "/usr/bin/gunicorn", "-w", "4", "shop.wsgi:app"],
                "shop.wsgi",
            ),
            (
                "/usr/bin/node",
                &["node", "--require", "x.js", "server.js"],
                "server",
            ),
            (
                "/opt/java/bin/java",
                &["java", "-Xmx1g", "-jar", "/srv/orders-1.2.jar"],
                "orders-1.2",
            ),
            (
                "/opt/java/bin/java",
                &["java", "-cp", "a:b", "org.acme.Main"],
                "Main",
            ),
            ("/usr/bin/python3", &["python3"], "python3"),
            ("/usr/sbin/nginx", &["nginx: master process"], "nginx"),
        ] {
            assert_eq!(named(exe, args), want, "{args:?}");
        }
    }

    #[test]
    fn what_is_declared_wins_and_classes_are_told_apart() {
        let facts = Facts {
            exe: Some("/x/coral-shop".into()),
            declared: Some("cart".into()),
            ..Facts::default()
        };
        assert_eq!(name(&facts), (ServiceKey::plain("cart"), ServiceClass::App));
        let of = |exe: &str| {
            name(&Facts {
                exe: Some(exe.into()),
                ..Facts::default()
            })
            .1
        };
        assert_eq!(of("/usr/sbin/sshd"), ServiceClass::System);
        assert_eq!(
            of("/usr/lib/systemd/systemd-resolved"),
            ServiceClass::System
        );
        assert_eq!(of("/x/coral-colony"), ServiceClass::Coral);
        assert_eq!(
            name_by_comm(b"curl\0\0\0\0\0\0\0\0\0\0\0\0").0,
            ServiceKey::plain("curl")
        );
    }
}
