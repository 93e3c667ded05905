//! One request at a time on an upload; the newest goes first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use portico_protocol::MediaId;
use tokio::sync::{OwnedMutexGuard, watch};

/// Uploads on which somebody is at work.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<MediaId, Weak<Queue>>>);

#[derive(Debug)]
struct Queue {
    arrivals: watch::Sender<u64>,
    lock: Arc<tokio::sync::Mutex<()>>,
}

/// Ends when dropped.
#[derive(Debug)]
pub(super) struct Turn {
    later: watch::Receiver<u64>,
    _queue: Arc<Queue>,
    _lock: OwnedMutexGuard<()>,
}

impl Turns {
    /// Tells whoever is at work on the upload, and waits until that has ended.
    pub(super) async fn take(&self, id: MediaId) -> Turn {
        let queue = self.queue(id);
        queue.arrivals.send_modify(|count| *count += 1);
        let later = queue.arrivals.subscribe();
        let lock = Arc::clone(&queue.lock).lock_owned().await;
        Turn { later, _queue: queue, _lock: lock }
    }

    fn queue(&self, id: MediaId) -> Arc<Queue> {
        // Nothing under the lock panics halfway through a change.
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get(&id).and_then(Weak::upgrade) {
            return queue;
        }
        queues.retain(|_, queue| queue.strong_count() > 0);
        let queue = Arc::new(Queue { arrivals: watch::Sender::new(0), lock: Arc::default() });
        queues.insert(id, Arc::downgrade(&queue));
        queue
    }
}

impl Turn {
    /// Completes when somebody came after this turn's owner.
    pub(super) async fn overtaken(&mut self) {
        // The sender lives in the queue that this turn holds.
        let _ = self.later.changed().await;
    }
}
