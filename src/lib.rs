//! The Portico server: every effect of the server lives here, every rule in the crates beneath it.
//!
//! The library exists so that tests can start a whole server inside their own process:
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let folder = std::path::Path::new("/tmp/portico-example");
//! let config = portico::config::Config::local(folder, listener.local_addr()?);
//! portico::run(listener, config, std::future::pending()).await?;
//! # Ok(()) }
//! ```

pub mod account;
pub mod app;
pub mod bot;
pub mod bus;
pub mod cli;
pub mod clock;
pub mod closing;
pub mod config;
pub mod demo;
pub mod http;
pub mod live;
pub mod proof;
mod upkeep;

use std::sync::Arc;
use tokio::net::TcpListener;

use crate::app::App;
use crate::config::Config;

/// Serves on `listener` until `shutdown` completes, then finishes in good order: no new connection, a
/// goodbye to every open one, everything acknowledged already durable.
///
/// # Errors
/// What the server needs could not be opened: the text says what, and what to do about it.
pub async fn run(
    listener: TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()>,
) -> Result<(), app::OpenError> {
    let tls = config.tls.clone().map(http::tls::Tls::load).transpose()?;
    let app = Arc::new(App::open(config).await?);
    tokio::spawn(bot::runner::run(Arc::clone(&app)));
    tokio::spawn(live::recheck(Arc::clone(&app.hub), app.closing.watch()));
    tokio::spawn(proof::recheck::run(Arc::clone(&app)));
    tokio::spawn(upkeep::run(app.store.clone(), app.closing.watch()));
    http::server::serve(listener, Arc::clone(&app), tls, shutdown).await;
    // Whatever is still queued is stored before the process may end.
    app.store.close().await;
    Ok(())
}
