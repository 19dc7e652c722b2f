//! Compares computed due times with a search that walks two years minute by minute in twelve zones.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex};

use jiff::civil::{DateTime, date};
use jiff::{Timestamp, ToSpan, Unit};
use proptest::prelude::*;
use time::OffsetDateTime;

use crate::domain::schedule::zone::to_timestamp;
use crate::domain::schedule::{Timing, Zone};

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
/// Expressions with more due times are compared only around clock changes.
const DENSE: usize = 3_000;
/// The earliest wall-clock time in these two years, in any zone.
const FIRST: DateTime = date(2025, 12, 31).at(0, 0, 0, 0);

/// Minute, hour, day, month and weekday of every wall-clock minute.
static CALENDAR: LazyLock<Vec<[u8; 5]>> = LazyLock::new(|| {
    let days = (0..733).map(|day| FIRST.date().saturating_add(day.days()));
    days.flat_map(|day| {
        let (date, month, weekday) = (day.day() as u8, day.month() as u8, day.weekday().to_sunday_zero_offset() as u8);
        (0..24u8).flat_map(move |hour| (0..60u8).map(move |minute| [minute, hour, date, month, weekday]))
    })
    .collect()
});

/// The calendar index of each minute, and the minutes of clock changes.
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

/// The values of one field; `None` matches all.
type Field = Option<BTreeSet<i8>>;

#[derive(Debug)]
struct Fields {
    text: String,
    values: [Field; 5],
    is_interval: bool,
}

impl Fields {
    /// Which calendar entries match.
    fn fits(&self) -> Vec<bool> {
        let mask = |field: &Field| field.iter().flatten().fold(0u64, |mask, value| mask | 1 << value);
        let [minute, hour, day, month, weekday] =
            self.values.each_ref().map(|field| field.as_ref().map_or(u64::MAX, |_| mask(field)));
        // If both day fields are restricted, either may match: the rule of cron.
        let either = self.values[2].is_some() && self.values[4].is_some();
        let fits = |at: &[u8; 5]| {
            let (day, weekday) = (day >> at[2] & 1, weekday >> at[4] & 1);
            let day = if either { day | weekday } else { day & weekday };
            day & (minute >> at[0]) & (hour >> at[1]) & (month >> at[3]) & 1 == 1
        };
        CALENDAR.iter().map(fits).collect()
    }

    /// The minutes in which the expression is due.
    fn due(&self, clock: &Clock) -> Vec<usize> {
        let fits = self.fits();
        let (mut due, mut latest) = (Vec::new(), clock.shown[0] - 1);
        for (at, shown) in clock.shown.iter().enumerate() {
            // A skipped time is due in the first minute after the gap; a repeated time is due once.
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

fn field(min: i8, max: i8) -> BoxedStrategy<(String, Field)> {
    let list = prop::collection::btree_set(min..=max, 1..3).prop_map(|values| {
        let text: Vec<String> = values.iter().map(i8::to_string).collect();
        (text.join(","), Some(values))
    });
    let range = (min..=max, min..=max).prop_map(|(a, b)| {
        let (a, b) = (a.min(b), a.max(b));
        (format!("{a}-{b}"), Some((a..=b).collect()))
    });
    let step = (2..=((max - min) / 2).max(2))
        .prop_map(move |step| (format!("*/{step}"), Some((min..=max).step_by(step as usize).collect())));
    let any = Just(("*".to_owned(), None));
    prop_oneof![4 => list, 1 => range, 2 => step, 2 => any].boxed()
}

fn fields() -> impl Strategy<Value = Fields> {
    // Favor the hours in which clocks change.
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

/// The ranges of minutes to compare.
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
        assert!(due.is_empty(), "{} in {zone} is rejected although it has due times", fields.text);
        return;
    };
    let moment = |minute: usize| OffsetDateTime::from_unix_timestamp(START + minute as i64 * 60).unwrap();
    for (from, to) in windows(&clock, &due) {
        let expected: Vec<usize> = due.iter().copied().filter(|at| (from..to).contains(at)).collect();
        let before = moment(from) - time::Duration::seconds(1);
        let computed = timing.after(before).take_while(|at| *at < moment(to));
        let computed: Vec<usize> = computed.map(|at| ((to_timestamp(at).as_second() - START) / 60) as usize).collect();
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

/// Each case has one expression per zone; set `PROPTEST_CASES` for a longer run.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn due_times_match_a_brute_force_search(expressions in prop::collection::vec(fields(), ZONES.len())) {
        for (zone, fields) in ZONES.iter().zip(&expressions) {
            compare(zone, fields);
        }
    }
}
