//! `coral connect`: gives services a name, lists those that have one, takes a name back.

mod spec;

use super::say::say;
use crate::args::{Connect as Options, Output};
use crate::client::wants::{self, Wish};
use crate::failure::Failure;
use crate::place::Place;
use coral_model::{Check, Connect, ConnectTarget, Observed, ServiceKey, Want};
use coral_report::text;
use serde_json::{Value, json};
use spec::Spec;
use tonic::transport::Channel;

/// Does what was asked for.
pub(super) async fn run(place: &Place, options: Options, output: Output) -> Result<(), Failure> {
    if options.list {
        let wishes = wants::list(crate::client::connect(place).await?).await?;
        return listed(&connected(wishes), output);
    }
    if options.remove {
        return remove(place, &options.specs, output).await;
    }
    let connects = wished(&options)?;
    let channel = crate::client::connect(place).await?;
    for connect in &connects {
        let want = Want::Connect(connect.clone());
        wants::put(channel.clone(), &id(connect), &want).await?;
    }
    let rows: Vec<Value> = connects.iter().map(row).collect();
    say(&json!({ "connected": rows }), output, || {
        connects.iter().map(told).collect()
    })
}

/// What the arguments mean.
fn wished(options: &Options) -> Result<Vec<Connect>, Failure> {
    if let Some(pattern) = &options.exe_pattern {
        let [name] = &options.specs[..] else {
            return Err(Failure::usage(
                "--exe-pattern takes one name: coral connect NAME --exe-pattern RE",
                "such as: coral connect worker --exe-pattern '/worker$'",
            ));
        };
        return Ok(vec![Connect {
            service: ServiceKey::plain(spec::name(name)?),
            target: ConnectTarget::ExePattern(pattern.clone()),
            check: None,
            kind: Observed::default(),
        }]);
    }
    if options.specs.is_empty() {
        return Err(spec::wrong("nothing to connect"));
    }
    let connect = |text: &String| Spec::parse(text).map(Spec::connect);
    options.specs.iter().map(connect).collect()
}

/// The same thing wished again is the same wish.
fn id(connect: &Connect) -> String {
    let name = connect.service.name.raw();
    match &connect.target {
        ConnectTarget::Port(port) => format!("connect/{name}/{port}"),
        ConnectTarget::ExePattern(pattern) => format!("connect/{name}/~{pattern}"),
    }
}

/// Takes back all names of a service, or that of one port.
async fn remove(place: &Place, specs: &[String], output: Output) -> Result<(), Failure> {
    if specs.is_empty() {
        let hint = "coral connect NAME --remove, or NAME:PORT; `coral connect --list` shows them";
        return Err(Failure::usage("nothing to remove", hint));
    }
    let channel = crate::client::connect(place).await?;
    let known = connected(wants::list(channel.clone()).await?);
    let mut gone = vec![];
    for spec in specs {
        gone.extend(remove_one(&channel, spec, &known).await?);
    }
    let rows: Vec<Value> = gone.iter().map(row).collect();
    say(&json!({ "removed": rows }), output, || {
        let line =
            |connect: &Connect| format!("{} is {} no longer\n", target(connect), name(connect));
        gone.iter().map(line).collect()
    })
}

async fn remove_one(
    channel: &Channel,
    spec: &str,
    known: &[(Wish, Connect)],
) -> Result<Vec<Connect>, Failure> {
    let (wanted, port) = match spec.split_once(':') {
        Some((name, port)) => (name, Some(spec::port(port, spec)?)),
        None => (spec, None),
    };
    let fits = |(_, connect): &&(Wish, Connect)| {
        let of_port = port.is_none_or(|port| connect.target == ConnectTarget::Port(port));
        connect.service.name.raw() == wanted && of_port
    };
    let mut gone = vec![];
    for (wish, connect) in known.iter().filter(fits) {
        wants::withdraw(channel.clone(), &wish.id).await?;
        gone.push(connect.clone());
    }
    match gone.is_empty() {
        false => Ok(gone),
        true => Err(Failure::failed(
            format!("{} is not connected", coral_model::observed::visible(spec)),
            "`coral connect --list` shows what is",
        )),
    }
}

fn connected(wishes: Vec<Wish>) -> Vec<(Wish, Connect)> {
    let connect = |wish: Wish| match wish.want.clone() {
        Want::Connect(connect) => Some((wish, connect)),
        _ => None,
    };
    wishes.into_iter().filter_map(connect).collect()
}

fn listed(known: &[(Wish, Connect)], output: Output) -> Result<(), Failure> {
    let value = |(wish, connect): &(Wish, Connect)| {
        let mut row = row(connect);
        row["state"] = json!(wish.state);
        row["reason"] = json!(wish.reason);
        row
    };
    let rows: Vec<Value> = known.iter().map(value).collect();
    say(&json!({ "connected": rows }), output, || table(known))
}

fn table(known: &[(Wish, Connect)]) -> String {
    if known.is_empty() {
        return "no service is connected by name; `coral connect NAME:PORT` connects one\n"
            .to_owned();
    }
    let cells = |(wish, connect): &(Wish, Connect)| {
        let health = check(connect);
        [
            name(connect),
            target(connect),
            health,
            format!("{}: {}", wish.state, wish.reason),
        ]
    };
    let rows: Vec<[String; 4]> = known.iter().map(cells).collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| text::width(&row[column]))
            .max()
            .unwrap_or(0)
    };
    let widths = [width(0), width(1), width(2)];
    let line = |[name, target, check, state]: &[String; 4]| {
        let left = |cell: &str, at: usize| text::left(cell, widths[at]);
        format!(
            "{}  {}  {}  {state}\n",
            left(name, 0),
            left(target, 1),
            left(check, 2)
        )
    };
    rows.iter().map(line).collect()
}

fn name(connect: &Connect) -> String {
    connect.service.name.visible().into_owned()
}

fn target(connect: &Connect) -> String {
    match &connect.target {
        ConnectTarget::Port(port) => format!("port {port}"),
        ConnectTarget::ExePattern(pattern) => {
            format!("programs like {}", coral_model::observed::visible(pattern))
        }
    }
}

fn check(connect: &Connect) -> String {
    match &connect.check {
        None => "no health check".to_owned(),
        Some(Check::Tcp) => "health: connects".to_owned(),
        Some(Check::Http(path)) => format!("health: GET {}", coral_model::observed::visible(path)),
    }
}

fn told(connect: &Connect) -> String {
    let (target, name) = (target(connect), name(connect));
    match &connect.check {
        None => format!("{target} is {name} from now on\n"),
        Some(_) => format!(
            "{target} is {name} from now on; {}, each 10 s\n",
            check(connect)
        ),
    }
}

fn row(connect: &Connect) -> Value {
    let (port, pattern) = match &connect.target {
        ConnectTarget::Port(port) => (json!(port), Value::Null),
        ConnectTarget::ExePattern(pattern) => {
            (Value::Null, json!(coral_model::observed::visible(pattern)))
        }
    };
    let check = match &connect.check {
        None => Value::Null,
        Some(Check::Tcp) => json!("tcp"),
        Some(Check::Http(path)) => json!(coral_model::observed::visible(path)),
    };
    json!({
        "service": name(connect), "port": port, "exe_pattern": pattern, "health": check,
        "type": connect.kind.visible(),
    })
}
