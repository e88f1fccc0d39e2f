//! What can be typed. A command stands here only when it works.

use crate::compare::Compare;
use crate::console::look::Word;
use crate::single::Requests;
use crate::when::When;
use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Why is my running system slow or broken? Without a command: the console.
#[derive(Debug, Parser)]
#[command(
    name = "coral",
    version,
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 ok, 1 failed, 2 usage, 3 colony not reachable."
)]
pub struct Args {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What the console takes.
    #[command(flatten)]
    pub console: Console,
    /// The command; none is the console, or the status when stdout is no terminal.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every command.
#[derive(Debug, Clone, clap::Args)]
pub struct Global {
    /// The form of the output
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value = "table",
        value_name = "FORM"
    )]
    pub output: Output,
    /// From when: 90s, 15m, 2h, 1d ago, HH:MM[:SS] or RFC 3339 [default: 15m]
    #[arg(long, global = true, value_name = "WHEN")]
    pub since: Option<When>,
    /// Until when, in the same forms [default: now]
    #[arg(long, global = true, value_name = "WHEN")]
    pub until: Option<When>,
    /// Which colony: a name, or ssh://USER@HOST[/NAME] [default: that of config.toml, else local]
    #[arg(long, global = true, env = "CORAL_COLONY", value_name = "NAME")]
    pub colony: Option<String>,
    /// Ask again after so many seconds, until Ctrl-C (commands that ask the colony) [default: 2]
    #[arg(long, global = true, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub watch: Option<u32>,
    /// No colours; NO_COLOR does the same
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// Options of the console.
#[derive(Debug, Clone, clap::Args)]
pub struct Console {
    /// How the console looks, such as 16,ascii
    #[arg(
        long,
        env = "CORAL_THEME",
        value_enum,
        value_delimiter = ',',
        value_name = "WORDS"
    )]
    pub theme: Vec<Word>,
    /// Hide what acts on the system
    #[arg(long)]
    pub read_only: bool,
}

/// The form of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Text for people
    #[value(alias = "text")]
    Table,
    /// JSON for programs; errors as well
    Json,
    /// The rows, for spreadsheets
    Csv,
    /// All that JSON has, for people
    Yaml,
    /// The rows as a Markdown table
    Md,
    /// Of profiles: a line a stack, for flame graph tools
    Folded,
    /// Of profiles: the flame graph as a picture
    Svg,
    /// Of profiles: for `go tool pprof` and others
    Pprof,
}

impl Output {
    /// Whether it is a form of profiles alone.
    pub const fn is_of_profiles(self) -> bool {
        matches!(self, Self::Folded | Self::Svg | Self::Pprof)
    }
}

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Start a colony and an agent on this machine, in the background
    Up(Up),
    /// Stop what `up` started
    Down,
    /// The colony and its agents
    Status,
    /// What runs: one row a service
    Services(All),
    /// Who talks to whom
    Topology(All),
    /// Figures of the past
    #[command(subcommand)]
    Query(Query),
    /// Where the time goes, by function
    #[command(subcommand)]
    Profile(Profile),
    /// Functions of running programs: their calls, durations, arguments, without a restart
    #[command(subcommand)]
    Debug(Debug),
    /// Name a new colony on this machine and make it the one that is meant
    Init(Init),
    /// Make a colony the one that is meant when none is named
    Use(Use),
    /// The colonies that are known here
    Colonies,
    /// What this machine has and lacks, and where every setting comes from
    Doctor(Doctor),
    /// Open the console at a `coral://` link, or at what shows a piece of evidence: page, service and moment
    Open {
        /// The link, as `y` in the console copies it, or an id of evidence, as `diagnose` prints it; with -o the answer
        /// that shows the evidence is printed
        what: String,
    },
    /// The completions of a shell, to be sourced by it
    Completion {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Give a service a name, by its port or its program, and check its health: NAME:PORT[:HEALTH][:TYPE]
    Connect(Connect),
    /// What is wrong and why, without a model
    Diagnose(Diagnose),
    /// Incidents as files, to share and to keep
    #[command(subcommand)]
    Incident(Incident),
    /// Write something down on the timeline
    Note(Note),
    /// Write requests, routes, edges, events, hosts, ... as a file (docs/SQL.md)
    Export(Export),
    /// The version of this program
    Version,
}

