//! Lets the bots answer: hears what the bus tells, thinks with `portico-flow`, speaks through the hub like
//! everybody else.
//!
//! Nothing here needs to be remembered. What a bot knows is replayed from the log for each answer, and the ids
//! of its answers follow from the id of what they answer: whatever is computed twice, after a crash or on two
//! nodes, is stored once.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use portico_domain::conversation::derived_id;
use portico_domain::{Actor, Growth};
use portico_flow::{Answer, Heard, Staffing, Turn};
use portico_protocol::frame::{RequestHuman, WatermarkMoved};
use portico_protocol::{
    BrandId, ConversationId, Entry, Message, Owner, Submission, SubmissionBody, Watermark,
};
use portico_store::{AppendError, StoreError};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tracing::{debug, warn};

use super::Bot;
use crate::app::App;
use crate::clock;
use crate::live::Submitting;

/// How often the flow files are looked at.
const RELOAD_EVERY: Duration = Duration::from_secs(3);
/// Conversations that one brand's bot answers at the same time.
const LANES: usize = 8;
/// Growths that may wait in a lane. When it is full the bus makes us fall behind, and the store tells the rest.
const LANE_GROWTHS_MAX: usize = 128;
/// How far back the bot remembers, in entries.
const MEMORY_ENTRIES: u32 = 200;
/// After a failure of the store, how long until unanswered conversations are looked for.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// Answers' ids are derived from here on; below are the greeting's.
const ANSWER_INDEX: u8 = 0x40;
/// The handover's id is derived with this.
const HANDOVER_INDEX: u8 = 0x60;

