//! `init`, `use` and `colonies`: which colonies are known here, and which one is meant.

use super::say::say;
use crate::args::{Init, Output, Use};
use crate::failure::Failure;
use crate::place::Place;
use crate::suggest;
use coral_config::{
    Context, Folders, Role, UserConfig, is_held, load_user, local_colonies, save_context,
};
use coral_mesh::ssh::Target;
use coral_model::ColonyId;
use serde::Serialize;
use serde_json::json;
use std::io::{BufRead as _, IsTerminal as _, Write as _};

/// The colony that there is without any configuration.
const DEFAULT: &str = "local";

/// A row of `coral colonies`.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Row {
    name: String,
    /// Whether commands mean it when none is named.
    current: bool,
    /// `running`, `stopped`, or unknown for one on another machine: nobody was asked.
    state: Option<&'static str>,
    address: String,
}

/// Names a new colony on this machine.
pub(super) fn init(options: Init, output: Output) -> Result<(), Failure> {
    let folders = Folders::discover()?;
    let user = load_user(&folders)?;
    let name = match options.name {
        Some(name) => name,
        None => ask_for_a_name()?,
    };
    let place = Place::at(&folders, &name)?;
    if names(&folders, &user).contains(&name) {
        return Err(Failure::failed(
            format!("there is a colony {name} already"),
            format!("`coral use {name}` makes it the one that is meant"),
        ));
    }
    let file = save_context(&folders, &name, Some(&Context::default()))?;
    let next = "coral up";
    let value = json!({ "colony": name, "config": file.display().to_string(), "next": next });
    say(&value, output, || {
        let (file, store) = (file.display(), place.folder.store.display());
        format!(
            "colony {name} is the one that is meant now ({file})\nits data will be in {store}\n`{next}` starts it\n"
        )
    })
}

fn ask_for_a_name() -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        let hint = "give it: coral init NAME";
        return Err(Failure::usage("a colony needs a name", hint));
    }
    eprint!("name of the colony, such as that of the application: ");
    let mut line = String::new();
    let read = std::io::stderr()
        .flush()
        .and_then(|()| std::io::stdin().lock().read_line(&mut line));
    read.map_err(|e| Failure::failed(format!("read the name: {e}"), ""))?;
    Ok(line.trim().to_owned())
}

/// Makes a colony the current one; with `--ssh` also says where it is.
pub(super) fn choose(options: Use, output: Output) -> Result<(), Failure> {
    let folders = Folders::discover()?;
    let mut user = load_user(&folders)?;
    let name = options.name;
    let context = match options.ssh {
        Some(host) => Some(remote(&host, options.remote_name)?),
        None => None,
    };
    if let Some(context) = &context {
        user.contexts.insert(name.clone(), context.clone());
    }
    let known = names(&folders, &user);
    if !known.contains(&name) {
        let near = suggest::near(&name, known.iter().map(String::as_str));
        let otherwise = format!("`coral init {name}` names a new one here, --ssh one elsewhere");
        let hint = suggest::question(&near, &otherwise);
        return Err(Failure::failed(format!("there is no colony {name}"), hint));
    }
    ColonyId::new(&name).map_err(|e| Failure::usage(e.to_string(), ""))?;
    let place = Place::of(&folders, &user, &name)?;
    save_context(&folders, &name, context.as_ref())?;
    let address = place.address();
    let value = json!({ "colony": name, "address": address });
    say(&value, output, || {
        format!("colony {name} is the one that is meant now ({address})\n")
    })
}

fn remote(host: &str, colony: Option<String>) -> Result<Context, Failure> {
    let target = Target::new(host).map_err(|e| Failure::usage(format!("`{host}`: {e}"), ""))?;
    let ssh = Some(target.to_string());
    Ok(Context { ssh, colony })
}

/// Lists them.
pub(super) fn list(named: Option<&str>, output: Output) -> Result<(), Failure> {
    let folders = Folders::discover()?;
    let user = load_user(&folders)?;
    let current = named.filter(|n| !n.is_empty()).unwrap_or(&user.colony);
    let rows: Vec<Row> = names(&folders, &user)
        .into_iter()
        .filter_map(|name| row(&folders, &user, current, name))
        .collect();
    say(&json!({ "colonies": rows }), output, || table(&rows))
}

fn row(folders: &Folders, user: &UserConfig, current: &str, name: String) -> Option<Row> {
    let place = Place::of(folders, user, &name).ok()?;
    let runs = || is_held(&place.folder.run, Role::Colony).is_some();
    let state = match place.remote {
        Some(_) => None,
        None if runs() => Some("running"),
        None => Some("stopped"),
    };
    Some(Row {
        current: name == current,
        state,
        address: place.address(),
        name,
    })
}

/// Every colony that can be meant, sorted.
fn names(folders: &Folders, user: &UserConfig) -> Vec<String> {
    let mut names = local_colonies(folders);
    names.extend(user.contexts.keys().cloned());
    names.extend([user.colony.clone(), DEFAULT.to_owned()]);
    names.sort_unstable();
    names.dedup();
    names
}

fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let line = |row: &Row| {
        let mark = if row.current { '*' } else { ' ' };
        let state = row.state.unwrap_or("—");
        format!("{mark} {:width$}  {state:8}  {}\n", row.name, row.address)
    };
    rows.iter().map(line).collect()
}
