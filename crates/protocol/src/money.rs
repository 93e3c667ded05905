//! Amounts of money: whole minor units and a currency, never a fraction in binary.
//!
//! ```
//! use portico_protocol::Money;
//!
//! let price: Money = "12.50 EUR".parse().expect("an amount");
//! assert_eq!(price.minor, 1_250);
//! assert_eq!(price.times(3).map(|sum| sum.to_string()).as_deref(), Some("37.50 EUR"));
//! ```

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::json::{self, Wire, wire};

/// Longest amount that is read, in bytes: sign, 19 digits, point, zeros, space and currency, with room.
const AMOUNT_BYTES_MAX: usize = 64;
/// Decimal places of [`WireMoney::nanos`].
const NANO_PLACES: u32 = 9;

/// An ISO 4217 currency, by its three letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

/// An amount in a currency's smallest unit: 1250 with EUR is 12.50 EUR, with JPY it is 1250 JPY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "WireMoney", into = "WireMoney")]
pub struct Money {
    /// How many of the currency's smallest units. Negative: a discount, or money to be given back.
    pub minor: i64,
    /// In which currency.
    pub currency: Currency,
}

/// Why a text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMoney {
    /// Neither a number nor a currency can be told.
    #[error("write a number with a point, a space and a currency of ISO 4217, as in 12.50 EUR")]
    Malformed,
    /// Three letters that are no currency in use.
    #[error("the currency is none of ISO 4217")]
    UnknownCurrency,
    /// Parts of the smallest unit: nobody can pay them.
    #[error("there are more decimal places than the currency has")]
    TooPrecise,
    /// More than 64 bits hold.
    #[error("the amount is too large")]
    TooLarge,
}

/// Currencies whose smallest unit is not a hundredth (ISO 4217, list one).
const WHOLE: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
const THOUSANDTHS: &str = "BHD IQD JOD KWD LYD OMR TND";
const TEN_THOUSANDTHS: &str = "CLF UYW";
const HUNDREDTHS: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD \
    BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP \
    GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL \
    MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR \
    PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD \
    TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG";

impl Currency {
    /// How many decimal places the smallest unit has: 2 for EUR, 0 for JPY, 3 for KWD.
    #[must_use]
    pub fn places(self) -> u32 {
        places(self.as_str()).unwrap_or(2)
    }

    /// The three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The decimal places of a known currency.
fn places(code: &str) -> Option<u32> {
    let lists = [(HUNDREDTHS, 2), (WHOLE, 0), (THOUSANDTHS, 3), (TEN_THOUSANDTHS, 4)];
    let holds = |list: &str| list.split_ascii_whitespace().any(|known| known == code);
    lists.into_iter().find(|(list, _)| holds(list)).map(|(_, places)| places)
}

impl FromStr for Currency {
    type Err = InvalidMoney;

    fn from_str(text: &str) -> Result<Self, InvalidMoney> {
        let letters: [u8; 3] = text.as_bytes().try_into().map_err(|_| InvalidMoney::Malformed)?;
        places(text).map(|_| Self(letters)).ok_or(InvalidMoney::UnknownCurrency)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Money {
    /// Nothing, in `currency`.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// The sum; `None` where the currencies differ or the sum does not fit.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let minor = self.minor.checked_add(other.minor).filter(|_| self.currency == other.currency)?;
        Some(Self { minor, ..self })
    }

    /// The difference; `None` where the currencies differ or it does not fit.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        let minor = self.minor.checked_sub(other.minor).filter(|_| self.currency == other.currency)?;
        Some(Self { minor, ..self })
    }

    /// So many of it; `None` where that does not fit.
    #[must_use]
    pub fn times(self, quantity: u32) -> Option<Self> {
        Some(Self { minor: self.minor.checked_mul(i64::from(quantity))?, ..self })
    }

