//! Who is signed in, if anybody.

use leptos::prelude::*;
use leptos::task::spawn_local;
use portico_browser::address;
use portico_browser::api::CallError;
use portico_protocol::Problem;
use portico_protocol::api::{Me, SignIn};

use crate::api;

/// The fragment of an address after a session that ended by itself.
const ENDED: &str = "ended";

/// Where one stands.
#[derive(Clone, PartialEq)]
pub(crate) enum Stage {
    /// The server is being asked.
    Asking,
    /// The server does not answer.
    Unreachable,
    /// Nobody is signed in.
    Outside,
    /// This representative is.
    Inside(Box<Me>),
}

/// The way in and out. Copies are the same door.
#[derive(Clone, Copy)]
pub(crate) struct Door {
    stage: RwSignal<Stage>,
    problem: RwSignal<Option<Problem>>,
    is_busy: RwSignal<bool>,
}

impl Door {
    /// Asks the server who is signed in.
    #[must_use]
    pub(crate) fn open() -> Self {
        let door = Self {
            stage: RwSignal::new(Stage::Asking),
            problem: RwSignal::new(None),
            is_busy: RwSignal::new(false),
        };
        door.ask();
        door
    }

    /// Where one stands.
    #[must_use]
    pub(crate) fn stage(self) -> Signal<Stage> {
        self.stage.into()
    }

    /// Why one is not in.
    #[must_use]
    pub(crate) fn problem(self) -> Signal<Option<Problem>> {
        self.problem.into()
    }

    /// Whether signing in is under way.
    #[must_use]
    pub(crate) fn is_busy(self) -> Signal<bool> {
        self.is_busy.into()
    }

    /// Asks the server again.
    pub(crate) fn ask(self) {
        self.stage.set(Stage::Asking);
        spawn_local(async move {
            match api::me().await {
                Ok(me) => self.stage.set(Stage::Inside(Box::new(me))),
                Err(CallError::Unreachable) => self.stage.set(Stage::Unreachable),
                Err(CallError::Problem(problem)) if problem.status == 401 => {
                    if address::fragment() == ENDED {
                        self.problem.set(Some(Problem::new(
                            "session-ended",
                            401,
                            "Your session has ended. Sign in again",
                        )));
                    }
                    self.stage.set(Stage::Outside);
                }
                Err(CallError::Problem(problem)) => {
                    self.problem.set(Some(problem));
                    self.stage.set(Stage::Outside);
                }
            }
        });
    }

    /// Tries to sign in.
    pub(crate) fn sign_in(self, form: SignIn) {
        self.is_busy.set(true);
        self.problem.set(None);
        spawn_local(async move {
            let answer = api::sign_in(&form).await;
            self.is_busy.set(false);
            match answer {
                Ok(me) => self.stage.set(Stage::Inside(Box::new(me))),
                Err(error) => self.problem.set(Some(problem(error))),
            }
        });
    }

    /// Signs out. The page is loaded anew: nothing of the brand's customers stays in memory.
    pub(crate) fn sign_out(self) {
        spawn_local(async move {
            match api::sign_out().await {
                Err(CallError::Unreachable) => self.stage.set(Stage::Unreachable),
                // Refused means that the session was over already.
                _ => address::reload(""),
            }
        });
    }

    /// The session ended by itself, or from another device.
    pub(crate) fn ended(self) {
        address::reload(ENDED);
    }
}

/// What to say where a call failed.
#[must_use]
pub(crate) fn problem(error: CallError) -> Problem {
    match error {
        CallError::Problem(problem) => problem,
        CallError::Unreachable => Problem::new("unreachable", 503, "Portico cannot be reached")
            .with_detail("Check your connection and try again"),
    }
}
