//! The whole shop: one child process for each service and one for the load. A child that dies is started again; all of
//! them end with this process, however it ends.

use crate::{faults, lifeline, services::Service};
use color_eyre::{Result, eyre::bail};
use std::net::Ipv4Addr;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::sleep;

const LOOK: Duration = Duration::from_millis(200);
const READY_WITHIN: Duration = Duration::from_secs(15);
/// The load's process; it has no port.
const LOAD: &str = "load";

/// Starts everything and keeps it running until stdin ends or a signal comes.
pub async fn run(base_port: u16, fault: Option<&str>) -> Result<()> {
    faults::reset(fault)?;
    let stop = lifeline::stop(true);
    tokio::pin!(stop);
    let mut parts: Vec<Part> = Service::ALL
        .into_iter()
        .map(|service| Part::start(service.name(), base_port))
        .collect::<Result<_>>()?;
    // The load waits until all listen: its first requests must not be errors.
    tokio::select! {
        () = &mut stop => return end(parts).await,
        ready = ready(&mut parts, base_port) => ready?,
    }
    parts.push(Part::start(LOAD, base_port)?);
    eprintln!("the shop is open on http://127.0.0.1:{base_port}");
    loop {
        tokio::select! {
            () = &mut stop => return end(parts).await,
            () = sleep(LOOK) => {}
        }
        for part in &mut parts {
            part.restart_when_dead(base_port)?;
        }
    }
}

struct Part {
    name: &'static str,
    child: Child,
}

impl Part {
    fn start(name: &'static str, base_port: u16) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        if name == LOAD {
            command.arg(LOAD);
        } else {
            command.args(["serve", name]);
        }
        let child = command
            .args(["--lifeline", "--base-port", &base_port.to_string()])
            .env("OTEL_SERVICE_NAME", name)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            // Ctrl-C is for this process alone: it knows in which order the others end.
            .process_group(0)
            .spawn()?;
        Ok(Self { name, child })
    }

    /// Lets go of the child's lifeline and waits for its end.
    async fn finish(&mut self) -> Result<()> {
        drop(self.child.stdin.take());
        self.child.wait().await?;
        Ok(())
    }

    fn restart_when_dead(&mut self, base_port: u16) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            eprintln!("{} ended ({status}); starting it again", self.name);
            *self = Self::start(self.name, base_port)?;
        }
        Ok(())
    }
}

/// Waits until every service accepts connections.
async fn ready(parts: &mut [Part], base_port: u16) -> Result<()> {
    let begin = Instant::now();
    for (service, part) in Service::ALL.into_iter().zip(parts) {
        let port = service.port(base_port);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .is_err()
        {
            if let Some(status) = part.child.try_wait()? {
                bail!(
                    "{} did not start ({status}); its reason stands above",
                    part.name
                );
            }
            if begin.elapsed() > READY_WITHIN {
                bail!("{} does not listen on port {port}", part.name);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
    Ok(())
}

/// Ends the load first, so that closing the shop is not counted as an error of its services.
async fn end(mut parts: Vec<Part>) -> Result<()> {
    if parts.last().is_some_and(|part| part.name == LOAD)
        && let Some(mut load) = parts.pop()
    {
        load.finish().await?;
    }
    for part in &mut parts {
        drop(part.child.stdin.take());
    }
    for part in &mut parts {
        part.finish().await?;
    }
    Ok(())
}
