use serde_json::{Map, json};

use super::*;

/// Steps that no check of these tests needs, unless it explodes.
const ENOUGH: u64 = 5_000_000;

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, _| json!([inner]))
}

/// `length` definitions that each apply the next one twice, to the same value.
fn doubling(length: usize, keyword: &str, last: Value) -> Value {
    let next = |at: usize| json!({"$ref": format!("#/$defs/d{}", at + 1)});
    let mut all: Map<String, Value> =
        (0..length).map(|at| (format!("d{at}"), json!({keyword: [next(at), next(at)]}))).collect();
    all.insert(format!("d{length}"), last);
    json!({"$ref": "#/$defs/d0", "$defs": all})
}

/// `length` definitions, one inside the other for the same value; the last one goes into the items and begins again.
fn chain(length: usize) -> Value {
    let mut all: Map<String, Value> = (0..length)
        .map(|at| (format!("d{at}"), json!({"anyOf": [{"$ref": format!("#/$defs/d{}", at + 1)}, false]})))
        .collect();
    all.insert(format!("d{length}"), json!({"items": {"$ref": "#/$defs/d0"}, "not": {"const": 1}}));
    json!({"$ref": "#/$defs/d0", "$defs": all})
}

fn refusal(schema: &Value) -> String {
    Schema::compile(schema).map(|_| "it was accepted".to_owned()).unwrap_or_else(|why| why)
}

#[test]
fn recursion_that_stays_at_one_value_is_refused() {
    for schema in [
        json!({"$ref": "#"}),
        json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}),
        json!({"not": {"if": {"$ref": "#"}}}),
        json!({"$id": "https://a.example/s", "allOf": [{"$ref": "https://a.example/s"}]}),
        json!({"$id": "order.json", "allOf": [{"$ref": "order.json"}]}),
        json!({"$anchor": "top", "then": {"$ref": "#top"}, "if": true}),
        json!({"$dynamicAnchor": "node", "oneOf": [{"$dynamicRef": "#node"}, {"type": "string"}]}),
        json!({"$schema": "https://json-schema.org/draft/2019-09/schema", "$recursiveAnchor": true, "anyOf": [{"$recursiveRef": "#"}]}),
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}}),
        json!({"dependentSchemas": {"a": {"$ref": "#"}}}),
        json!({"items": {"anyOf": [{"$ref": "#/items"}]}}),
        json!({"$schema": "http://json-schema.org/draft-07/schema#", "dependencies": {"a": {"$ref": "#"}}}),
    ] {
        assert!(refusal(&schema).contains("without going into the value"), "{schema}: {}", refusal(&schema));
    }
}

#[test]
fn recursion_into_the_value_is_accepted() {
    let tree = json!({"$dynamicAnchor": "node", "type": "object", "properties": {"children": {"items": {"$dynamicRef": "#node"}}}});
    let strict = json!({"$id": "https://a.example/strict", "$dynamicAnchor": "node", "$ref": "tree", "unevaluatedProperties": false,
        "$defs": {"tree": {"$id": "tree", "$dynamicAnchor": "node", "properties": {"children": {"items": {"$dynamicRef": "#node"}}}}}});
    let list = json!({"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/list",
        "definitions": {"list": {"type": "object", "required": ["children"], "properties": {"children": {"items": {"$ref": "#/definitions/list"}}}}}});
    let good = json!({"children": [{"children": []}]});
    let bad = json!({"children": [{"children": 1, "x": 1}, 7]});
    for schema in [tree, strict, list] {
        let compiled = Schema::compile(&schema).unwrap_or_else(|why| panic!("{schema}: {why}"));
        assert_eq!(compiled.check(&good, ENOUGH), Ok(()), "{schema}");
        assert!(matches!(compiled.check(&bad, ENOUGH), Err(Invalid::Mistakes(_))), "{schema}");
    }
    for uri in ["https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-07/schema#"] {
        let meta = Schema::compile(&json!({"$schema": uri, "$ref": uri})).unwrap_or_else(|why| panic!("{uri}: {why}"));
        assert_eq!(meta.check(&json!({"type": "object", "items": {"minimum": 1}}), ENOUGH), Ok(()));
        assert!(meta.check(&json!({"items": {"minimum": "1"}}), ENOUGH).is_err());
    }
}

#[test]
fn schema_that_would_grow_too_large_is_refused() {
    let key = "k".repeat(1000);
    let leaves: Map<String, Value> = (0..3000).map(|at| (at.to_string(), json!({"type": "string"}))).collect();
    let long = (0..30).fold(json!({"properties": leaves}), |inner, _| json!({"properties": {key.clone(): inner}}));
    let patterns =
        |n: usize| json!({"allOf": (0..n).map(|at| json!({"pattern": format!("^{at}")})).collect::<Vec<_>>()});
    let many_large = |n: usize| json!({"allOf": vec![json!({"pattern": "^.{1,255}$"}); n]});
    for (schema, why) in [
        (doubling(20, "allOf", json!(true)), "to the same value"),
        (doubling(20, "anyOf", json!({"description": "asks the value nothing"})), "to the same value"),
        (chain(60), "one inside the other"),
        (chain(2000), "one inside the other"),
        (long, "the paths of its keywords"),
        (patterns(501), "at most 500"),
        (json!({"pattern": "([a-z0-9]{90}){90}"}), "too large, or needs backtracking"),
        (json!({"pattern": "^(?!a)(a+)+$"}), "too large, or needs backtracking"),
        (json!({"patternProperties": {"(a)\\1": true}}), "too large, or needs backtracking"),
        (many_large(100), "too large, or needs backtracking"),
        (json!({"$ref": "https://a.example/other"}), "https://a.example/other"),
        (json!({"$ref": "file:///etc/passwd"}), "file:///etc/passwd"),
        (json!({"$ref": "#/$defs/none"}), "none"),
    ] {
        assert!(refusal(&schema).contains(why), "{why}: {}", refusal(&schema));
    }
    for schema in
        [doubling(8, "allOf", json!(true)), chain(20), patterns(500), json!({"pattern": "^.{1,255}$"}), many_large(60)]
    {
        assert!(Schema::compile(&schema).is_ok(), "{}", refusal(&schema));
    }
}