/// Options of `init`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Init {
    /// Its name: a-z, 0-9, `-`, `_`, `.`; asked for when it is not given
    pub name: Option<String>,
}

/// Options of `use`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Use {
    /// A context of config.toml, or a colony on this machine
    pub name: String,
    /// It is on this host: USER@HOST[:PORT], reached by ssh with keys
    #[arg(long, value_name = "HOST")]
    pub ssh: Option<String>,
    /// Its name over there, when that is another
    #[arg(long = "as", value_name = "NAME", requires = "ssh")]
    pub remote_name: Option<String>,
}

/// Options of `connect`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Connect {
    /// Name and port; HEALTH is a path such as /healthz, or tcp, TYPE a word such as http
    #[arg(value_name = "NAME:PORT[:HEALTH][:TYPE]")]
    pub specs: Vec<String>,
    /// Instead of a port: all processes whose program's path fits this regular expression
    #[arg(long, value_name = "RE", conflicts_with_all = ["list", "remove"])]
    pub exe_pattern: Option<String>,
    /// Show what is connected
    #[arg(long, conflicts_with = "remove")]
    pub list: bool,
    /// Take the name back: NAME, or NAME:PORT
    #[arg(long)]
    pub remove: bool,
}

/// Options of `diagnose`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Diagnose {
    /// What is complained about [default: whatever stands out]
    #[arg(conflicts_with = "bundle")]
    pub service: Option<String>,
    /// Not the colony but an incident bundle: a folder with incident.json, metrics.csv, and edges.csv and events.csv
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
    /// Exit with 1 when a cause is found with high or medium confidence
    #[arg(long)]
    pub exit_code: bool,
    /// With --watch: run this in a shell for each line, with its JSON on stdin
    #[arg(long, value_name = "COMMAND", requires = "watch")]
    pub exec: Option<String>,
    /// With --watch: post the JSON of each line to this http or https URL; @FILE names a file that holds it
    #[arg(long, value_name = "URL", requires = "watch")]
    pub webhook: Option<String>,
}

/// What can be done with incidents.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Incident {
    /// Write what a diagnosis looks at as a folder that `coral diagnose --bundle` reads
    Export(IncidentExport),
    /// Show the diagnosis of such a folder in the console; no colony is asked
    Import(IncidentImport),
}

/// Options of `incident import`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct IncidentImport {
    /// The folder: incident.json, metrics.csv, and edges.csv and events.csv
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// Options of `incident export`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct IncidentExport {
    /// What is complained about
    pub service: Option<String>,
    /// The folder; it is made
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Write into a folder that is there, over the files of a bundle
    #[arg(long)]
    pub force: bool,
}

/// Options of `note`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Note {
    /// What happened
    #[arg(required = true)]
    pub text: Vec<String>,
    /// To which service
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    /// When: 5m (ago), HH:MM[:SS] or RFC 3339 [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<When>,
}

/// Options of `doctor`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Doctor {
    /// Show every socket that Coral has open here, and that none leads beyond this machine; else exit with 1
    #[arg(long)]
    pub offline: bool,
}

/// Options of `export`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Export {
    /// Which table
    pub table: String,
    /// The file; its ending is its form: .parquet, .csv or .json
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// Overwrite the file
    #[arg(long)]
    pub force: bool,
}

/// Options of `up`.
#[derive(Debug, Clone, PartialEq, Eq, Default, clap::Args)]
pub struct Up {
    /// Run the demo application as well
    #[arg(long)]
    pub demo: bool,
    /// Switch on a fault of the demo application
    #[arg(long, value_name = "NAME", requires = "demo")]
    pub fault: Option<String>,
}

/// Whether the table shows all classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Args)]
pub struct All {
    /// Show system and coral as well; JSON always holds them
    #[arg(long)]
    pub all: bool,
}

/// The kinds of profile.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Profile {
    /// Time on the processors
    Cpu(CpuProfile),
}

