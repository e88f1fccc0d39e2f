//! The whole shop: one child process for each service, the worker and the customers, and, while their fault is on, the
//! neighbours. A child that dies is started again; all of them end with this process, however it ends.

mod part;

use crate::{faults, lifeline, services::Service};
use color_eyre::{Result, eyre::bail};
use faults::Watch;
use part::{LOAD, Part};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::sleep;

const LOOK: Duration = Duration::from_millis(200);
const READY_WITHIN: Duration = Duration::from_secs(15);
/// The service that fault `slow-build` deploys.
const DEPLOYED: Service = Service::Frontend;

/// Starts everything and keeps it running until stdin ends or a signal comes.
pub async fn run(base_port: u16, rate: u32, fault: Option<&str>) -> Result<()> {
    faults::reset(fault)?;
    let stop = lifeline::stop(true);
    tokio::pin!(stop);
    let mut shop = Shop::start(base_port)?;
    // The customers wait until all listen: their first requests must not be errors.
    tokio::select! {
        () = &mut stop => return shop.end().await,
        ready = shop.ready() => ready?,
    }
    shop.begin(rate)?;
    eprintln!("the shop is open on http://127.0.0.1:{base_port}");
    loop {
        tokio::select! {
            () = &mut stop => return shop.end().await,
            () = sleep(LOOK) => {}
        }
        shop.look().await?;
    }
}

struct Shop {
    base_port: u16,
    services: Vec<Part>,
    /// Worker and customers, who end first: closing the shop is not an error of its services.
    callers: Vec<Part>,
    neighbours: Vec<Neighbour>,
    deployed: Watch,
}

/// A process that runs while its fault is on.
struct Neighbour {
    name: &'static str,
    wanted: Watch,
    part: Option<Part>,
}

impl Shop {
    fn start(base_port: u16) -> Result<Self> {
        let service = |service: Service| {
            let name = service.name();
            Part::start(name, with_port(&["serve", name], base_port))
        };
        Ok(Self {
            base_port,
            services: Service::ALL
                .into_iter()
                .map(service)
                .collect::<Result<_>>()?,
            callers: vec![],
            neighbours: vec![
                Neighbour::new("batch", "noisy-neighbour")?,
                Neighbour::new("backup", "disk-saturated")?,
            ],
            deployed: Watch::follow("slow-build")?,
        })
    }

    /// Waits until every service accepts connections.
    async fn ready(&mut self) -> Result<()> {
        let begin = Instant::now();
        for (service, part) in Service::ALL.into_iter().zip(&mut self.services) {
            let port = service.port(self.base_port);
            while !accepts(port).await {
                if let Some(status) = part.child.try_wait()? {
                    let name = part.name;
                    bail!("{name} did not start ({status}); its reason stands above");
                }
                if begin.elapsed() > READY_WITHIN {
                    // A fault may keep a port closed from the beginning.
                    if faults::folder()?.join("conn-refused").exists() {
                        break;
                    }
                    bail!("{} does not listen on port {port}", part.name);
                }
                sleep(Duration::from_millis(20)).await;
            }
        }
        Ok(())
    }

    fn begin(&mut self, rate: u32) -> Result<()> {
        let worker = Part::start("worker", with_port(&["work"], self.base_port))?;
        self.callers.push(worker);
        if rate > 0 {
            let rate = rate.to_string();
            let arguments = with_port(&[LOAD, "--rate", &rate], self.base_port);
            self.callers.push(Part::start(LOAD, arguments)?);
        }
        Ok(())
    }

    /// Starts again what died, and does what the switches say.
    async fn look(&mut self) -> Result<()> {
        for part in self.services.iter_mut().chain(&mut self.callers) {
            part.restart_when_dead()?;
        }
        for neighbour in &mut self.neighbours {
            neighbour.look().await?;
        }
        let wanted = self.deployed.is_on();
        let deployed = &mut self.services[DEPLOYED as usize];
        if deployed.is_second_build() != wanted {
            deployed.deploy(wanted).await?;
        }
        Ok(())
    }

    async fn end(mut self) -> Result<()> {
        for caller in self.callers.iter_mut().rev() {
            caller.finish().await?;
        }
        let neighbours = self.neighbours.iter_mut().flat_map(|n| &mut n.part);
        let mut rest: Vec<_> = self.services.iter_mut().chain(neighbours).collect();
        for part in &mut rest {
            part.release();
        }
        for part in rest {
            part.finish().await?;
        }
        Ok(())
    }
}

impl Neighbour {
    fn new(name: &'static str, fault: &'static str) -> Result<Self> {
        let wanted = Watch::follow(fault)?;
        let part = None;
        Ok(Self { name, wanted, part })
    }

    async fn look(&mut self) -> Result<()> {
        match (&mut self.part, self.wanted.is_on()) {
            (None, true) => self.part = Some(Part::start(self.name, vec![self.name.to_owned()])?),
            (Some(part), true) => part.restart_when_dead()?,
            (Some(part), false) => {
                part.finish().await?;
                self.part = None;
            }
            (None, false) => {}
        }
        Ok(())
    }
}

fn with_port(words: &[&str], base_port: u16) -> Vec<String> {
    let port = base_port.to_string();
    let words = words.iter().copied().chain(["--base-port", port.as_str()]);
    words.map(str::to_owned).collect()
}

async fn accepts(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .is_ok()
}
