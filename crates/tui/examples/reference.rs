//! Writes the reference pages that are made of tables of the program: `docs/commands.md` and `docs/man/*.1` of the command
//! line, `docs/keys.md` of the console's keys. `cargo xtask gen` runs it; the argument is the folder to write into.

use clap::{Arg, ArgAction, Command, CommandFactory as _};
use coral_tui::args::Args;
use coral_tui::console::keys::{Scope, bindings};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

const SCOPES: [Scope; 25] = [
    Scope::Everywhere,
    Scope::Pages,
    Scope::Time,
    Scope::Rows,
    Scope::Panes,
    Scope::Leads,
    Scope::Sorted,
    Scope::Services,
    Scope::Topology,
    Scope::Events,
    Scope::Service,
    Scope::Act,
    Scope::Subject,
    Scope::Profile,
    Scope::Probing,
    Scope::Probes,
    Scope::Detach,
    Scope::Diagnose,
    Scope::Start,
    Scope::Typing,
    Scope::Palette,
    Scope::Attach,
    Scope::Confirm,
    Scope::Menu,
    Scope::Help,
];

fn main() -> io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let folder = Path::new(&folder);
    let mut command = Args::command();
    command.build();
    fs::create_dir_all(folder.join("man"))?;
    fs::write(folder.join("commands.md"), commands(&command))?;
    fs::write(folder.join("keys.md"), keys())?;
    man(&command, "coral", &folder.join("man"))
}

const NOTE: &str = "<!-- Made by `cargo xtask gen` of the program's own tables; edit those. -->";

fn commands(root: &Command) -> String {
    let mut out = format!("{NOTE}\n\n# Commands\n\n");
    out += "`coral` without a command opens the console; where stdout is no terminal it prints the status.\n\n";
    out += "Exit codes: 0 ok, 1 failed, 2 usage, 3 colony not reachable. With `-o json` an error is one object on stderr: ";
    out += "`{\"error\":{\"code\",\"message\",\"hint\"}}`.\n\n## Options of every command\n";
    options(&mut out, root.get_arguments().filter(|arg| shown(arg)));
    section(&mut out, root, "coral");
    out
}

/// A section for each command that does something itself.
fn section(out: &mut String, command: &Command, path: &str) {
    for sub in visible(command) {
        let path = format!("{path} {}", sub.get_name());
        if sub.has_subcommands() {
            section(out, sub, &path);
            continue;
        }
        let own: Vec<_> = sub
            .get_arguments()
            .filter(|arg| shown(arg) && !arg.is_global_set())
            .collect();
        let _ = write!(out, "\n## {path}");
        for arg in own.iter().filter(|arg| arg.is_positional()) {
            let _ = match arg.is_required_set() {
                true => write!(out, " {}", value(arg)),
                false => write!(out, " [{}]", value(arg)),
            };
        }
        let _ = writeln!(out, "\n\n{}.", about(sub));
        options(out, own.into_iter());
    }
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command
        .get_subcommands()
        .filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
}

fn shown(arg: &Arg) -> bool {
    !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str())
}

fn about(command: &Command) -> String {
    command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default()
}

fn options<'a>(out: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    let mut lines = arguments.map(option).peekable();
    if lines.peek().is_some() {
        *out += "\n| option | means |\n|---|---|\n";
        out.extend(lines);
    }
}

fn option(arg: &Arg) -> String {
    let mut name = match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (None, Some(long)) => format!("--{long}"),
        (Some(short), None) => format!("-{short}"),
        (None, None) => String::new(),
    };
    if matches!(arg.get_action(), ArgAction::Set | ArgAction::Append) {
        name = format!("{name} {}", value(arg));
    }
    let mut means = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let choices: Vec<_> = arg
        .get_possible_values()
        .iter()
        .map(|v| v.get_name().to_owned())
        .collect();
    if matches!(arg.get_action(), ArgAction::Set) && !choices.is_empty() {
        let _ = write!(means, ": {}", choices.join(", "));
    }
    if let [default] = arg.get_default_values()
        && matches!(arg.get_action(), ArgAction::Set)
    {
        let _ = write!(means, " [default: {}]", default.to_string_lossy());
    }
    if let Some(variable) = arg.get_env() {
        let _ = write!(means, " [environment: {}]", variable.to_string_lossy());
    }
    format!("| `{}` | {} |\n", name.trim(), means.replace('|', "\\|"))
}

fn value(arg: &Arg) -> String {
    match arg.get_value_names() {
        Some([name, ..]) => name.to_string().to_uppercase(),
        _ => arg.get_id().to_string().to_uppercase(),
    }
}

fn keys() -> String {
    let mut out =
        format!("{NOTE}\n\n# Keys of the console\n\nThe same list is in the console: `?`.\n");
    for scope in SCOPES {
        let title = scope.title();
        let _ = write!(
            out,
            "\n## {}{}\n\n| key | does |\n|---|---|\n",
            title[..1].to_uppercase(),
            &title[1..]
        );
        for binding in bindings(&[scope]) {
            let chords: Vec<_> = binding
                .chords
                .iter()
                .map(|chord| format!("`{}`", chord.label().replace('|', "\\|")))
                .collect();
            let _ = writeln!(out, "| {} | {} |", chords.join(" "), binding.help);
        }
    }
    out
}

/// A page for the program and for each command.
fn man(command: &Command, name: &str, folder: &Path) -> io::Result<()> {
    // clap keeps names for ever; this program does not live long.
    let whole: &'static str = name.to_owned().leak();
    let page = command.clone().name(whole).display_name(whole);
    let mut text = vec![];
    clap_mangen::Man::new(page).render(&mut text)?;
    fs::write(folder.join(format!("{name}.1")), text)?;
    for sub in visible(command) {
        man(sub, &format!("{name}-{}", sub.get_name()), folder)?;
    }
    Ok(())
}
