//! Pictures, cards and carousels: the Business Messages model, with its names and limits.

use serde::{Deserialize, Serialize};

use crate::Problem;
use crate::json::wire;
use crate::limit::{
    ALT_TEXT_CHARS_MAX, CARD_DESCRIPTION_CHARS_MAX, CARD_SUGGESTIONS_MAX, CARD_TITLE_CHARS_MAX, CARDS_MAX,
    CARDS_MIN,
};
use crate::message::{Suggestion, check_chars, check_suggestions, check_url, item, member, silent_debug};
use crate::oneof::oneof;

/// A picture by itself.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// Which.
    pub content_info: Box<MediaFile>,
}

oneof! {
    /// One card, or several side by side.
    pub enum RichCard {
        /// One.
        Standalone(StandaloneCard) = "standaloneCard",
        /// 2 to 10.
        Carousel(CarouselCard) = "carouselCard",
    }
}

/// A card by itself.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StandaloneCard {
    /// What stands on it.
    pub card_content: Box<CardContent>,
}

/// Cards side by side.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CarouselCard {
    /// How wide each is.
    pub card_width: CardWidth,
    /// 2 to 10 of them.
    pub card_contents: Vec<CardContent>,
}

/// How wide the cards of a carousel are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CardWidth {
    /// 136 density-independent pixels.
    Small,
    /// 280 density-independent pixels.
    Medium,
}

/// What stands on a card. It has at least one of title, description and media.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CardContent {
    /// One line or two; at most 200 code points.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// At most 2000 code points.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The picture above the words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<Media>,
    /// What can be tapped on the card; at most 4.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<Suggestion>,
}

/// The picture on a card.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Media {
    /// How much of the card it takes.
    pub height: MediaHeight,
    /// Which.
    pub content_info: MediaFile,
}

/// How high the picture on a card is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MediaHeight {
    /// 112 density-independent pixels.
    Short,
    /// 168 density-independent pixels.
    Medium,
    /// 264 density-independent pixels; not on the small cards of a carousel.
    Tall,
}

/// A picture somewhere on the brand's site: what Business Messages calls content info.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MediaFile {
    /// JPEG or PNG.
    pub file_url: String,
    /// A smaller one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
    /// What it shows, for those who do not see it; at most 500 code points. Required: without it, part of the
    /// message would be kept from them.
    pub alt_text: String,
}

impl RichCard {
    /// The cards, first to last.
    #[must_use]
    pub fn cards(&self) -> &[CardContent] {
        match self {
            Self::Standalone(card) => std::slice::from_ref(&card.card_content),
            Self::Carousel(carousel) => &carousel.card_contents,
            Self::Unknown => &[],
        }
    }

    /// The same, to change.
    pub fn cards_mut(&mut self) -> &mut [CardContent] {
        match self {
            Self::Standalone(card) => std::slice::from_mut(&mut *card.card_content),
            Self::Carousel(carousel) => &mut carousel.card_contents,
            Self::Unknown => &mut [],
        }
    }

    /// The words to show where only words can be shown: those of the first card.
    #[must_use]
    pub fn plain_text(&self) -> &str {
        let Some(card) = self.cards().first() else { return "" };
        let alt_text = card.media.as_ref().map_or("", |media| media.content_info.alt_text.as_str());
        [&card.title, &card.description, alt_text]
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or_default()
    }

    pub(crate) fn check(&self) -> Result<(), Problem> {
        match self {
            Self::Standalone(card) => {
                card.card_content.check("message.content.richCard.standaloneCard.cardContent")
            }
            Self::Carousel(carousel) => carousel.check("message.content.richCard.carouselCard"),
            Self::Unknown => Err(Problem::invalid(
                "message.content.richCard",
                "give exactly one of standaloneCard and carouselCard",
            )),
        }
    }
}

impl CarouselCard {
    fn check(&self, field: &str) -> Result<(), Problem> {
        let count = self.card_contents.len();
        let cards = member(field, ".cardContents");
        if count > CARDS_MAX {
            return Err(Problem::too_long(&cards, CARDS_MAX, count));
        }
        if count < CARDS_MIN {
            return Err(Problem::invalid(&cards, "a carousel has at least two cards; one stands alone"));
        }
        for (index, card) in self.card_contents.iter().enumerate() {
            let field = item(&cards, index);
            card.check(&field)?;
            let is_tall = card.media.as_ref().is_some_and(|media| media.height == MediaHeight::Tall);
            if is_tall && self.card_width == CardWidth::Small {
                return Err(Problem::invalid(
                    &member(&field, ".media.height"),
                    "TALL does not fit a card of width SMALL",
                ));
            }
        }
        Ok(())
    }
}

impl CardContent {
    fn check(&self, field: &str) -> Result<(), Problem> {
        if self.title.trim().is_empty() && self.description.trim().is_empty() && self.media.is_none() {
            return Err(Problem::invalid(field, "a card needs a title, a description or media"));
        }
        check_chars(&member(field, ".title"), &self.title, CARD_TITLE_CHARS_MAX)?;
        check_chars(&member(field, ".description"), &self.description, CARD_DESCRIPTION_CHARS_MAX)?;
        if let Some(media) = &self.media {
            media.content_info.check(&member(field, ".media.contentInfo"))?;
        }
        check_suggestions(&member(field, ".suggestions"), &self.suggestions, CARD_SUGGESTIONS_MAX)
    }
}

impl MediaFile {
    pub(crate) fn check(&self, field: &str) -> Result<(), Problem> {
        check_url(&member(field, ".fileUrl"), &self.file_url)?;
        if let Some(url) = &self.thumbnail_url {
            check_url(&member(field, ".thumbnailUrl"), url)?;
        }
        let alt_text = member(field, ".altText");
        if self.alt_text.trim().is_empty() {
            return Err(Problem::invalid(
                &alt_text,
                "say what the picture shows, for those who do not see it",
            ));
        }
        check_chars(&alt_text, &self.alt_text, ALT_TEXT_CHARS_MAX)
    }
}

silent_debug!(Image, StandaloneCard, CarouselCard, CardContent, Media, MediaFile);

wire!(struct Image { content_info });
wire!(struct StandaloneCard { card_content });
wire!(struct CarouselCard { card_width, card_contents });
wire!(
    enum CardWidth {
        Small = "SMALL",
        Medium = "MEDIUM",
    }
);
wire!(struct CardContent { title [optional], description [optional], media [optional], suggestions [optional] });
wire!(struct Media { height, content_info });
wire!(
    enum MediaHeight {
        Short = "SHORT",
        Medium = "MEDIUM",
        Tall = "TALL",
    }
);
wire!(struct MediaFile { file_url, thumbnail_url [optional], alt_text });
