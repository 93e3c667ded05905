//! What a driver needs of a connection, whether it is a socket or server-sent events with POSTs.

use std::io;
use std::task::{Context, Poll};

use portico_protocol::{ClientFrame, Problem};

/// Something that came from the client.
#[derive(Debug)]
pub(crate) enum Received {
    /// The text of a frame.
    Text(String),
    /// A frame, decoded already.
    Frame(ClientFrame),
    /// Something that is no frame; what comes next may be one.
    Malformed(Problem),
    /// The connection cannot be understood any further.
    Broken(Problem),
    /// Something that concerns the connection alone.
    Control,
    /// The client has gone.
    Closed,
}

/// Carries frames as text. `send` only queues: nothing leaves, and nothing blocks, before `poll_flush`.
pub(crate) trait Wire {
    /// What came next.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Received>;

    /// Queues a frame.
    fn send(&mut self, frame: &str);

    /// How much is queued, in bytes.
    fn queued_bytes(&self) -> usize;

    /// Sends what is queued, as far as the client takes it. Ready once nothing is queued.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Sends what is queued and says that nothing follows.
    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;
}
