//! JSON kept as text, byte for byte.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::parameters::inspect;

/// Checks that PostgreSQL and every client can read this JSON. `text` must be well-formed JSON.
pub fn storable(text: &str) -> Result<(), String> {
    // Check the depth first: deeply nested JSON would overflow the stack of a recursive parser.
    inspect(text).map_err(|error| error.to_string())?;
    // Only a full parse detects lone surrogates and numbers out of range.
    serde_json::from_str::<IgnoredAny>(text)
        .and_then(|_| serde_json::from_str::<Value>(text))
        .map(drop)
        .map_err(|error| format!("cannot be stored: {error}"))
}

/// JSON text from the database, embedded in a response unchanged.
pub fn raw(text: String) -> Box<RawValue> {
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// A string or an object. Unlike an untagged enum, errors name the field inside the object.
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
                f.write_str("a string or an object")
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
