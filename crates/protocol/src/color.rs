//! The brand's colour, and what can be read on it (WCAG 2.2 §1.4.3, §1.4.11).

use core::fmt;
use core::str::FromStr;

/// Contrast that text needs on what is behind it (WCAG 2.2 §1.4.3).
pub const TEXT_CONTRAST_MIN: f64 = 4.5;

/// An opaque sRGB colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color([u8; 3]);

/// Why a text is not a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a colour is written as # and six hexadecimal digits")]
pub struct InvalidColor;

impl Color {
    /// `#000000`
    pub const BLACK: Self = Self([0; 3]);
    /// `#ffffff`
    pub const WHITE: Self = Self([255; 3]);

    /// How far apart in brightness two colours are: 1 to 21 (WCAG 2.2, "contrast ratio").
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Black or white, whichever reads better on this.
    #[must_use]
    pub fn readable(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) { Self::WHITE } else { Self::BLACK }
    }

    /// This colour, moved towards black or white until it can be read as text on `surface`.
    #[must_use]
    pub fn readable_on(self, surface: Self) -> Self {
        let towards = surface.readable();
        (0..=16)
            .map(|step| self.mix(towards, step))
            .find(|mixed| mixed.contrast(surface) >= TEXT_CONTRAST_MIN)
            .unwrap_or(towards)
    }

    /// `sixteenths` of `other`, the rest of this.
    fn mix(self, other: Self, sixteenths: u32) -> Self {
        let channel = |index: usize| {
            let mixed = u32::from(self.0[index]) * (16 - sixteenths) + u32::from(other.0[index]) * sixteenths;
            u8::try_from(mixed / 16).expect("a mean of two bytes is a byte")
        };
        Self([channel(0), channel(1), channel(2)])
    }

    /// Relative luminance. A cubic stands for the power 2.4 of the definition: it is off by less than 0.002,
    /// and spares the widget a mathematics library.
    fn luminance(self) -> f64 {
        let linear = |byte: u8| {
            let value = f64::from(byte) / 255.0;
            value * (value * (value * 0.305_306_011 + 0.682_171_111) + 0.012_522_878)
        };
        0.2126 * linear(self.0[0]) + 0.7152 * linear(self.0[1]) + 0.0722 * linear(self.0[2])
    }
}

impl FromStr for Color {
    type Err = InvalidColor;

    fn from_str(text: &str) -> Result<Self, InvalidColor> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or(InvalidColor)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidColor);
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| InvalidColor)?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok(Self([red, green, blue]))
    }
}

impl fmt::Display for Color {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(formatter, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_six_digits_behind_a_hash_are_a_colour() {
        for refused in ["", "#", "#fff", "ffffff", "#ggggggg", "#+12345", "#12345é", "red"] {
            assert_eq!(refused.parse::<Color>(), Err(InvalidColor), "{refused}");
        }
        assert_eq!("#0A7b44".parse::<Color>().map(|color| color.to_string()), Ok("#0a7b44".into()));
    }

    #[test]
    fn contrast_agrees_with_the_published_examples() {
        let contrast =
            |a: &str, b: &str| a.parse::<Color>().expect("a colour").contrast(b.parse().expect("a colour"));
        assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 0.05);
        assert!((contrast("#767676", "#ffffff") - 4.54).abs() < 0.05);
        assert!((contrast("#0000ff", "#ffffff") - 8.59).abs() < 0.1);
    }

    proptest! {
        #[test]
        fn text_in_any_brand_colour_can_be_read_on_any_surface(a: [u8; 3], b: [u8; 3]) {
            let surface = Color(b);
            prop_assert!(Color(a).readable_on(surface).contrast(surface) >= TEXT_CONTRAST_MIN);
            prop_assert!(surface.readable().contrast(surface) >= TEXT_CONTRAST_MIN);
        }
    }
}
