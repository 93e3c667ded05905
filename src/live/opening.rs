//! What sessions ask the store for.

use portico_domain::session::Opening;
use portico_domain::{Admission, Conversation, Role};
use portico_protocol::api::InboxQuery;
use portico_protocol::limit::{ENTRIES_PER_FRAME_MAX, OPENING_ENTRIES};
use portico_protocol::{ConversationId, ConversationSummary, Entry, ParticipantId, Problem};
use portico_store::{Asker, StoreError};

use super::hub::{Hub, unavailable};

impl Hub {
    /// A conversation as it stands, and what comes after `after`; `None` where the one admitted has no such
    /// conversation.
    pub(super) async fn load_opening(
        &self,
        admission: &Admission,
        conversation: ConversationId,
        after: u64,
    ) -> Result<Option<Opening>, Problem> {
        self.read_opening(admission, conversation, after).await.map_err(|error| report(&error))
    }

    async fn read_opening(
        &self,
        admission: &Admission,
        conversation: ConversationId,
        after: u64,
    ) -> Result<Option<Opening>, StoreError> {
        let state = self.store.conversations().find(conversation).await?;
        let state = match (state, &admission.role) {
            (Some(state), role) if state.brand == *role.brand() => state,
            (None, Role::Visitor { brand, visitor, .. }) => {
                let state = Conversation::new(brand.clone(), *visitor, &admission.policy);
                return Ok(Some(Opening { state, watermarks: Vec::new(), entries: Vec::new() }));
            }
            _ => return Ok(None),
        };
        let watermarks = self.store.watermarks().of(conversation).await?;
        let entries = match after {
            0 => self.store.entries().newest(conversation, OPENING_ENTRIES).await?,
            _ if after >= state.head => Vec::new(),
            _ => self.store.entries().after(conversation, after, ENTRIES_PER_FRAME_MAX as u32).await?,
        };
        Ok(Some(Opening { state, watermarks, entries }))
    }

    /// The entries after `after`, at most a frame full.
    pub(super) async fn load_after(
        &self,
        conversation: ConversationId,
        after: u64,
    ) -> Result<Vec<Entry>, Problem> {
        let loaded = self.store.entries().after(conversation, after, ENTRIES_PER_FRAME_MAX as u32).await;
        loaded.map_err(|error| report(&error))
    }

    /// The entries right before `before`.
    pub(super) async fn load_before(
        &self,
        conversation: ConversationId,
        before: u64,
        limit: u32,
    ) -> Result<Vec<Entry>, Problem> {
        self.store.entries().before(conversation, before, limit).await.map_err(|error| report(&error))
    }

    /// The first page of a representative's inbox.
    pub(super) async fn load_inbox(
        &self,
        role: &Role,
        query: &InboxQuery,
    ) -> Result<Vec<ConversationSummary>, Problem> {
        let page = self.store.conversations().list(asker(role), query, None).await;
        page.map(|page| page.conversations).map_err(|error| report(&error))
    }

    /// These lines of it, as far as they exist.
    pub(super) async fn load_summaries(
        &self,
        role: &Role,
        conversations: &[ConversationId],
    ) -> Result<Vec<ConversationSummary>, Problem> {
        let mut summaries = Vec::with_capacity(conversations.len());
        for conversation in conversations {
            let found = self.store.conversations().find_summary(asker(role), *conversation).await;
            summaries.extend(found.map_err(|error| report(&error))?);
        }
        Ok(summaries)
    }
}

fn asker(role: &Role) -> Asker<'_> {
    let representative: ParticipantId = role.participant();
    Asker { brand: role.brand(), representative }
}

fn report(error: &StoreError) -> Problem {
    tracing::warn!(%error, "Could not read for a connection: {error}");
    unavailable(error)
}