/// Options of `profile cpu`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct CpuProfile {
    /// Which service
    #[arg(required_unless_present_any = ["pid", "host"])]
    pub service: Option<String>,
    /// This process alone
    #[arg(long)]
    pub pid: Option<u32>,
    /// This host alone; without a service all that runs there
    #[arg(long)]
    pub host: Option<String>,
    /// What differs beyond chance: from 1h or 1d earlier, FROM..TO, previous-build, or the process pid:N
    #[arg(long, value_name = "STRETCH")]
    pub diff: Option<Compare>,
    /// Take a finer profile from now on, for so long: 10s, 2m [default: 30s when --hz is given]
    #[arg(long, value_name = "LENGTH", value_parser = crate::when::length, conflicts_with = "diff")]
    pub duration: Option<Duration>,
    /// How often a second and processor [default: 99 when --duration is given]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=999), conflicts_with = "diff")]
    pub hz: Option<u16>,
}

/// What can be done with functions.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Debug {
    /// The functions that a service's program has
    Functions(FunctionSearch),
    /// Watch functions: every call is counted and timed, some are shown; Ctrl-C detaches
    Attach(Attach),
    /// The probes that are attached
    List,
    /// What a probe has seen
    Logs {
        /// Its id
        id: String,
        /// Single calls, at most
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Take a probe off
    Detach(Detach),
}

/// Options of `debug functions`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct FunctionSearch {
    /// Which service
    #[arg(required_unless_present = "pid")]
    pub service: Option<String>,
    /// A name, part of one, or a pattern with `*`
    pub pattern: Option<String>,
    /// Those of this process
    #[arg(long)]
    pub pid: Option<u32>,
    /// This host alone
    #[arg(long)]
    pub host: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

/// Options of `debug attach`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Attach {
    /// Which service
    #[arg(required_unless_present = "pid")]
    pub service: Option<String>,
    /// A function by its name, or those that fit a pattern with `*`; can be given several times
    #[arg(long = "function", short = 'f', value_name = "NAME", required = true)]
    pub functions: Vec<String>,
    /// This process alone
    #[arg(long)]
    pub pid: Option<u32>,
    /// This host alone
    #[arg(long)]
    pub host: Option<String>,
    /// How long it stays: 10s, 2m; at most 1h [default: 60s]
    #[arg(long, value_name = "LENGTH", value_parser = crate::when::length)]
    pub duration: Option<Duration>,
    /// Only calls that take at least so long: 10ms, 1s
    #[arg(long, value_name = "LENGTH", value_parser = crate::when::length)]
    pub min_duration: Option<Duration>,
    /// Only calls whose arguments or return value fit: 'arg0 > 10 && ret != 0'
    #[arg(long, value_name = "CONDITION")]
    pub when: Option<String>,
    /// Single calls that are shown a second, at most [default: 20]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub sample: Option<u32>,
    /// Count and time only, read no values
    #[arg(long)]
    pub no_values: bool,
    /// Return at once; `debug logs` shows what is seen, `debug detach` ends it
    #[arg(long)]
    pub background: bool,
}

/// Which probe is taken off.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Detach {
    /// Its id
    #[arg(required_unless_present = "all")]
    pub id: Option<String>,
    /// All that are attached
    #[arg(long, conflicts_with = "id")]
    pub all: bool,
}

/// The queries.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Query {
    /// Rate, errors and durations of one service or all
    Summary {
        /// Only this service
        service: Option<String>,
        /// Beside what was there before: 1h or 1d earlier, or FROM..TO
        #[arg(long, value_name = "STRETCH")]
        compare: Option<Compare>,
        /// The classes.
        #[command(flatten)]
        all: All,
    },
    /// Rate, errors and durations of a service by route, method and status
    Metrics {
        /// Which service
        service: String,
    },
    /// Single requests of the last hour, newest first, as the agents kept them
    Requests(Requests),
    /// What happened: starts, exits, gaps, newest first
    Events {
        /// Only this service
        service: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// What changed or broke: new builds, starts, restarts, crashes, newest first
    Changes {
        /// Only this service
        service: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// One SELECT over requests, routes, edges, events, hosts, processes, instances, agents (docs/SQL.md)
    Sql {
        /// The statement
        statement: String,
        /// At most so many rows
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
    },
    /// What hosts use: processor, memory, disks, network
    Host {
        /// Only this host
        host: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_table_of_arguments_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn options_stand_before_and_after_the_command() {
        for line in [
            "coral -o json status",
            "coral status -o json",
            "coral query summary cart --since 2h -o json --colony x",
        ] {
            assert!(Args::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
        assert!(Args::try_parse_from(["coral", "up", "--fault", "x"]).is_err());
        assert!(Args::try_parse_from(["coral", "query"]).is_err());
    }
}