#[test]
fn check_ends_when_its_budget_is_spent() {
    let many = |n: u64| (0..n).map(|at| json!([at])).collect::<Vec<_>>();
    let schema = Schema::compile(&json!({"items": {"enum": many(3000)}})).unwrap();
    let value: Value = (0..3000).map(|at| json!([at % 2999])).collect();
    assert_eq!(schema.check(&value, 1_000_000), Err(Invalid::Costly(Spent::Steps)));
    assert_eq!(schema.check(&value, 20_000_000), Ok(()));
    let text = Schema::compile(&json!({"items": {"pattern": "^a{100}"}})).unwrap();
    let texts: Value = (0..100).map(|_| json!("a".repeat(1000))).collect();
    assert_eq!(text.check(&texts, 20_000), Err(Invalid::Costly(Spent::Steps)));
    assert_eq!(text.check(&texts, ENOUGH), Ok(()));
}

#[test]
fn mistakes_too_many_to_name_are_one() {
    for keyword in ["anyOf", "oneOf", "allOf"] {
        let items = json!({"type": "array", "items": {"$ref": "#"}});
        let schema = Schema::compile(&json!({keyword: [items, items]})).unwrap();
        let Err(Invalid::Mistakes(mistakes)) = schema.check(&nested(60), ENOUGH) else { panic!("{keyword}") };
        assert_eq!(mistakes.len(), 1, "{keyword}: {mistakes:?}");
    }
    let schema = Schema::compile(&json!({"items": {"type": "string"}})).unwrap();
    let Err(Invalid::Mistakes(mistakes)) = schema.check(&(0..100).collect(), ENOUGH) else { panic!() };
    assert_eq!((mistakes.len(), mistakes[7].path.as_str()), (20, "/7"));
    let schema = Schema::compile(&json!({"enum": ["x".repeat(5000)]})).unwrap();
    let Err(Invalid::Mistakes(mistakes)) = schema.check(&json!("y".repeat(5000)), ENOUGH) else { panic!() };
    assert!(mistakes[0].message.len() <= MAX_MESSAGE + 10, "{mistakes:?}");
}

/// Without its guard, this check ends the process: an overflow of the stack cannot be caught.
#[test]
fn deep_recursion_does_not_overflow_the_stack() {
    let schema = Schema::compile(&chain(25)).unwrap();
    let check = move || schema.check(&nested(64), u64::MAX).is_err();
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(check).unwrap();
    assert!(thread.join().unwrap());
}

mod property {
    use proptest::prelude::*;

    use super::*;

    /// Schemas whose parts refer to each other.
    fn schema() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(true)),
            Just(json!(false)),
            Just(json!({"type": "integer"})),
            Just(json!({"type": ["array", "object"]})),
            Just(json!({"const": [1]})),
            Just(json!({"uniqueItems": true, "minItems": 1})),
            Just(json!({"pattern": "^(a+)+$"})),
            (0..4).prop_map(|at| json!({"$ref": format!("#/$defs/d{at}")})),
            Just(json!({"$ref": "#"})),
        ];
        let part = leaf.prop_recursive(3, 12, 3, |inner| {
            let list = || prop::collection::vec(inner.clone(), 1..4);
            prop_oneof![
                list().prop_map(|all| json!({"allOf": all})),
                list().prop_map(|all| json!({"anyOf": all})),
                list().prop_map(|all| json!({"oneOf": all})),
                inner.clone().prop_map(|it| json!({"not": it})),
                inner.clone().prop_map(|it| json!({"items": it})),
                inner.clone().prop_map(|it| json!({"contains": it})),
                inner.clone().prop_map(|it| json!({"properties": {"a": it}, "unevaluatedProperties": false})),
                inner.clone().prop_map(|it| json!({"additionalProperties": it})),
                (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| json!({"if": a, "then": b, "else": c})),
            ]
        });
        (part.clone(), prop::collection::vec(part, 4)).prop_map(|(root, parts)| {
            let all: Map<String, Value> =
                parts.into_iter().enumerate().map(|(at, it)| (format!("d{at}"), it)).collect();
            json!({"allOf": [root], "$defs": all})
        })
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(json!(1)), Just(json!("aaaaaaaaaaaaaaaaaaaaaaaaaaaa!")), Just(json!(null))];
        leaf.prop_recursive(6, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ab]", inner, 0..3).prop_map(|it| Value::Object(it.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// The budget decides whether a check ends, never what its outcome is.
        #[test]
        fn metered_check_agrees_with_unmetered_one(schema in schema(), value in value()) {
            let Ok(compiled) = Schema::compile(&schema) else { return Ok(()) };
            match compiled.check(&value, 50_000) {
                Err(Invalid::Costly(_)) => {}
                checked => {
                    let plain = jsonschema::validator_for(&schema).unwrap().is_valid(&value);
                    prop_assert_eq!(checked.is_ok(), plain);
                }
            }
        }
    }
}
