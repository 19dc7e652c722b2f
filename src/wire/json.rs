//! JSON that is kept as text, byte for byte.

use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::parameters::inspect;

/// Whether PostgreSQL, and whoever reads this later, can live with it; else why not. `text` is well-formed JSON already.
pub fn storable(text: &str) -> Result<(), String> {
    // The shape first: what is too deep must not be walked by a parser that recurses.
    inspect(text).map_err(|error| error.to_string())?;
    // Then what only a real parser sees: lone surrogates, numbers beyond any range.
    serde_json::from_str::<IgnoredAny>(text)
        .and_then(|_| serde_json::from_str::<Value>(text))
        .map(drop)
        .map_err(|error| format!("cannot be stored: {error}"))
}

/// JSON text from the database, as it goes out.
pub fn raw(text: String) -> Box<RawValue> {
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
