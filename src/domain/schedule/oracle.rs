//! Brute force: walks two years minute by minute through twelve zones, and compares what it finds with what is computed.
#![cfg(test)]

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex};

use jiff::civil::{DateTime, date};
use jiff::{Timestamp, ToSpan, Unit};
use proptest::prelude::*;
use time::OffsetDateTime;

use super::zone::stamp;
use super::{Timing, Zone};

const ZONES: [&str; 12] = [
    "UTC",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Asia/Kolkata",
    "Europe/Berlin",
    "Europe/London",
    "Pacific/Chatham",
    "Africa/Casablanca",
    "America/St_Johns",
    "Africa/Cairo",
    "America/Havana",
];
/// 2026-01-01 and 2028-01-01, in UTC.
const START: i64 = 1_767_225_600;
const END: i64 = 1_830_297_600;
/// An expression that is due more often is compared around the changes of the clocks alone.
const DENSE: usize = 3_000;
/// What a wall clock may show first in these two years, anywhere.
const FIRST: DateTime = date(2025, 12, 31).at(0, 0, 0, 0);

/// Minute, hour, day, month and weekday of everything that a wall clock may show.
static CALENDAR: LazyLock<Vec<[u8; 5]>> = LazyLock::new(|| {
    let days = (0..733).map(|day| FIRST.date().saturating_add(day.days()));
    days.flat_map(|day| {
        let (date, month, weekday) = (day.day() as u8, day.month() as u8, day.weekday().to_sunday_zero_offset() as u8);
        (0..24u8).flat_map(move |hour| (0..60u8).map(move |minute| [minute, hour, date, month, weekday]))
    })
    .collect()
});

/// What the clocks show in each minute, as a place in the calendar, and the minutes around their changes.
struct Clock {
    shown: Vec<usize>,
    changes: Vec<usize>,
}

fn clock(zone: &str) -> Arc<Clock> {
    static CLOCKS: LazyLock<Mutex<HashMap<String, Arc<Clock>>>> = LazyLock::new(Mutex::default);
    let mut clocks = CLOCKS.lock().unwrap();
    clocks.entry(zone.to_owned()).or_insert_with(|| Arc::new(walk(zone))).clone()
}

fn walk(name: &str) -> Clock {
    let zone = Zone::parse(name).unwrap();
    let place = |at: i64| {
        let civil = zone.civil(Timestamp::from_second(at).unwrap());
        civil.since((Unit::Minute, FIRST)).unwrap().get_minutes() as usize
    };
    let shown: Vec<usize> = (START..END).step_by(60).map(place).collect();
    let changes = (1..shown.len()).filter(|at| shown[*at] != shown[at - 1] + 1).collect();
    Clock { shown, changes }
}

/// The values of one field; nothing is any.
type Field = Option<BTreeSet<i8>>;

#[derive(Debug)]
struct Fields {
    text: String,
    values: [Field; 5],
    is_interval: bool,
}

impl Fields {
    /// Whether it fits each place of the calendar.
    fn fits(&self) -> Vec<bool> {
        let mask = |field: &Field| field.iter().flatten().fold(0u64, |mask, value| mask | 1 << value);
        let [minute, hour, day, month, weekday] =
            self.values.each_ref().map(|field| field.as_ref().map_or(u64::MAX, |_| mask(field)));
        // Where both days are restricted, either will do: the rule of cron.
        let either = self.values[2].is_some() && self.values[4].is_some();
        let fits = |at: &[u8; 5]| {
            let (day, weekday) = (day >> at[2] & 1, weekday >> at[4] & 1);
            let day = if either { day | weekday } else { day & weekday };
            day & (minute >> at[0]) & (hour >> at[1]) & (month >> at[3]) & 1 == 1
        };
        CALENDAR.iter().map(fits).collect()
    }

    /// The minutes in which it is due.
    fn due(&self, clock: &Clock) -> Vec<usize> {
        let fits = self.fits();
        let (mut due, mut latest) = (Vec::new(), clock.shown[0] - 1);
        for (at, shown) in clock.shown.iter().enumerate() {
            // What the clocks go forward over falls into the first minute after; what they show again does not count.
            let is_due = match self.is_interval {
                true => fits[*shown],
                false => *shown > latest && fits[latest + 1..=*shown].contains(&true),
            };
            latest = latest.max(*shown);
            if is_due {
                due.push(at);
            }
        }
        due
    }
}

