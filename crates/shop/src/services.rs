//! The services: their names, ports and the ways in which they are served.

mod cart;
mod catalog;
mod checkout;
mod frontend;
mod orders;
mod payments;
mod stock;

use crate::faults::Watch;
use crate::lifeline;
use axum::Router;
use axum::routing::get;
use clap::ValueEnum;
use color_eyre::{Result, eyre::eyre};
use std::net::Ipv4Addr;
use tokio::net::TcpListener;

/// A service of the shop; its place in this list is its port's distance from the base port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Service {
    /// What customers talk to.
    Frontend,
    /// Products.
    Catalog,
    /// What customers want to buy.
    Cart,
    /// Turns a cart into an order.
    Checkout,
    /// Takes the money.
    Payments,
    /// The queue of orders.
    Orders,
    /// How many of each product are left; speaks a line protocol of its own.
    Stock,
}

impl Service {
    /// In the order in which their ports follow each other.
    pub const ALL: [Self; 7] = [
        Self::Frontend,
        Self::Catalog,
        Self::Cart,
        Self::Checkout,
        Self::Payments,
        Self::Orders,
        Self::Stock,
    ];

    /// The word for it everywhere, also in `OTEL_SERVICE_NAME`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frontend => "frontend",
            Self::Catalog => "catalog",
            Self::Cart => "cart",
            Self::Checkout => "checkout",
            Self::Payments => "payments",
            Self::Orders => "orders",
            Self::Stock => "stock",
        }
    }

    pub const fn port(self, base: u16) -> u16 {
        base + self as u16
    }

    /// The routes of a service that speaks HTTP.
    fn routes(self, base_port: u16) -> Result<Option<Router>> {
        let routes = match self {
            Self::Frontend => frontend::routes(base_port),
            Self::Catalog => catalog::routes(base_port),
            Self::Cart => cart::routes(),
            Self::Checkout => checkout::routes(base_port),
            Self::Payments => payments::routes(),
            Self::Orders => orders::routes(),
            Self::Stock => return Ok(None),
        };
        Ok(Some(routes?.route("/health", get(|| async { "ok\n" }))))
    }

    /// The switch that closes the service's port.
    fn refusing(self) -> Result<Watch> {
        match self {
            Self::Payments => Watch::follow("conn-refused"),
            _ => Ok(Watch::default()),
        }
    }
}

/// Serves until the process is told to stop, then finishes what is in flight.
pub async fn serve(service: Service, base_port: u16, port: u16, stdin: bool) -> Result<()> {
    let Some(routes) = service.routes(base_port)? else {
        let listener = bind(service, port).await?.into_std()?;
        listener.set_nonblocking(false)?;
        return stock::serve(listener, stdin).await;
    };
    let refusing = service.refusing()?;
    let stop = lifeline::stop(stdin);
    tokio::pin!(stop);
    loop {
        let listener = bind(service, port).await?;
        let (closed, close) = tokio::sync::oneshot::channel::<()>();
        let close = async { drop(close.await) };
        let served = axum::serve(listener, routes.clone()).with_graceful_shutdown(close);
        let mut served = tokio::spawn(served.into_future());
        tokio::select! {
            ended = &mut served => return Ok(ended??),
            () = &mut stop => {
                drop(closed);
                return Ok(served.await??);
            }
            () = refusing.until(true) => drop(closed),
        }
        served.await??;
        tokio::select! {
            () = &mut stop => return Ok(()),
            () = refusing.until(false) => {}
        }
    }
}

async fn bind(service: Service, port: u16) -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|error| eyre!("{} cannot listen on port {port}: {error}", service.name()))
}
