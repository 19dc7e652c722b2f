//! Bounds on a schema before it is compiled: what compiling it takes, and what it can make a check do without asking the value
//! anything, which the budget of the check would not see.

use std::collections::HashMap;

use jsonschema::{Draft, Uri};
use referencing::{Resolver, SPECIFICATIONS};
use serde_json::Value;

/// How many subschemas may apply to one and the same value, counted once for each way that leads to them.
const MAX_WAYS: u64 = 5000;
/// How many subschemas may lie one inside the other, by `allOf`, `$ref` and the like, without going into the value.
const MAX_CHAIN: usize = 64;
/// The maximum length of the paths of all keywords together, in bytes: a compiled schema holds each of them.
const MAX_PATHS: usize = 4 * 1024 * 1024;
const MAX_PATTERNS: usize = 500;
/// The address that a schema without an `$id` has.
const ADDRESS: &str = "json-schema:///";

/// What is known of a schema that satisfies the bounds.
pub struct Shape {
    /// How many subschemas apply to one value at most, counted once for each way that leads to one.
    pub ways: u64,
    pub patterns: usize,
}

/// Checks a schema.
///
/// # Errors
/// What is wrong with the schema, as the end of a sentence.
pub fn check(schema: &Value) -> Result<Shape, String> {
    let patterns = weigh(schema)?;
    let text = |error: jsonschema::ReferencingError| error.to_string();
    let draft = Draft::default().detect(schema);
    let resource = draft.create_resource_ref(schema);
    let address = resource.id().filter(|id| id.contains(':')).unwrap_or(ADDRESS);
    let registry = SPECIFICATIONS.add(address, resource).and_then(|it| it.draft(draft).prepare()).map_err(text)?;
    let base = Uri::parse(address.trim_end_matches('#').to_owned()).map_err(|(error, _)| error.to_string())?;
    let root = registry.resolver(base).lookup("").map_err(text)?;
    let (value, resolver, draft) = root.into_inner();
    let mut walk = Walk { anchors: Vec::new(), known: HashMap::new(), pending: vec![Place { value, resolver, draft }] };
    walk.find_anchors()?;
    Ok(Shape { ways: walk.run()?, patterns })
}

/// Counts patterns and the lengths of paths. Returns the number of patterns.
fn weigh(schema: &Value) -> Result<usize, String> {
    let (mut paths, mut patterns) = (0_usize, 0_usize);
    let mut pending = vec![(schema, 0_usize)];
    while let Some((value, path)) = pending.pop() {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    let path = path + key.len() + 1;
                    paths += path;
                    patterns += match (key.as_str(), value) {
                        ("pattern", Value::String(_)) => 1,
                        ("patternProperties", Value::Object(members)) => members.len(),
                        _ => 0,
                    };
                    pending.push((value, path));
                }
            }
            Value::Array(items) => pending.extend(items.iter().map(|it| (it, path + 4))),
            _ => {}
        }
    }
    if paths > MAX_PATHS {
        return Err(format!(
            "is too large: the paths of its keywords have {paths} bytes, at most {MAX_PATHS}; nest less, or use shorter names and $defs"
        ));
    }
    if patterns > MAX_PATTERNS {
        return Err(format!("has {patterns} patterns; at most {MAX_PATTERNS} are possible"));
    }
    Ok(patterns)
}

/// A subschema, with what its references are relative to.
struct Place<'r> {
    value: &'r Value,
    resolver: Resolver<'r>,
    draft: Draft,
}

impl<'r> Place<'r> {
    fn inside(&self, value: &'r Value) -> Result<Self, String> {
        let draft = self.draft.detect(value);
        let resource = draft.create_resource_ref(value);
        let resolver = self.resolver.in_subresource(resource).map_err(|error| error.to_string())?;
        Ok(Self { value, resolver, draft })
    }

    fn target(&self, reference: &str) -> Result<Self, String> {
        let target =
            self.resolver.lookup(reference).map_err(|error| format!("has the reference {reference:?}: {error}"))?;
        let (value, resolver, draft) = target.into_inner();
        Ok(Self { value, resolver, draft })
    }

    fn key(&self) -> usize {
        std::ptr::from_ref(self.value) as usize
    }
}

/// What is known of a subschema.
#[derive(Clone, Copy)]
enum Known {
    /// Its own subschemas are being counted.
    Open,
    Done {
        ways: u64,
        chain: usize,
    },
}

