//! Whoever takes part in a conversation: its visitor, and the representatives of its brand.

use axum::http::{HeaderMap, Method};
use portico_protocol::{BrandId, ConversationId, ParticipantId};
use portico_store::VisitorRecord;

use crate::app::App;
use crate::http::problem::ApiError;
use crate::http::studio::session::{self, SignedIn};
use crate::http::{origin, visitor};

/// Somebody with a live session. A browser may hold several: the visitor's of each brand, and the studio's.
#[derive(Debug)]
pub(super) enum Party {
    Visitor(Box<VisitorRecord>),
    Representative(Box<SignedIn>),
}

impl Party {
    /// Everybody whom the request's secrets make it.
    ///
    /// # Errors
    /// Nobody, or the request comes from a page of another site.
    pub(super) async fn all(app: &App, method: &Method, headers: &HeaderMap) -> Result<Vec<Self>, ApiError> {
        origin::check(app, headers)?;
        let visitors = visitor::visitors(app, headers).await?;
        let mut parties: Vec<Self> =
            visitors.into_iter().map(|visitor| Self::Visitor(Box::new(visitor))).collect();
        if let Some(representative) = session::find(app, headers).await? {
            match session::check_same_origin(method, headers, app) {
                Ok(()) => parties.push(Self::Representative(Box::new(representative))),
                Err(foreign) if parties.is_empty() => return Err(foreign),
                Err(_) => {}
            }
        }
        if parties.is_empty() { Err(ApiError::not_signed_in()) } else { Ok(parties) }
    }

    /// The one who takes part in this conversation of this brand.
    ///
    /// # Errors
    /// None does: not told apart from a conversation that does not exist.
    pub(super) fn in_conversation(
        parties: Vec<Self>,
        conversation: ConversationId,
        brand: &BrandId,
    ) -> Result<Self, ApiError> {
        let takes_part = |party: &Self| match party {
            Self::Visitor(visitor) => visitor.conversation == conversation,
            Self::Representative(representative) => representative.account.brand == *brand,
        };
        parties.into_iter().find(takes_part).ok_or_else(ApiError::not_found)
    }

    pub(super) fn participant(&self) -> ParticipantId {
        match self {
            Self::Visitor(visitor) => visitor.id,
            Self::Representative(representative) => representative.account.id,
        }
    }
}
