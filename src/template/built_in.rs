//! The templates that every installation has.

use std::time::Duration;

use serde_json::json;

use super::{OnFailure, Template};

/// `postgres`, which is offered first, and `simulated`.
pub fn built_in() -> Vec<Template> {
    [postgres(), simulated()].into_iter().flatten().collect()
}

fn postgres() -> Option<Template> {
    let schema = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "connections": {
                "type": "integer", "minimum": 1, "maximum": 500, "default": 20,
                "title": "Connections", "description": "How many connections may be open at the same time."
            },
            "extensions": {
                "type": "array", "uniqueItems": true, "default": [], "items": {"enum": crate::domain::extensions::ALLOWED},
                "title": "Extensions", "description": "Extensions to create in the database."
            },
            "statement_timeout": {
                "type": "string", "pattern": "^([0-9]{1,9}ms|[0-9]{1,6}s|[0-9]{1,4}min)$", "default": "60s",
                "title": "Statement timeout", "description": "When a statement is canceled, unless a session sets another value."
            }
        }
    });
    Template::built_in(
        "postgres",
        "PostgreSQL database",
        "A database of its own, with a login, in a PostgreSQL cluster that Provost manages.",
        "postgres",
        schema,
        OnFailure::Undo,
        // Long enough to take back a mistake, short enough for a development machine.
        Duration::from_secs(3600),
    )
}

fn simulated() -> Option<Template> {
    // Any parameters: `parameters.simulate` chooses the outcome, the duration and the reason.
    let schema = json!({"type": "object"});
    Template::built_in(
        "simulated",
        "Simulated project",
        "Makes nothing: it waits for a while and succeeds or fails. For demonstrations and tests.",
        "simulated",
        schema,
        OnFailure::Keep,
        Duration::ZERO,
    )
}
