//! The judge is a validator that others wrote: what is made for a schema must be valid by it.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn holds(schema: &Value, seed: u64) {
    let made = value(schema, seed);
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(schema)
        .unwrap_or_else(|error| panic!("{error}: {schema}"));
    let errors: Vec<_> = validator.iter_errors(&made).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}\nschema {schema}\nvalue {made}");
    assert_eq!(made, value(schema, seed), "the same seed gives the same value");
}

#[test]
fn what_structured_outputs_and_tools_ask_for_fits() {
    let node = json!({
        "type": "object",
        "properties": {
            "value": { "type": "integer", "minimum": -3, "maximum": 3 },
            "next": { "anyOf": [{ "$ref": "#/$defs/node" }, { "type": "null" }] },
        },
        "required": ["value", "next"],
        "additionalProperties": false,
    });
    for schema in [
        json!({ "type": "integer", "minimum": 5, "maximum": 5 }),
        json!({ "type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 6 }),
        json!({ "type": "integer", "minimum": 2.5, "maximum": 3.5 }),
        json!({ "type": "integer", "minimum": 7, "multipleOf": 5 }),
        json!({ "type": "integer", "multipleOf": 2.5, "minimum": 1 }),
        json!({ "type": "integer", "minimum": 9_007_199_254_740_993_u64 }),
        json!({ "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1e-9 }),
        json!({ "type": "number", "minimum": 0.5, "maximum": 0.5 }),
        json!({ "type": "number", "multipleOf": 0.25, "minimum": 0.3, "maximum": 0.6 }),
        json!({ "type": "string", "minLength": 30, "maxLength": 31 }),
        json!({ "type": "string", "maxLength": 0 }),
        json!({ "type": "string", "pattern": "^[A-Z]{2}-\\d{4}$" }),
        json!({ "type": "string", "pattern": "^(red|green)+$", "minLength": 12 }),
        json!({ "type": "string", "pattern": "^@[a-zA-Z0-9_]+$" }),
        json!({ "type": "string", "format": "date-time" }),
        json!({ "type": "string", "format": "uuid" }),
        json!({ "type": "string", "format": "email" }),
        json!({ "type": ["string", "null"] }),
        json!({ "enum": [3, "x", null] }),
        json!({ "type": "string", "enum": [3, "x", null] }),
        json!({ "const": { "a": [1] } }),
        json!({ "type": "array", "items": { "type": "boolean" }, "minItems": 4, "maxItems": 4 }),
        json!({ "type": "array", "items": { "type": "integer", "minimum": 0, "maximum": 9 },
                "minItems": 6, "uniqueItems": true }),
        json!({ "type": "array", "prefixItems": [{ "type": "string" }, { "type": "integer" }],
                "items": false }),
        json!({ "type": "object", "minProperties": 2 }),
        json!({ "type": "object", "required": ["x"], "additionalProperties": { "type": "integer" } }),
        json!({ "allOf": [{ "type": "object", "required": ["a"], "properties": { "a": { "minimum": 3 } } },
                          { "properties": { "a": { "type": "integer", "maximum": 4 } } }] }),
        json!({ "oneOf": [{ "type": "string", "maxLength": 3 }, { "type": "integer" }] }),
        json!({ "$ref": "#/$defs/node", "$defs": { "node": node } }),
        json!({ "$ref": "#/definitions/a~1b%20c", "definitions": { "a/b c": { "type": "null" } } }),
        json!({ "type": "object", "properties": { "é\"\n": { "const": 1 } }, "required": ["é\"\n"] }),
        json!({}),
        json!(true),
    ] {
        (0..40).for_each(|seed| holds(&schema, seed));
    }
}

#[test]
fn geminis_schemas_have_their_words_in_capitals_and_counts_as_text() {
    let schema = json!({
        "type": "OBJECT",
        "properties": {
            "colour": { "type": "STRING", "enum": ["red", "blue"] },
            "sizes": { "type": "ARRAY", "items": { "type": "INTEGER" }, "minItems": "2", "maxItems": "2" },
            "note": { "type": "STRING", "nullable": true },
        },
        "required": ["colour", "sizes"],
    });
    for seed in 0..20 {
        let made = value(&schema, seed);
        assert!(["red", "blue"].contains(&made["colour"].as_str().expect("a text")), "{made}");
        let sizes = made["sizes"].as_array().expect("a list");
        assert!(sizes.len() == 2 && sizes.iter().all(Value::is_i64), "{made}");
    }
}

#[test]
fn a_schema_that_nothing_fits_or_that_has_no_end_is_bounded() {
    let me = json!({ "$ref": "#" });
    let insists = json!({ "type": "object", "required": ["a", "b"],
                          "properties": { "a": { "$ref": "#" }, "b": { "$ref": "#" } } });
    let huge =
        json!({ "type": "array", "minItems": 4_000_000_000_u64, "items": { "type": "string" } });
    let long = json!({ "type": "string", "minLength": 4_000_000_000_u64 });
    let pattern = json!({ "type": "string", "pattern": "^((a{1000}){1000}){1000}$" });
    let all = json!({ "allOf": [{ "$ref": "#" }, { "$ref": "#" }] });
    let nested = (0..500).fold(
        json!({ "type": "null" }),
        |inner, _| json!({ "type": "array", "minItems": 1, "items": inner }),
    );
    let many_long = json!({ "type": "array", "minItems": 99_999_999, "items": long });
    let many_patterns = json!({ "type": "array", "minItems": 99_999_999, "items": pattern });
    let many_copies = json!({ "type": "array", "minItems": 99_999_999,
                              "items": { "const": "x".repeat(1 << 16) } });
    let many_sets = json!({ "type": "array", "minItems": 99_999_999,
                            "items": { "enum": [["x".repeat(1 << 16)]] } });
    let many_large_schemas = json!({ "type": "array", "minItems": 99_999_999,
                                     "items": { "type": "null", "title": "x".repeat(1 << 20) } });
    let many = [many_long, many_patterns, many_copies, many_sets, many_large_schemas];
    for schema in [me, insists, huge, long, pattern, all, nested].into_iter().chain(many) {
        let made = value(&schema, 1).to_string();
        assert!(made.len() < 4 << 20, "{} bytes", made.len());
    }
    for strange in [
        json!({ "type": 7, "enum": [], "properties": [], "required": {}, "items": 3 }),
        json!({ "type": "string", "pattern": "(?=x)[", "minLength": -4, "maxLength": "x" }),
        json!({ "type": "integer", "minimum": 1e308, "maximum": -1e308, "multipleOf": 0 }),
        json!({ "type": "number", "multipleOf": -0.0, "minimum": "x" }),
        json!({ "$ref": "https://example.com/x.json" }),
        json!({ "anyOf": [] }),
        json!([]),
        json!(false),
    ] {
        value(&strange, 3);
    }
}

/// Schemas of the kinds that vendors take, nested.
fn schemas() -> impl Strategy<Value = Value> {
    let integer = (-1_000_i64..1_000, 0_i64..50, prop::option::of(1_i64..7)).prop_map(
        |(least, more, step)| {
            let mut schema =
                json!({ "type": "integer", "minimum": least, "maximum": least + more + 7 });
            if let Some(step) = step {
                schema["multipleOf"] = json!(step);
            }
            schema
        },
    );
    let number = (-100.0_f64..100.0, 0.001_f64..9.0)
        .prop_map(|(least, more)| json!({ "type": "number", "minimum": least, "exclusiveMaximum": least + more }));
    let text = (0_u32..20, 0_u32..20).prop_map(
        |(least, more)| json!({ "type": "string", "minLength": least, "maxLength": least + more }),
    );
    let pattern =
        prop::sample::select(vec!["^[a-f0-9]{8}$", "^\\w+@\\w+\\.com$", "^(a|b){3,5}$", "x+y*z?"])
            .prop_map(|pattern| json!({ "type": "string", "pattern": pattern }));
    let words =
        prop::collection::vec("[a-z]{1,4}", 1..4).prop_map(|words| json!({ "enum": words }));
    let plain = prop::sample::select(vec!["boolean", "null", "string", "integer", "number"])
        .prop_map(|kind| json!({ "type": kind }));
    let leaf = prop_oneof![integer, number, text, pattern, words, plain];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let object = (
            prop::collection::btree_map("[a-z]{1,6}", inner.clone(), 0..5),
            prop::collection::vec(any::<bool>(), 5),
            any::<bool>(),
        )
            .prop_map(|(properties, needed, closed)| {
                let names = properties.keys().zip(needed).filter(|(_, needed)| *needed);
                let required: Vec<_> = names.map(|(name, _)| name.clone()).collect();
                json!({ "type": "object", "properties": properties, "required": required,
                        "additionalProperties": !closed })
            });
        let array = (inner.clone(), 0_u32..4, 0_u32..4)
            .prop_map(|(items, least, more)| json!({ "type": "array", "items": items, "minItems": least, "maxItems": least + more }));
        let any_of = prop::collection::vec(inner, 1..4).prop_map(|all| json!({ "anyOf": all }));
        prop_oneof![object, array, any_of]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_schema_the_value_fits(schema in schemas(), seed in any::<u64>()) {
        holds(&schema, seed);
    }
}
