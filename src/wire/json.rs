//! JSON that is kept as text, byte for byte.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
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

/// A text, or an object in its place: told apart by what is there, so that a mistake in the object is named as one in it.
#[derive(Clone, Debug)]
pub enum TextOr<T> {
    Text(String),
    Object(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for TextOr<T> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = TextOr<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or an object")
            }

            fn visit_str<E>(self, text: &str) -> Result<TextOr<T>, E> {
                Ok(TextOr::Text(text.to_owned()))
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<TextOr<T>, M::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(TextOr::Object)
            }
        }
        reader.deserialize_any(Either(PhantomData))
    }
}
