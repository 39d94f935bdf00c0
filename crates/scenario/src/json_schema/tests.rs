//! The schema holds what the readers hold, and the shipped scenarios fit it.

use super::*;

fn shipped_fits(text: &str) -> bool {
    let schema = json_schema(FileKind::Scenario);
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    corpus::value(text).is_some_and(|value| validator.is_valid(&value))
}

const VIRAL_SPIKE: &str = include_str!("../../../../scenarios/viral-spike.yaml");

#[test]
fn the_shipped_scenario_fits_the_schema() {
    assert!(shipped_fits(VIRAL_SPIKE));
}

#[test]
fn an_unknown_key_and_a_missing_one_do_not_fit() {
    assert!(!shipped_fits(&VIRAL_SPIKE.replace("weight: 6", "wieght: 6")));
    assert!(!shipped_fits(&VIRAL_SPIKE.replace("name: viral-spike", "")));
}

#[test]
fn what_is_composed_fits_and_what_is_written_beside_it_must_still_be_known() {
    let composed = [
        "include: shared.yaml\nname: ${NAME}\n",
        "name: a\ninclude: [a.yaml, 'b.yaml#part']\nmatrix: { peak: [1, 2], fault: { slow: { ttft: 1s } } }\n",
        "include: a.yaml\nproviders: { eu: { include: b.yaml, ttft: '${TTFT:-1s}' }, us: '${us}', include: c.yaml }\n",
        "include: a.yaml\nexpect: [{ include: slo.yaml }, 'success_rate >= ${SLO}']\n",
        "include: a.yaml\nvariables: { A: 1, B: { default: [1], type: count, one_of: ['1'], about: b } }\n",
    ];
    for text in composed {
        assert!(shipped_fits(text), "{text}");
    }
    assert!(!shipped_fits("include: shared.yaml\nnmae: x\n"));
    assert!(!shipped_fits(
        "include: shared.yaml\nproviders: { eu: { include: b.yaml, tfft: 1s } }\n"
    ));
    assert!(!shipped_fits("include: 3\nname: x\n"));
    assert!(!shipped_fits(&VIRAL_SPIKE.replace("seed: 7", "seed: $SEED")));
}

#[test]
fn every_reference_is_defined_and_every_section_has_its_own_definition() {
    for root in [&SCENARIO, &GATEWAY, &MOCK, &CHECKLIST] {
        let schema = of_file(root);
        let text = schema.to_string();
        for reference in text.split("\"#/$defs/").skip(1) {
            let id = reference.split('"').next().unwrap();
            assert!(schema["$defs"][id].is_object(), "{id}");
        }
        sections_match(root, &schema, &mut Vec::new());
    }
}

/// Two sections with one id would hide each other.
fn sections_match(section: &'static Section, schema: &Value, seen: &mut Vec<*const Section>) {
    // A rate may be made of rates.
    if seen.contains(&core::ptr::from_ref(section)) {
        return;
    }
    seen.push(section);
    let properties = schema["$defs"][section.id]["properties"].as_object().unwrap();
    let mut keys: Vec<_> = section.keys().map(|key| key.name).collect();
    keys.sort_unstable();
    let count = keys.len();
    keys.dedup();
    assert_eq!(keys.len(), count, "a key of `{}` stands there twice", section.id);
    assert_eq!(properties.keys().collect::<Vec<_>>(), keys, "{}", section.id);
    for key in section.keys() {
        inner_match(&key.shape(), schema, seen);
    }
}

fn inner_match(shape: &Schema, schema: &Value, seen: &mut Vec<*const Section>) {
    match *shape {
        Schema::Section(section) => sections_match(section, schema, seen),
        Schema::List(of) | Schema::Named(of) => inner_match(of, schema, seen),
        Schema::Either(shapes) => shapes.iter().for_each(|each| inner_match(each, schema, seen)),
        _ => {}
    }
}

#[test]
fn the_schema_reads_as_it_did() {
    insta::assert_snapshot!(format!("{:#}", json_schema(FileKind::Scenario)));
}

/// `docs/schema/` is where editors find them.
#[test]
fn the_schemas_in_the_tree_are_current() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
    #[expect(clippy::disallowed_methods, reason = "asked for by hand, and only in this test")]
    let update = std::env::var_os("UPDATE_REFERENCE").is_some();
    for kind in FileKind::ALL {
        let path = folder.join(format!("{}.json", kind.as_str()));
        let current = format!("{:#}\n", json_schema(kind));
        if std::fs::read_to_string(&path).is_ok_and(|text| text == current) {
            continue;
        }
        let name = kind.as_str();
        assert!(update, "docs/schema/{name}.json is behind: UPDATE_REFERENCE=1 writes it anew");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(&path, current).unwrap();
    }
}
