//! One process of the shop.

use crate::{folder, second_build};
use color_eyre::Result;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// The customers' process; it has no port.
pub const LOAD: &str = "load";

/// A child of this process, which ends with it.
pub struct Part {
    pub name: &'static str,
    arguments: Vec<String>,
    /// The program of another build, when it does not run this one.
    build: Option<PathBuf>,
    pub child: Child,
}

impl Part {
    /// Starts it; the name is also its `OTEL_SERVICE_NAME`.
    pub fn start(name: &'static str, arguments: Vec<String>) -> Result<Self> {
        let child = spawn(name, &arguments, None)?;
        Ok(Self {
            name,
            arguments,
            build: None,
            child,
        })
    }

    /// Whether it runs the second build.
    pub const fn is_second_build(&self) -> bool {
        self.build.is_some()
    }

    /// Ends it and starts it again as the other build.
    pub async fn deploy(&mut self, second: bool) -> Result<()> {
        let build = if second {
            Some(second_build::make(&folder::data()?)?)
        } else {
            None
        };
        self.finish().await?;
        self.child = spawn(self.name, &self.arguments, build.as_ref())?;
        self.build = build;
        Ok(())
    }

    /// Lets go of the child's lifeline, which tells it to end.
    pub fn release(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Tells it to end and waits for its end.
    pub async fn finish(&mut self) -> Result<()> {
        self.release();
        self.child.wait().await?;
        if let Some(build) = self.build.take() {
            // It may be gone already; what counts is that it does not stay.
            let _ = std::fs::remove_file(build);
        }
        Ok(())
    }

    pub fn restart_when_dead(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            eprintln!("{} ended ({status}); starting it again", self.name);
            self.child = spawn(self.name, &self.arguments, self.build.as_ref())?;
        }
        Ok(())
    }
}

fn spawn(name: &str, arguments: &[String], build: Option<&PathBuf>) -> Result<Child> {
    let own = std::env::current_exe()?;
    let mut command = Command::new(build.unwrap_or(&own));
    if build.is_some() {
        let (variable, value) = second_build::variable();
        command.env(variable, value);
    }
    let child = command
        .args(arguments)
        .arg("--lifeline")
        .env("OTEL_SERVICE_NAME", name)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        // Ctrl-C is for this process alone: it knows in which order the others end.
        .process_group(0)
        .spawn()?;
    Ok(child)
}
