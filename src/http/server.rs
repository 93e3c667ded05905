//! The accept loop: one task a connection, a limit on everything that a stranger can make us hold.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::app::App;
use crate::http::client::Client;
use crate::http::door::{Door, Guarded};
use crate::http::tls::Tls;

/// How long a client may take for a TLS handshake, and for a request's headers; an idle connection lives as long.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// How long open connections get to finish once the server ends.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);
/// Most header lines of a request.
const HEADERS_MAX: usize = 64;
/// Most bytes of a request's headers together.
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// What a refused client reads where it speaks plain HTTP.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 5\r\ncontent-length: 0\r\n\r\n";

/// Serves until `shutdown`, then drains.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    tls: Option<Tls>,
    shutdown: impl Future<Output = ()>,
) {
    let server = Arc::new(Server {
        router: super::router(Arc::clone(&app)),
        door: Arc::new(Door::new(&app.config, app.metrics.connections.clone())),
        tls: tls.map(Arc::new),
        app,
    });
    if let Some(tls) = &server.tls {
        tokio::spawn(Arc::clone(tls).keep_fresh(server.app.closing.watch()));
    }
    let config = &server.app.config;
    tracing::info!(address = %config.listen, "Serving {}", config.public_url);
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => server.admit(stream, peer),
                Err(error) => rest_after(&error).await,
            }
        }
    }
    drop(listener);
    let closing = &server.app.closing;
    closing.begin();
    if timeout(DRAIN_WITHIN, closing.drained()).await.is_err() {
        tracing::warn!("Some connections did not finish within {DRAIN_WITHIN:?}; closing them");
    }
}

struct Server {
    app: Arc<App>,
    router: Router,
    door: Arc<Door>,
    tls: Option<Arc<Tls>>,
}

impl Server {
    fn admit(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        let address = peer.ip().to_canonical();
        match self.door.admit((!self.trusts(address)).then_some(address)) {
            Ok(place) => {
                // Frames are small and must leave at once.
                let _ = stream.set_nodelay(true);
                tokio::spawn(Arc::clone(self).serve(Guarded::new(stream, place), peer));
            }
            Err(refusal) => {
                self.app.metrics.connections_refused.with_label_values(&[refusal.name()]).inc();
                if self.tls.is_none() {
                    let _ = stream.try_write(FULL);
                }
            }
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.app.config.trusted_proxies.iter().any(|network| network.contains(address))
    }

    async fn serve(self: Arc<Self>, stream: Guarded<TcpStream>, peer: SocketAddr) {
        let Some(tls) = &self.tls else {
            return self.serve_http(stream, peer, false).await;
        };
        // A failed handshake concerns nobody but who failed it.
        if let Ok(Ok(stream)) = timeout(HEADERS_WITHIN, tls.acceptor().accept(stream)).await {
            self.serve_http(stream, peer, true).await;
        }
    }

    async fn serve_http<S>(&self, stream: S, peer: SocketAddr, is_secure: bool)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let router = TowerToHyperService::new(self.router.clone());
        let app = Arc::clone(&self.app);
        let service = service_fn(move |mut request: Request<Incoming>| {
            let client = Client::behind(peer, is_secure, request.headers(), &app.config.trusted_proxies);
            request.extensions_mut().insert(client);
            router.call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS_WITHIN)
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEADER_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        tokio::pin!(connection);
        let mut closing = self.app.closing.watch();
        tokio::select! {
            // What a client did to its own connection concerns nobody else.
            _ = connection.as_mut() => return,
            () = closing.begun() => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    }
}

/// Pauses where accepting again at once would only spin: no file descriptor or memory is left.
async fn rest_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
        return;
    }
    tracing::error!(%error, "Could not accept a connection: {error}");
    tokio::time::sleep(Duration::from_millis(100)).await;
}
