//! `cargo xtask demo`: from a fresh clone to the console over the demo application, in a colony of its own that goes away
//! with it. `--headless` watches for some seconds instead and prints what was seen as one JSON object.

mod guard;
mod report;

use crate::arguments::Arguments;
use crate::failure::{Failure, Trying as _};
use crate::steps::Steps;
use crate::{house, program, setup};
use guard::Guard;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const COLONY: &str = "demo";

/// What was asked for.
struct Wish {
    headless: bool,
    check: bool,
    seconds: u64,
    fault: Option<String>,
}

impl Wish {
    fn read(mut arguments: Arguments) -> Result<Self, Failure> {
        let headless = arguments.flag("--headless");
        let check = arguments.flag("--check");
        let seconds = match arguments.option("--seconds")? {
            None => 20,
            Some(text) => text
                .parse()
                .map_err(|_| Failure::usage(format!("--seconds takes a number, not `{text}`")))?,
        };
        let fault = arguments.option("--fault")?;
        let output = match arguments.option("-o")? {
            None => arguments.option("--output")?,
            output => output,
        };
        arguments.finish()?;
        if output.is_some_and(|form| form != "json") {
            return Err(Failure::usage("demo prints -o json only"));
        }
        Ok(Self {
            headless,
            check,
            seconds,
            fault,
        })
    }
}

pub fn command(arguments: Arguments) -> Result<(), Failure> {
    let wish = Wish::read(arguments)?;
    let root = house::root()?;
    refuse_sudo(&root)?;
    let coral = house::binaries()?.join("coral");
    let home = house::cache(COLONY)?;
    if wish.headless {
        require_privilege(&coral, &home)?;
    }
    let prepared = setup::is_done(&root);
    let mut steps = Steps::new(if prepared { 3 } else { 3 + setup::STEPS });
    if !prepared {
        setup::run(&root, &mut steps)?;
    }
    steps.next("build");
    // The same build as that of the tests, so that one finds the other's work done.
    program::run(program::command("cargo", &root).args(["build", "--workspace", "--bins"]))?;
    let demo = Demo { coral, home };
    let shown = demo.show(&wish, &mut steps);
    eprintln!("demo: {:.1} s", steps.seconds());
    shown
}

/// The colony of the demo and where its files lie.
struct Demo {
    coral: PathBuf,
    home: PathBuf,
}

impl Demo {
    /// Starts everything, shows it, and takes it down.
    fn show(&self, wish: &Wish, steps: &mut Steps) -> Result<(), Failure> {
        steps.next("start the colony, the agent and the shop");
        self.forget()?;
        let _guard = Guard::new(&self.coral, &self.home, COLONY)?;
        let mut up = self.command(&["up", "--demo"]);
        if let Some(fault) = &wish.fault {
            up.args(["--fault", fault]);
        }
        if !wish.headless {
            // It may have to ask for a password.
            up.stdin(Stdio::inherit());
        }
        program::run(&mut up)?;
        if wish.headless {
            steps.next(&format!("watch for {} s", wish.seconds));
            self.watch(wish)
        } else {
            steps.next("open the console; it takes the demo down when it closes");
            let mut console = self.command(&[]);
            program::run(console.stdin(Stdio::inherit()).stdout(Stdio::inherit()))
        }
    }

    /// Takes down what an earlier demo may have left, and removes what it stored: old data would stand beside the new.
    fn forget(&self) -> Result<(), Failure> {
        program::run(self.command(&["down"]).stdout(Stdio::null()))?;
        for part in ["state", "run"] {
            let _ = std::fs::remove_dir_all(self.home.join(part));
        }
        Ok(())
    }

    fn watch(&self, wish: &Wish) -> Result<(), Failure> {
        std::thread::sleep(Duration::from_secs(wish.seconds));
        let summary = program::output(&mut self.command(&["query", "summary", "-o", "json"]))?;
        let topology = program::output(&mut self.command(&["topology", "-o", "json"]))?;
        let report = report::compose(&summary, &topology)?;
        println!("{report}");
        if wish.check {
            report::check(&report)?;
        }
        Ok(())
    }

    /// `coral --colony demo ...` with the demo's own folders.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program::command(&self.coral, Path::new("."));
        command
            .args(["--colony", COLONY])
            .args(arguments)
            .env("CORAL_HOME", &self.home);
        command
    }
}

/// A build as root would leave files in the clone that its owner cannot remove.
fn refuse_sudo(root: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt as _;
    let owner = std::fs::metadata(root).trying("look at the clone")?.uid();
    if house::is_root() && owner != 0 && std::env::var_os("SUDO_UID").is_some() {
        return Err(
            Failure::new("the demo does not build as root in somebody else's clone")
                .hint("run it without sudo; it asks for the one command that needs root"),
        );
    }
    Ok(())
}

/// Nobody is there to be asked for a password.
fn require_privilege(coral: &Path, home: &Path) -> Result<(), Failure> {
    let granted = || {
        Command::new("sudo")
            .args(["-n", "true"])
            .stdin(Stdio::null())
            .output()
            .is_ok_and(|output| output.status.success())
    };
    if house::is_root() || granted() {
        return Ok(());
    }
    let daemon = coral.with_file_name("coral-daemon");
    Err(
        Failure::new("counting requests needs root, and sudo asks for a password").hint(format!(
            "run `sudo -v` and then this again; what will run as root is: {} agent --lifeline --colony {COLONY} --run {}",
            daemon.display(),
            home.join("run").join(COLONY).display()
        )),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(line: &str) -> Result<Wish, Failure> {
        Wish::read(Arguments::new(
            "demo",
            line.split_whitespace().map(str::to_owned),
        ))
    }

    #[test]
    fn the_command_line_of_the_design_is_understood() {
        let wished = wish("--headless --seconds 7 -o json --fault cpu-hot").unwrap();
        assert!(wished.headless && !wished.check);
        assert_eq!(
            (wished.seconds, wished.fault.as_deref()),
            (7, Some("cpu-hot"))
        );
        assert!(wish("").is_ok_and(|wished| !wished.headless));
        for bad in ["--seconds soon", "-o yaml", "--headles"] {
            assert!(wish(bad).is_err(), "{bad}");
        }
    }
}
