use super::*;

fn why(text: &str) -> String {
    Expression::parse(text).map(|it| it.to_string()).unwrap_err().0
}

#[test]
fn invalid_expression_names_its_field() {
    for (text, part) in [
        ("", "must not be empty"),
        ("* * * *", "has 4 fields"),
        ("* * * * * * *", "has 7 fields"),
        ("60 * * * *", "\"60\" for the minute"),
        ("* 24 * * *", "\"24\" for the hour"),
        ("* * 0 * *", "\"0\" for the day of the month"),
        ("* * * 13 *", "\"13\" for the month"),
        ("* * * FOO *", "for the month"),
        ("* * * * 8", "\"8\" for the day of the week"),
        ("61 * * * * *", "\"61\" for the second"),
        ("*/0 * * * *", "for the minute"),
        ("5-1-2 * * * *", "for the minute"),
        ("@sometimes", "@hourly"),
        ("@every", "a duration"),
        ("@every soon", "a duration"),
        ("@every 0s", "from 1 second"),
        ("@every 100ms", "from 1 second"),
        ("@every 400days", "from 1 second"),
        ("0 8 * * 1\u{2013}5", "ASCII"),
    ] {
        assert!(why(text).contains(part), "{text:?}: {}", why(text));
    }
    assert!(why(&"1,".repeat(10_000)).contains("at most"));
}

#[test]
fn expression_that_is_never_due_is_rejected_fast() {
    let started = std::time::Instant::now();
    for text in ["0 0 30 2 *", "0 0 31 2 *", "0 0 31 4,6,9,11 *", "0 0 30,31 2 *", "* * * 31 2 *", "0 0 30 2 +MON"] {
        assert!(why(text).starts_with("is never due"), "{text}");
    }
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    for text in ["0 0 29 2 *", "0 0 31 * *", "0 0 29 2 +MON", "0 0 L 2 *", "0 0 30 2 MON"] {
        assert!(Expression::parse(text).is_ok(), "{text}");
    }
}

#[test]
fn stored_form_parses_back() {
    for (text, stored) in [
        ("  0 8 * * 1-5 ", "0 8 * * 1-5"),
        ("@Daily", "@Daily"),
        ("@every 1M", "@every 1month"),
        ("@every 90s", "@every 1m30s"),
        ("@every 1h 30m", "@every 1h30m"),
        ("0 0 8 * * MON-FRI", "0 0 8 * * MON-FRI"),
    ] {
        let parsed = Expression::parse(text).unwrap();
        assert_eq!(parsed.to_string(), stored);
        assert_eq!(Expression::parse(stored).unwrap().words(), parsed.words());
    }
}

#[test]
fn words_describe_the_expression() {
    for (text, words) in [
        ("@every 15m", "Every 15m"),
        ("0 8 * * 1-5", "At 08:00, on weekdays"),
        ("*/15 * * * *", "Every 15 minutes"),
        ("30 2 1 * *", "At 02:30, on day 1"),
    ] {
        assert_eq!(Expression::parse(text).unwrap().words(), words, "{text}");
    }
}
