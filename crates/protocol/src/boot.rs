//! What the chat's document carries for the app that will run in it.

use serde::{Deserialize, Serialize};

use crate::json::wire;

use crate::{BrandId, Message, Timestamp};

/// Where the chat is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Surface {
    /// In a frame on the brand's page.
    Frame,
    /// As a page of its own.
    #[serde(other)]
    Page,
}

/// What the app starts from. All else that is shown of the brand stands in the document already.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Boot {
    /// With whom.
    pub brand: BrandId,
    /// The brand's name.
    pub display_name: String,
    /// The brand's domain.
    pub domain: String,
    /// When the proof that the document shows ends; absent where it shows none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_expires_at: Option<Timestamp>,
    /// The brand's bot, if it has one, by the name that visitors see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot_name: Option<String>,
    /// What the bot says before anybody has written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub greeting: Vec<Message>,
    /// The document's language, BCP 47.
    pub locale: String,
    /// Where the chat is shown.
    pub surface: Surface,
}

wire!(enum Surface { Frame = "frame", Page = "page", _ = Page });
wire!(struct Boot { brand, display_name, domain, proof_expires_at [optional], bot_name [optional], greeting [optional], locale, surface });
