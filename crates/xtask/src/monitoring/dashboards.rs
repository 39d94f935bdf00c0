//! The dashboards, held against Grafana's own types (`@grafana/schema`) by the TypeScript compiler. It finds keys that
//! there are not, values of the wrong type, and what is missing. Grafana itself, which would draw them, is not run.

use super::read;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is installed, and which types are used.
const PACKAGE: &str = include_str!("grafana/package.json");
const TYPES: &str = include_str!("grafana/types.ts");

/// The options of the compiler: of a program that is only checked.
const OPTIONS: [&str; 9] = [
    "--noEmit",
    "--strict",
    "--skipLibCheck",
    "--module",
    "nodenext",
    "--moduleResolution",
    "nodenext",
    "--target",
    "es2022",
];

/// The dashboards of a folder, with their paths.
///
/// # Errors
/// When one cannot be read, or is no JSON.
pub(super) fn all(folder: &Path) -> Result<Vec<(PathBuf, Value)>, String> {
    let entries = fs::read_dir(folder).map_err(|error| error.to_string())?;
    let paths = entries.flatten().map(|entry| entry.path());
    let mut paths: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let value = serde_json::from_str(&read(&path)?);
        Ok((path.clone(), value.map_err(|error| format!("{}: {error}", path.display()))?))
    };
    paths.into_iter().map(read).collect()
}

/// Lets the compiler look at every dashboard of these places, in `folder`, where it is installed. False if it finds anything;
/// without npm nothing is judged, which is said.
///
/// # Errors
/// When the types cannot be installed, or a file cannot be written.
pub(super) fn check(places: &[PathBuf], folder: &Path) -> Result<bool, String> {
    fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    let write = |name: &str, text: &str| {
        fs::write(folder.join(name), text).map_err(|error| format!("{name}: {error}"))
    };
    write("package.json", PACKAGE)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--silent"]).current_dir(folder);
    match npm.status() {
        Ok(status) if status.success() => {}
        Ok(_) => return Err("npm install fails; is the registry in reach?".to_owned()),
        Err(_) => {
            println!(
                "NOT JUDGED: npm is not installed, so that no dashboard is held against Grafana's types"
            );
            return Ok(true);
        }
    }
    let mut all_pass = true;
    let found: Result<Vec<_>, _> = places.iter().map(|place| all(place)).collect();
    for (path, dashboard) in found?.into_iter().flatten() {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned() + ".ts";
        write(&name, &typed(&dashboard))?;
        let mut tsc = Command::new(folder.join("node_modules/.bin/tsc"));
        let passed = tsc.args(OPTIONS).arg(&name).current_dir(folder).status();
        let passed = passed.map_err(|error| format!("tsc: {error}"))?.success();
        let word = if passed { "is as" } else { "FAILED: is not as" };
        println!("{} {word} Grafana's types say", path.display());
        all_pass &= passed;
    }
    Ok(all_pass)
}

/// A program that gives each part of a dashboard the type that Grafana has for it.
fn typed(dashboard: &Value) -> String {
    let mut out = TYPES.to_owned();
    let mut whole = dashboard.clone();
    if let Some(whole) = whole.as_object_mut() {
        whole.remove("panels");
    }
    constant(&mut out, "dashboard", "Omit<Dashboard, \"panels\">", &whole);
    for (place, panel) in dashboard["panels"].as_array().into_iter().flatten().enumerate() {
        let kind = panel["type"].as_str().unwrap_or_default().replace('-', "");
        if kind == "row" {
            constant(&mut out, &format!("panel{place}"), "RowPanel", panel);
            continue;
        }
        constant(&mut out, &format!("panel{place}"), "Panel", panel);
        constant(
            &mut out,
            &format!("options{place}"),
            &format!("{kind}Options"),
            &panel["options"],
        );
        constant(&mut out, &format!("targets{place}"), "PrometheusDataQuery[]", &panel["targets"]);
        let custom = &panel["fieldConfig"]["defaults"]["custom"];
        if !custom.is_null() {
            constant(&mut out, &format!("custom{place}"), &format!("{kind}FieldConfig"), custom);
        }
    }
    out
}

fn constant(out: &mut String, name: &str, of: &str, value: &Value) {
    // Writing to a `String` cannot fail.
    let _infallible = writeln!(out, "export const {name}: Json<{of}> = {value};");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_part_of_a_panel_has_its_type() {
        let panel = json!({
            "type": "state-timeline",
            "options": { "mergeValues": true },
            "fieldConfig": { "defaults": { "custom": { "lineWidth": 0 } } },
            "targets": [{ "refId": "A", "expr": "up" }],
        });
        let program = typed(&json!({ "title": "T", "panels": [panel, { "type": "row" }] }));
        for line in [
            "export const dashboard: Json<Omit<Dashboard, \"panels\">> = {\"title\":\"T\"};",
            "export const options0: Json<statetimelineOptions> = {\"mergeValues\":true};",
            "export const custom0: Json<statetimelineFieldConfig> = {\"lineWidth\":0};",
            "export const targets0: Json<PrometheusDataQuery[]> = [{\"expr\":\"up\",\"refId\":\"A\"}];",
            "export const panel1: Json<RowPanel> = {\"type\":\"row\"};",
        ] {
            assert!(program.contains(line), "{line} is not in {program}");
        }
    }
}
