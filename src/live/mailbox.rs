//! What waits for one connection's driver: a bounded queue and one waker.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use portico_domain::session::Input;

/// Notices that may wait for one driver. Past this the client is told to come back and resume.
const NOTICES_MAX: usize = 512;
/// An emptied queue larger than this is given back: nearly all connections are idle nearly always.
const CAPACITY_KEPT: usize = 8;

/// One connection's inputs, apart from its frames.
#[derive(Debug, Default)]
pub struct Mailbox {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    inputs: VecDeque<Input>,
    has_overflowed: bool,
    driver: Option<Waker>,
}

impl Mailbox {
    /// Delivers the answer to something that the session asked for: the session bounds how many there are.
    pub fn answer(&self, input: Input) {
        self.push(input, usize::MAX);
    }

    /// Delivers news. What does not fit any more is replaced by one [`Input::Overflowed`]: the client resumes
    /// from the store, so nothing is lost but time.
    pub fn notify(&self, input: Input) {
        self.push(input, NOTICES_MAX);
    }

    fn push(&self, input: Input, limit: usize) {
        let mut state = self.lock();
        if state.inputs.len() < limit {
            state.inputs.push_back(input);
        } else if !state.has_overflowed {
            state.has_overflowed = true;
            state.inputs.push_back(Input::Overflowed);
        }
        let driver = state.driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// The next input; registers the driver to be woken where there is none.
    pub(crate) fn poll_next(&self, context: &Context<'_>) -> Poll<Input> {
        let mut state = self.lock();
        if let Some(input) = state.inputs.pop_front() {
            return Poll::Ready(input);
        }
        if state.inputs.capacity() > CAPACITY_KEPT {
            state.inputs = VecDeque::new();
        }
        match &mut state.driver {
            Some(driver) => driver.clone_from(context.waker()),
            empty => *empty = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that holds the lock can panic half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_sleeping_driver_is_woken_once_however_much_arrives() {
        let (mailbox, count) = (Mailbox::default(), Arc::new(Count::default()));
        let waker = Arc::clone(&count).into();
        let context = Context::from_waker(&waker);
        assert!(mailbox.poll_next(&context).is_pending());
        for _ in 0..3 {
            mailbox.notify(Input::SessionEnded);
        }
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        for _ in 0..3 {
            assert!(matches!(mailbox.poll_next(&context), Poll::Ready(Input::SessionEnded)));
        }
        assert!(mailbox.poll_next(&context).is_pending());
    }

    #[test]
    fn too_many_notices_become_one_overflow_but_answers_always_arrive() {
        let mailbox = Mailbox::default();
        for _ in 0..NOTICES_MAX + 10 {
            mailbox.notify(Input::SessionEnded);
        }
        mailbox.answer(Input::ShuttingDown);
        let context = Context::from_waker(Waker::noop());
        let mut overflows = 0;
        let mut last = None;
        while let Poll::Ready(input) = mailbox.poll_next(&context) {
            overflows += usize::from(matches!(input, Input::Overflowed));
            last = Some(input);
        }
        assert_eq!(overflows, 1);
        assert!(matches!(last, Some(Input::ShuttingDown)));
    }
}
