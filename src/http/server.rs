//! The accept loop: one task a connection, a limit on everything that a stranger can make us hold.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};

use crate::app::App;
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
                    tokio::spawn(serve_connection(stream, address, router.clone(), Arc::clone(&app)));
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

async fn serve_connection(stream: TcpStream, peer: SocketAddr, router: Router, app: Arc<App>) {
    // Frames are small and must leave at once.
    let _ = stream.set_nodelay(true);
    let mut closing = app.closing.watch();
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let client = Client::behind(peer, false, request.headers(), &app.config.trusted_proxies);
        request.extensions_mut().insert(client);
        router.call(request)
    });
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
