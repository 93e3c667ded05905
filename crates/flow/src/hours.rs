//! When people answer, in the brand's own time zone.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, ToSpan as _, Zoned};
use portico_protocol::Timestamp;

/// How far ahead an opening is looked for, in days.
const LOOK_AHEAD_DAYS: usize = 60;

/// Opening hours by weekday, with days off.
#[derive(Clone, Debug)]
pub struct Hours {
    zone: TimeZone,
    /// From Monday on: spans within the day, in order.
    days: [Vec<(Time, Time)>; 7],
    closed: Vec<Date>,
}

impl Hours {
    pub(crate) const fn new(zone: TimeZone, days: [Vec<(Time, Time)>; 7], closed: Vec<Date>) -> Self {
        Self { zone, days, closed }
    }

    /// Whether people answer at `now`.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        let Some(local) = self.local(now) else { return false };
        let time = local.time();
        self.spans(local.date()).iter().any(|(from, to)| (*from..*to).contains(&time))
    }

    /// When people answer next, if not now.
    #[must_use]
    pub fn next_opening(&self, now: Timestamp) -> Option<Timestamp> {
        let local = self.local(now)?;
        let days = local.date().series(1.day()).take(LOOK_AHEAD_DAYS);
        let openings =
            days.flat_map(|date| self.spans(date).iter().map(move |(from, _)| date.to_datetime(*from)));
        let moments = openings.filter_map(|opening| opening.to_zoned(self.zone.clone()).ok());
        let next = moments
            .map(|moment| Timestamp::from_millis(moment.timestamp().as_millisecond()))
            .find(|at| *at > now);
        next.filter(|_| !self.is_open(now))
    }

    /// Weekday (from Monday, 0 to 6), hour and minute of `at` in the brand's zone, and whether that is today.
    pub(crate) fn weekday_and_time(&self, at: Timestamp, now: Timestamp) -> Option<LocalTime> {
        let (local, today) = (self.local(at)?, self.local(now)?);
        Some(LocalTime {
            weekday: usize::from(local.weekday().to_monday_zero_offset().unsigned_abs()),
            date: local.date(),
            time: local.time(),
            is_today: local.date() == today.date(),
            // Past a week a weekday's name alone would mislead.
            is_within_a_week: local.date() < today.date().saturating_add(7.days()),
        })
    }

    fn spans(&self, date: Date) -> &[(Time, Time)] {
        if self.closed.contains(&date) {
            return &[];
        }
        let weekday: Weekday = date.weekday();
        &self.days[usize::from(weekday.to_monday_zero_offset().unsigned_abs())]
    }

    fn local(&self, at: Timestamp) -> Option<Zoned> {
        Instant::from_millisecond(at.as_millis()).ok().map(|instant| instant.to_zoned(self.zone.clone()))
    }
}

pub(crate) struct LocalTime {
    pub(crate) weekday: usize,
    pub(crate) date: Date,
    pub(crate) time: Time,
    pub(crate) is_today: bool,
    pub(crate) is_within_a_week: bool,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn hours() -> Hours {
        let nine_to_five = vec![(Time::constant(9, 0, 0, 0), Time::constant(17, 0, 0, 0))];
        let mut days: [Vec<_>; 7] = Default::default();
        days[..5].fill(nine_to_five);
        Hours::new(TimeZone::get("Europe/Oslo").unwrap(), days, vec![Date::constant(2026, 12, 25)])
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::from_millis(text.parse::<Instant>().unwrap().as_millisecond())
    }

    #[test]
    fn hours_follow_the_zone_through_daylight_saving() {
        let hours = hours();
        assert!(hours.is_open(at("2026-06-01T07:00:00Z")), "nine in the morning in summer is seven in UTC");
        assert!(!hours.is_open(at("2026-11-23T07:30:00Z")), "in winter it is eight");
        assert!(hours.is_open(at("2026-11-23T08:00:00Z")));
        assert!(!hours.is_open(at("2026-11-23T16:00:00Z")), "the closing minute is closed");
    }

    #[test]
    fn the_next_opening_skips_weekends_and_days_off() {
        let hours = hours();
        let thursday_night = at("2026-12-24T20:00:00Z");
        assert_eq!(hours.next_opening(thursday_night), Some(at("2026-12-28T08:00:00Z")));
        assert_eq!(hours.next_opening(at("2026-11-23T08:30:00Z")), None, "it is open");
    }
}
