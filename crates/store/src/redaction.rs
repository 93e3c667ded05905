//! Forgetting: what a redaction empties is gone from the rows, not only from the screens.

use portico_protocol::entry::{Handover, SuggestionResponse};
use portico_protocol::{ConversationId, Entry, EntryBody, Message, codec};

use crate::batch::Failure;
use crate::database::{Connection, Statement, values};
use crate::entry::entry_of;

/// Empties `target` and whatever repeats its words later in the same log.
pub(crate) async fn forget(
    connection: &mut Connection,
    conversation: ConversationId,
    target: &Entry,
) -> Result<(), Failure> {
    let sql = "SELECT id, sequence, at, author, body FROM entry WHERE conversation = $1 AND sequence >= $2";
    let rows = connection.fetch(Statement::new(sql, values![conversation, target.sequence])).await?;
    for row in rows {
        let entry = entry_of(&row)?;
        let Some(body) = without_words(&entry, target) else { continue };
        let sql = "UPDATE entry SET body = $1, words = NULL WHERE conversation = $2 AND sequence = $3";
        let values = values![codec::encode(&body), conversation, entry.sequence];
        connection.execute(Statement::new(sql, values)).await?;
    }
    Ok(())
}

/// `entry` without the words of `target`; `None` if it has none of them.
fn without_words(entry: &Entry, target: &Entry) -> Option<EntryBody> {
    match &entry.body {
        EntryBody::Message(_) if entry.id == target.id => Some(Message::text("").into()),
        EntryBody::SuggestionResponse(response) if entry.id == target.id => {
            let (text, postback_data) = (String::new(), String::new());
            Some(SuggestionResponse { message: response.message, text, postback_data }.into())
        }
        EntryBody::Edit(edit) if edit.target == target.id => {
            Some(portico_protocol::entry::Edit { target: target.id, message: Message::text("") }.into())
        }
        EntryBody::Handover(Handover { to, packet })
            if packet.iter().any(|slot| slot.source == Some(target.sequence)) =>
        {
            let mut packet = packet.clone();
            packet.retain(|slot| slot.source != Some(target.sequence));
            Some(Handover { to: to.clone(), packet }.into())
        }
        _ => None,
    }
}