    /// Whether it is at most `other`; `None` where the currencies differ.
    #[must_use]
    pub fn is_at_most(self, other: Self) -> Option<bool> {
        (self.currency == other.currency).then_some(self.minor <= other.minor)
    }
}

/// `12.50 EUR`: digits with a point, a space, the currency, in this order (Google's product data
/// specification, `price`). No signs for thousands, no comma.
impl FromStr for Money {
    type Err = InvalidMoney;

    fn from_str(text: &str) -> Result<Self, InvalidMoney> {
        if text.len() > AMOUNT_BYTES_MAX {
            return Err(InvalidMoney::TooLarge);
        }
        let (number, currency) = text.split_once(' ').ok_or(InvalidMoney::Malformed)?;
        let (digits, is_negative) = match number.strip_prefix('-') {
            Some(digits) => (digits, true),
            None => (number, false),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !are_digits(whole) || !are_digits(fraction) {
            return Err(InvalidMoney::Malformed);
        }
        let currency: Currency = currency.parse()?;
        let places = currency.places() as usize;
        // `1500.00 JPY` says nothing that yen could not pay.
        if fraction.len() > places && fraction[places..].bytes().any(|byte| byte != b'0') {
            return Err(InvalidMoney::TooPrecise);
        }
        let kept = fraction.bytes().chain(core::iter::repeat(b'0')).take(places);
        let mut minor = 0_i64;
        for digit in whole.bytes().chain(kept) {
            let digit = i64::from(digit - b'0');
            let next = minor.checked_mul(10).and_then(|minor| {
                if is_negative { minor.checked_sub(digit) } else { minor.checked_add(digit) }
            });
            minor = next.ok_or(InvalidMoney::TooLarge)?;
        }
        Ok(Self { minor, currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = self.currency.places();
        let scale = 10_u64.pow(places);
        let (amount, sign) = (self.minor.unsigned_abs(), if self.minor < 0 { "-" } else { "" });
        write!(formatter, "{sign}{}", amount / scale)?;
        if places > 0 {
            write!(formatter, ".{:0width$}", amount % scale, width = places as usize)?;
        }
        write!(formatter, " {}", self.currency)
    }
}

/// As `google.type.Money` writes it: whole units as a text, since a number in JSON may lose the last digits
/// of 64 bits, and billionths of a unit with the same sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMoney {
    currency_code: String,
    units: String,
    #[serde(default)]
    nanos: i64,
}

wire!(struct WireMoney { currency_code, units, nanos [optional] });

impl From<Money> for WireMoney {
    fn from(money: Money) -> Self {
        let places = money.currency.places();
        let scale = 10_i64.pow(places);
        Self {
            currency_code: money.currency.as_str().into(),
            units: (money.minor / scale).to_string(),
            nanos: money.minor % scale * 10_i64.pow(NANO_PLACES - places),
        }
    }
}

impl TryFrom<WireMoney> for Money {
    type Error = InvalidMoney;

    fn try_from(wire: WireMoney) -> Result<Self, InvalidMoney> {
        let currency: Currency = wire.currency_code.parse()?;
        let units: i64 = wire.units.parse().map_err(|_| InvalidMoney::Malformed)?;
        let is_mixed = (units > 0 && wire.nanos < 0) || (units < 0 && wire.nanos > 0);
        if is_mixed || wire.nanos.unsigned_abs() >= 10_u64.pow(NANO_PLACES) {
            return Err(InvalidMoney::Malformed);
        }
        let step = 10_i64.pow(NANO_PLACES - currency.places());
        if wire.nanos % step != 0 {
            return Err(InvalidMoney::TooPrecise);
        }
        let minor = units.checked_mul(10_i64.pow(currency.places()));
        let minor = minor.and_then(|minor| minor.checked_add(wire.nanos / step));
        Ok(Self { minor: minor.ok_or(InvalidMoney::TooLarge)?, currency })
    }
}

impl Wire for Money {
    fn read(value: &json::Value<'_>) -> Result<Self, json::Error> {
        WireMoney::read(value)?.try_into().map_err(|_| json::Error)
    }

    fn write(&self, out: &mut json::Writer) {
        WireMoney::from(*self).write(out);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec;

    fn check(text: &str, expected: Result<i64, InvalidMoney>) {
        assert_eq!(text.parse::<Money>().map(|money| money.minor), expected, "{text}");
    }

    #[test]
    fn amounts_are_read_in_the_currencys_own_units() {
        check("12.50 EUR", Ok(1_250));
        check("12.5 EUR", Ok(1_250));
        check("12 EUR", Ok(1_200));
        check("1500 JPY", Ok(1_500));
        check("1500.00 JPY", Ok(1_500));
        check("1.234 KWD", Ok(1_234));
        check("-0.01 USD", Ok(-1));
        check("12.505 EUR", Err(InvalidMoney::TooPrecise));
        check("1500.5 JPY", Err(InvalidMoney::TooPrecise));
        check("10.00 XYZ", Err(InvalidMoney::UnknownCurrency));
        check("10.00 eur", Err(InvalidMoney::UnknownCurrency));
        check("92233720368547758.08 EUR", Err(InvalidMoney::TooLarge));
        for text in [
            "EUR 12.50",
            "12,50 EUR",
            "1,250.00 EUR",
            "12.50",
            "12.50EUR",
            "",
            ".5 EUR",
            "5. EUR",
            "€5",
            "1e3 EUR",
        ] {
            check(text, Err(InvalidMoney::Malformed));
        }
    }

    #[test]
    fn on_the_wire_it_is_googles_money() {
        let money: Money = "12.50 EUR".parse().expect("an amount");
        let text = r#"{"currencyCode":"EUR","units":"12","nanos":500000000}"#;
        assert_eq!(codec::encode(&money), text);
        assert_eq!(json::to_string(&money), text);
        for text in [
            r#"{"currencyCode":"EUR","units":"12","nanos":1}"#,
            r#"{"currencyCode":"EUR","units":"12","nanos":-500000000}"#,
            r#"{"currencyCode":"EUR","units":"99999999999999999999"}"#,
            r#"{"currencyCode":"XYZ","units":"1"}"#,
        ] {
            assert!(codec::decode::<Money>(text).is_err(), "{text}");
            assert!(json::from_str::<Money>(text).is_err(), "{text}");
        }
    }

    fn any_money() -> impl Strategy<Value = Money> {
        let code = prop::sample::select(vec!["EUR", "JPY", "KWD", "CLF"]);
        let currency = code.prop_map(|code| code.parse::<Currency>().expect("a known code"));
        (any::<i64>(), currency).prop_map(|(minor, currency)| Money { minor, currency })
    }

    proptest! {
        #[test]
        fn every_amount_survives_text_and_wire(money in any_money()) {
            prop_assert_eq!(money.to_string().parse::<Money>(), Ok(money));
            prop_assert_eq!(codec::decode::<Money>(&codec::encode(&money)).ok(), Some(money));
            prop_assert_eq!(json::from_str::<Money>(&json::to_string(&money)).ok(), Some(money));
        }

        #[test]
        fn sums_are_right_or_refused(one in any_money(), other in any_money(), quantity in any::<u32>()) {
            let exact = (one.currency == other.currency).then(|| i128::from(one.minor) + i128::from(other.minor));
            prop_assert_eq!(one.plus(other).map(|sum| sum.minor), exact.and_then(|sum| i64::try_from(sum).ok()));
            if let Some(sum) = one.plus(other) {
                prop_assert_eq!(sum.minus(other), Some(one));
            }
            let exact = i64::try_from(i128::from(one.minor) * i128::from(quantity)).ok();
            prop_assert_eq!(one.times(quantity).map(|product| product.minor), exact);
        }

        #[test]
        fn no_text_breaks_the_reader(text in ".{0,80}") {
            let _ = text.parse::<Money>();
        }
    }
}