/// Why an answer was not given.
#[derive(Debug, thiserror::Error)]
enum AnswerError {
    #[error("the log could not be read")]
    Read(#[from] StoreError),
    #[error("the answer could not be stored")]
    Append(#[from] AppendError),
}

/// Answers for all brands until the server closes.
pub async fn run(app: Arc<App>) {
    let mut closing = app.closing.watch();
    tokio::select! {
        () = attend(&app) => {}
        () = closing.begun() => {}
    }
}

/// Starts a bot for each brand that has one, also for those that come later.
async fn attend(app: &Arc<App>) {
    let mut running = tokio::task::JoinSet::new();
    let mut attended: Vec<BrandId> = Vec::new();
    loop {
        for brand in app.bots.brands() {
            if !attended.contains(&brand) {
                attended.push(brand.clone());
                running.spawn(answer_brand(Arc::clone(app), brand));
            }
        }
        tokio::time::sleep(RELOAD_EVERY).await;
        let reloading = Arc::clone(app);
        // A panic in there would be ours; the files are then simply looked at again.
        let _ = tokio::task::spawn_blocking(move || reloading.bots.reload()).await;
    }
}

/// Answers everything that is said to one brand's bot, each conversation in its own order.
async fn answer_brand(app: Arc<App>, brand: BrandId) {
    let mut growths = app.hub.bus.all(&brand);
    let hasher = RandomState::new();
    let (lanes, _tasks) = open_lanes(&app, &brand);
    // What was said while nobody listened.
    answer_unanswered(&app, &brand).await;
    loop {
        match growths.recv().await {
            Ok(growth) => {
                let lane =
                    &lanes[usize::try_from(hasher.hash_one(growth.conversation)).unwrap_or_default() % LANES];
                if needs_answer(&growth) && lane.send(growth).await.is_err() {
                    return;
                }
            }
            Err(RecvError::Lagged(missed)) => {
                debug!(brand.id = %brand, "The bot of {brand} is {missed} notices behind and reads the store");
                answer_unanswered(&app, &brand).await;
            }
            Err(RecvError::Closed) => return,
        }
    }
}

fn open_lanes(app: &Arc<App>, brand: &BrandId) -> (Vec<mpsc::Sender<Arc<Growth>>>, tokio::task::JoinSet<()>) {
    let mut tasks = tokio::task::JoinSet::new();
    let mut open_lane = || {
        let (sender, mut receiver) = mpsc::channel::<Arc<Growth>>(LANE_GROWTHS_MAX);
        let (app, brand) = (Arc::clone(app), brand.clone());
        tasks.spawn(async move {
            while let Some(growth) = receiver.recv().await {
                let heard = growth.entries.iter().filter(|entry| Heard::in_entry(entry).is_some());
                for entry in heard {
                    answer_entry_or_retry(&app, &brand, growth.conversation, entry).await;
                }
            }
        });
        sender
    };
    let lanes = (0..LANES).map(|_| open_lane()).collect();
    (lanes, tasks)
}

fn needs_answer(growth: &Growth) -> bool {
    let owned_by_bot = matches!(growth.state.owner, Owner::Bot(_)) && !growth.state.is_closed;
    owned_by_bot && growth.entries.iter().any(|entry| Heard::in_entry(entry).is_some())
}

/// Looks for conversations in which the visitor had the last word.
async fn answer_unanswered(app: &Arc<App>, brand: &BrandId) {
    let conversations = match app.hub.store.conversations().unanswered_by_bot(brand).await {
        Ok(conversations) => conversations,
        Err(error) => return warn!(brand.id = %brand, "Could not look for unanswered conversations: {error}"),
    };
    for conversation in conversations {
        match app.hub.store.entries().newest(conversation, MEMORY_ENTRIES).await {
            Ok(entries) => {
                let answered =
                    entries.iter().rposition(|entry| entry.author.is_representative() && entry.is_spoken());
                let open = &entries[answered.map_or(0, |index| index + 1)..];
                for entry in open.iter().filter(|entry| Heard::in_entry(entry).is_some()) {
                    answer_entry_or_retry(app, brand, conversation, entry).await;
                }
            }
            Err(error) => warn!(conversation.id = %conversation, "Could not read {conversation}: {error}"),
        }
    }
}

async fn answer_entry_or_retry(app: &Arc<App>, brand: &BrandId, conversation: ConversationId, entry: &Entry) {
    loop {
        match answer_entry(app, brand, conversation, entry).await {
            Ok(()) => return,
            // A person was faster, or the conversation has moved on: then the bot has nothing more to say.
            Err(AnswerError::Append(AppendError::Refused(refusal))) => {
                return debug!(conversation.id = %conversation, "The bot stays silent in {conversation}: {refusal}");
            }
            Err(error) => {
                warn!(conversation.id = %conversation, "The bot could not answer {conversation}, and tries again: {error}");
                tokio::time::sleep(RETRY_AFTER).await;
            }
        }
    }
}

async fn answer_entry(
    app: &Arc<App>,
    brand: &BrandId,
    conversation: ConversationId,
    entry: &Entry,
) -> Result<(), AnswerError> {
    let store = &app.hub.store;
    let (Some(bot), Some(heard)) = (app.bots.find(brand), Heard::in_entry(entry)) else { return Ok(()) };
    let Some(visitor) = store.visitors().find_by_conversation(conversation).await? else { return Ok(()) };
    let before = store.entries().before(conversation, entry.sequence, MEMORY_ENTRIES).await?;
    let mut state = bot.flow.replay(&before);
    let waiting = app.hub.waiting(brand, conversation);
    let turn = Turn {
        locale: visitor.locale,
        now: clock::now(),
        staffing: Staffing { is_staffed: waiting.is_staffed, estimate_ms: waiting.estimate_ms },
    };
    let answer = bot.flow.hear(&mut state, &heard, entry.sequence, &turn);
    mark_read(app, brand, &bot, conversation, entry.sequence);
    for submission in submissions(entry, answer) {
        let submitting = Submitting {
            conversation,
            brand: brand.clone(),
            visitor: visitor.id,
            actor: Actor::Representative(bot.representative.clone()),
            policy: bot.policy(&turn.locale),
            submission,
        };
        app.hub.submit(submitting).await?;
    }
    Ok(())
}

/// The visitor's ticks tell the truth about bots too.
fn mark_read(app: &App, brand: &BrandId, bot: &Bot, conversation: ConversationId, sequence: u64) {
    let participant = bot.representative.id;
    let watermark = Watermark { participant, is_visitor: false, delivered: sequence, read: sequence };
    app.hub.move_watermark(brand.clone(), &WatermarkMoved { conversation, watermark });
}

/// What the answer to `entry` is on the wire, with ids that follow from the entry's.
fn submissions(entry: &Entry, answer: Answer) -> impl Iterator<Item = Submission> {
    let id = entry.id;
    let message = move |(index, message): (u8, Message)| Submission {
        id: derived_id(id, ANSWER_INDEX + index),
        body: SubmissionBody::Message(message),
    };
    let handover = answer.handover.map(|packet| Submission {
        id: derived_id(id, HANDOVER_INDEX),
        body: SubmissionBody::RequestHuman(RequestHuman { packet }),
    });
    (0..HANDOVER_INDEX - ANSWER_INDEX).zip(answer.messages).map(message).chain(handover)
}