fn field(least: i8, most: i8) -> BoxedStrategy<(String, Field)> {
    let list = prop::collection::btree_set(least..=most, 1..3).prop_map(|values| {
        let text: Vec<String> = values.iter().map(i8::to_string).collect();
        (text.join(","), Some(values))
    });
    let range = (least..=most, least..=most).prop_map(|(a, b)| {
        let (a, b) = (a.min(b), a.max(b));
        (format!("{a}-{b}"), Some((a..=b).collect()))
    });
    let step = (2..=((most - least) / 2).max(2))
        .prop_map(move |step| (format!("*/{step}"), Some((least..=most).step_by(step as usize).collect())));
    let any = Just(("*".to_owned(), None));
    prop_oneof![4 => list, 1 => range, 2 => step, 2 => any].boxed()
}

fn fields() -> impl Strategy<Value = Fields> {
    // Hours are mostly those in which clocks change.
    let night = prop::collection::btree_set(0i8..=3, 1..3).prop_map(|hours| {
        let text: Vec<String> = hours.iter().map(i8::to_string).collect();
        (text.join(","), Some(hours))
    });
    let hour = prop_oneof![2 => night, 3 => field(0, 23)];
    let often = |of: BoxedStrategy<(String, Field)>| prop_oneof![3 => Just(("*".to_owned(), None)), 1 => of];
    (field(0, 59), hour, often(field(1, 31)), often(field(1, 12)), often(field(0, 6))).prop_map(
        |((minute, a), (hour, b), (day, c), (month, d), (weekday, e))| Fields {
            text: format!("{minute} {hour} {day} {month} {weekday}"),
            is_interval: hour == "*" || hour.starts_with("*/"),
            values: [a, b, c, d, e],
        },
    )
}

/// From which minutes on, and before which, both are compared.
fn windows(clock: &Clock, due: &[usize]) -> Vec<(usize, usize)> {
    if due.len() <= DENSE {
        return vec![(0, clock.shown.len())];
    }
    let around = |at: &usize| (at.saturating_sub(300), (at + 300).min(clock.shown.len()));
    clock.changes.iter().map(around).chain([(1_000, 2_000)]).collect()
}

fn compare(zone: &str, fields: &Fields) {
    let clock = clock(zone);
    let due = fields.due(&clock);
    let Ok(timing) = Timing::parse(&fields.text, zone, OffsetDateTime::UNIX_EPOCH) else {
        assert!(due.is_empty(), "{} in {zone} is refused, and happens", fields.text);
        return;
    };
    let moment = |minute: usize| OffsetDateTime::from_unix_timestamp(START + minute as i64 * 60).unwrap();
    for (from, to) in windows(&clock, &due) {
        let expected: Vec<usize> = due.iter().copied().filter(|at| (from..to).contains(at)).collect();
        let before = moment(from) - time::Duration::seconds(1);
        let computed = timing.after(before).take_while(|at| *at < moment(to));
        let computed: Vec<usize> = computed.map(|at| ((stamp(at).as_second() - START) / 60) as usize).collect();
        let differs = computed.iter().zip(&expected).find(|(a, b)| a != b);
        let differs = differs.map(|(a, b)| (moment(*a), moment(*b)));
        assert!(computed == expected, "{} in {zone}, minutes {from} to {to}: {differs:?}", fields.text);
        for pair in expected.windows(2).take(20) {
            let between = moment(pair[1]);
            assert_eq!(
                timing.last_before(between),
                Some(moment(pair[0])),
                "{} in {zone} before {between}",
                fields.text
            );
        }
    }
}

/// Each case is an expression for each zone; `PROPTEST_CASES` asks for more than a run of all tests has time for.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn two_years_in_twelve_zones_are_as_brute_force_finds_them(expressions in prop::collection::vec(fields(), ZONES.len())) {
        for (zone, fields) in ZONES.iter().zip(&expressions) {
            compare(zone, fields);
        }
    }
}
