//! The accept loop: one task a connection, a limit on everything that a stranger can make us hold.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};

use crate::app::App;
use crate::closing::ClosingWatch;
use crate::http::client::Client;

/// How long a client may take to send a request's headers; keep-alive connections may idle as long.
const HEADERS_WITHIN: Duration = Duration::from_secs(15);
/// How long open connections get to finish once the server ends.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);

/// Serves until `shutdown`, then drains.
pub async fn serve(listener: TcpListener, app: Arc<App>, shutdown: impl Future<Output = ()>) {
    let router = super::router(Arc::clone(&app));
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => {
                    let serving = serve_connection(stream, address, router.clone(), app.closing.watch());
                    tokio::spawn(serving);
                }
                Err(error) => back_off(&error).await,
            }
        }
    }
    drop(listener);
    app.closing.begin();
    if tokio::time::timeout(DRAIN_WITHIN, app.closing.drained()).await.is_err() {
        tracing::warn!("Some connections did not finish within {DRAIN_WITHIN:?}; closing them");
    }
}

async fn serve_connection(stream: TcpStream, address: SocketAddr, router: Router, mut closing: ClosingWatch) {
    // Frames are small and must leave at once.
    let _ = stream.set_nodelay(true);
    let client = Client { address: address.ip(), is_secure: false };
    let service = TowerToHyperService::new(router.layer(axum::Extension(client)));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let mut is_closing = false;
    loop {
        tokio::select! {
            // What a client did to its own connection concerns nobody else.
            _ = connection.as_mut() => return,
            () = closing.begun(), if !is_closing => {
                is_closing = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Out of file descriptors, most likely: accepting again at once would only spin.
async fn back_off(error: &std::io::Error) {
    tracing::error!(%error, "Could not accept a connection: {error}");
    tokio::time::sleep(Duration::from_millis(100)).await;
}
