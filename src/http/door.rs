//! Who is let in: how many connections in all, how many from one address, and how long a stranger may leave
//! us waiting.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use prometheus::IntGauge;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::config::Config;
use crate::http::limit::household;

/// How long a client may refuse to read what it asked for.
const WRITE_WITHIN: Duration = Duration::from_secs(60);
/// File descriptors kept for the database, files and questions to other servers.
const DESCRIPTORS_RESERVED: u64 = 256;

/// Counts connections.
#[derive(Debug)]
pub(super) struct Door {
    connections_max: usize,
    per_address_max: usize,
    gauge: IntGauge,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The server is full.
    Full,
    /// This address has enough.
    Address,
}

/// One connection's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    door: Arc<Door>,
    /// Absent for trusted proxies, which bring many people.
    address: Option<IpAddr>,
}

impl Door {
    pub(super) fn new(config: &Config, gauge: IntGauge) -> Self {
        let connections_max = config.connections_max.map_or_else(connections_possible, u64::from);
        Self {
            connections_max: usize::try_from(connections_max).unwrap_or(usize::MAX),
            per_address_max: usize::try_from(config.connections_per_address_max).unwrap_or(usize::MAX),
            gauge,
            open: Mutex::default(),
        }
    }

    /// A place for one more connection; `address` is `None` for a trusted proxy.
    pub(super) fn admit(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Place, Refusal> {
        let address = address.map(household);
        let mut open = self.lock();
        if open.total >= self.connections_max {
            return Err(Refusal::Full);
        }
        if let Some(address) = address {
            let count = open.by_address.entry(address).or_default();
            if *count >= self.per_address_max {
                return Err(Refusal::Address);
            }
            *count += 1;
        }
        open.total += 1;
        self.gauge.inc();
        Ok(Place { door: Arc::clone(self), address })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Nothing under the lock panics halfway through a change.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Refusal {
    /// For metrics.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Address => "address",
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.door.lock();
        open.total -= 1;
        self.door.gauge.dec();
        let Some(address) = self.address else { return };
        if let Some(count) = open.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&address);
            }
        }
    }
}

/// As many as the process may have open, less what else it needs. Raises the soft limit to the hard one.
fn connections_possible() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let allowed = if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    allowed.map_or(u64::MAX, |descriptors| descriptors.saturating_sub(DESCRIPTORS_RESERVED).max(1))
}

/// A connection's stream together with its place, which an upgrade to a socket carries along. Fails where
/// the other side has not read for [`WRITE_WITHIN`].
#[derive(Debug)]
pub(super) struct Guarded<S> {
    stream: S,
    stalled: Option<Pin<Box<Sleep>>>,
    _place: Place,
}

impl<S> Guarded<S> {
    pub(super) const fn new(stream: S, place: Place) -> Self {
        Self { stream, stalled: None, _place: place }
    }

    fn guard<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(WRITE_WITHIN)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.guard(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.guard(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.guard(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.guard(context, shut)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::net::SocketAddr;
    use std::path::Path;

    use tokio::io::AsyncWriteExt;

    use super::*;

    fn door(connections_max: u32, per_address_max: u32) -> Arc<Door> {
        let mut config = Config::local(Path::new("unused"), SocketAddr::from(([127, 0, 0, 1], 0)));
        config.connections_max = Some(connections_max);
        config.connections_per_address_max = per_address_max;
        Arc::new(Door::new(&config, IntGauge::new("open", "open").unwrap()))
    }

    #[test]
    fn one_address_cannot_take_every_place_and_gives_places_back() {
        let door = door(3, 2);
        let [first, second]: [IpAddr; 2] = ["192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()];
        let kept = door.admit(Some(first)).unwrap();
        let returned = door.admit(Some(first)).unwrap();
        assert_eq!(door.admit(Some(first)).unwrap_err(), Refusal::Address);
        let proxy = door.admit(None).unwrap();
        assert_eq!(door.admit(Some(second)).unwrap_err(), Refusal::Full);
        drop(returned);
        assert_eq!(door.gauge.get(), 2);
        drop((kept, proxy, door.admit(Some(first)).unwrap()));
        assert_eq!((door.gauge.get(), door.lock().by_address.len()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_reads_is_given_up() {
        let (ours, _theirs) = tokio::io::duplex(8);
        let mut guarded = Guarded::new(ours, door(1, 1).admit(None).unwrap());
        let failure = guarded.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(failure.kind(), io::ErrorKind::TimedOut);
    }
}
