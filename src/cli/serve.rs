//! `portico serve`.

use std::io;
use std::net::SocketAddr;

use anyhow::anyhow;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{Config, Sources, unknown_variables};

/// As a shell tells of a program that SIGINT ended.
const EXIT_INTERRUPTED: i32 = 130;

/// Serves until SIGTERM or SIGINT.
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    #[command(flatten)]
    sources: Sources,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = self.sources.load()?;
        super::start_logging(&config)?;
        for unknown in unknown_variables() {
            tracing::warn!("{unknown}");
        }
        super::block_on(serve(config))
    }
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let listener = listen(config.listen).await?;
    let config = config.bound_to(listener.local_addr()?);
    crate::run(listener, config, asked_to_end()?).await?;
    Ok(())
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let advice = |error: &io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program listens there: stop it, or choose another port with --listen"
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address: choose another with --listen",
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need a right of their own: choose another with --listen"
        }
        _ => "choose another address with --listen",
    };
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| anyhow!("cannot listen on {address}: {error}; {}", advice(&error)))
}

/// Completes at the first SIGTERM or SIGINT.
pub(super) fn asked_to_end() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("Finishing what is open; ask again to stop at once");
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            std::process::exit(EXIT_INTERRUPTED);
        });
    })
}