struct Walk<'r> {
    /// Subschemas that a dynamic reference may lead to, by name.
    anchors: Vec<(&'r str, Place<'r>)>,
    /// By address.
    known: HashMap<usize, Known>,
    pending: Vec<Place<'r>>,
}

impl<'r> Walk<'r> {
    fn find_anchors(&mut self) -> Result<(), String> {
        let mut pending: Vec<Place<'r>> = Vec::new();
        for place in &self.pending {
            pending.push(place.inside(place.value)?);
        }
        while let Some(place) = pending.pop() {
            for value in place.draft.subresources_of(place.value) {
                pending.push(place.inside(value)?);
            }
            if let Some(name) = place.value.get("$dynamicAnchor").and_then(Value::as_str) {
                self.anchors.push((name, place));
            } else if place.value.get("$recursiveAnchor") == Some(&Value::Bool(true)) {
                self.anchors.push(("", place));
            }
        }
        Ok(())
    }

    /// Counts from every subschema that is reachable.
    fn run(mut self) -> Result<u64, String> {
        let mut most = 0;
        while let Some(place) = self.pending.pop() {
            if !self.known.contains_key(&place.key()) {
                most = self.count(&place, "the schema itself", 0)?.0.max(most);
            }
        }
        Ok(most)
    }

    /// Counts the subschemas that apply to the same value as this one, which `reference` has led to.
    fn count(&mut self, place: &Place<'r>, reference: &str, depth: usize) -> Result<(u64, usize), String> {
        let too_deep = || {
            Err(format!(
                "has more than {MAX_CHAIN} subschemas one inside the other for the same value; use fewer levels of allOf, anyOf, $ref and the like"
            ))
        };
        match self.known.get(&place.key()) {
            Some(Known::Done { ways, chain }) => return Ok((*ways, *chain)),
            Some(Known::Open) => {
                return Err(format!(
                    "has a reference that leads back to itself without going into the value: {reference}; a recursion must pass properties, items or the like"
                ));
            }
            None if depth > MAX_CHAIN => return too_deep(),
            None => {}
        }
        self.known.insert(place.key(), Known::Open);
        for value in place.draft.subresources_of(place.value) {
            self.pending.push(place.inside(value)?);
        }
        let (mut ways, mut chain) = (1_u64, 0);
        for (reference, next) in self.applied(place)? {
            let (more, below) = self.count(&next, reference, depth + 1)?;
            ways = ways.saturating_add(more);
            chain = chain.max(below + 1);
        }
        if ways > MAX_WAYS {
            return Err(format!(
                "applies {ways} subschemas to the same value, counting each way that leads to one; at most {MAX_WAYS} are possible"
            ));
        }
        if chain > MAX_CHAIN {
            return too_deep();
        }
        self.known.insert(place.key(), Known::Done { ways, chain });
        Ok((ways, chain))
    }

    /// The subschemas that a subschema applies to the same value, and the references that lead there.
    fn applied(&self, place: &Place<'r>) -> Result<Vec<(&'r str, Place<'r>)>, String> {
        let mut next = Vec::new();
        for (key, value) in place.value.as_object().into_iter().flatten() {
            match (key.as_str(), value) {
                ("allOf" | "anyOf" | "oneOf", Value::Array(all)) => {
                    for value in all {
                        next.push((key.as_str(), place.inside(value)?));
                    }
                }
                ("not" | "if" | "then" | "else", value) => next.push((key.as_str(), place.inside(value)?)),
                ("dependentSchemas" | "dependencies", Value::Object(all)) => {
                    for value in all.values().filter(|it| !it.is_array()) {
                        next.push((key.as_str(), place.inside(value)?));
                    }
                }
                ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(reference)) => {
                    let target = place.target(reference)?;
                    let name = reference.rsplit_once('#').map_or("", |(_, name)| name);
                    let dynamic = self
                        .anchors
                        .iter()
                        .filter(|(anchor, it)| key != "$ref" && *anchor == name && it.key() != target.key());
                    next.extend(dynamic.map(|(_, it)| {
                        (reference.as_str(), Place { value: it.value, resolver: it.resolver.clone(), draft: it.draft })
                    }));
                    next.push((reference.as_str(), target));
                }
                _ => {}
            }
        }
        Ok(next)
    }
}
