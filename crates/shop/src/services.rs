//! The five services: their names, ports and the one way in which each is served.

mod cart;
mod catalog;
mod checkout;
mod frontend;
mod payments;

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
}

impl Service {
    /// In the order in which their ports follow each other.
    pub const ALL: [Self; 5] = [
        Self::Frontend,
        Self::Catalog,
        Self::Cart,
        Self::Checkout,
        Self::Payments,
    ];

    /// The word for it everywhere, also in `OTEL_SERVICE_NAME`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frontend => "frontend",
            Self::Catalog => "catalog",
            Self::Cart => "cart",
            Self::Checkout => "checkout",
            Self::Payments => "payments",
        }
    }

    pub const fn port(self, base: u16) -> u16 {
        base + self as u16
    }

    fn routes(self, base_port: u16) -> Result<Router> {
        match self {
            Self::Frontend => frontend::routes(base_port),
            Self::Catalog => catalog::routes(),
            Self::Cart => Ok(cart::routes()),
            Self::Checkout => checkout::routes(base_port),
            Self::Payments => payments::routes(),
        }
    }
}

/// Serves until the process is told to stop, then finishes what is in flight.
pub async fn serve(service: Service, base_port: u16, port: u16, stdin: bool) -> Result<()> {
    let routes = service
        .routes(base_port)?
        .route("/health", get(|| async { "ok\n" }));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|error| eyre!("{} cannot listen on port {port}: {error}", service.name()))?;
    axum::serve(listener, routes)
        .with_graceful_shutdown(lifeline::stop(stdin))
        .await?;
    Ok(())
}
