//! Everything the README shows is run.

use crate::squall::{Folder, viral_spike};

fn readme() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    std::fs::read_to_string(path).expect("it is there")
}

/// The lines of the shell blocks, without comments.
fn commands() -> Vec<String> {
    let readme = readme();
    let blocks = readme.split("```sh\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap_or_default().lines());
    let lines = lines.map(|line| line.split(" #").next().unwrap_or_default().trim().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

#[test]
fn every_command_of_the_readme_works() {
    let folder = Folder::new("readme");
    std::fs::create_dir_all(folder.path("scenarios")).expect("the folder can be made");
    folder.write("scenarios/viral-spike.yaml", &viral_spike());
    let mut run = 0;
    for command in commands() {
        let Some(arguments) = command
            .strip_prefix("cargo run --release -- ")
            .or_else(|| command.strip_prefix("squall "))
        else {
            assert!(
                ["cargo xtask test", "cargo xtask test --fast", "cargo xtask bench"]
                    .contains(&command.as_str())
                    || command.starts_with("cargo install"),
                "the README shows `{command}`, and nothing here runs it"
            );
            continue;
        };
        let mut arguments: Vec<_> = arguments.split_whitespace().collect();
        // Ninety seconds of sockets are run by the parity suite in short; servers by `serve`.
        if ["gateway", "mock"].contains(&arguments[0]) {
            continue;
        }
        if arguments[0] == "run" && !arguments.contains(&"--sim") {
            arguments.push("--sim");
        }
        if arguments[0] == "replay" {
            folder.squall(&["run", "scenarios/viral-spike.yaml", "--sim", "--out", arguments[1]]);
        }
        let ended = folder.squall(&arguments);
        assert_eq!(ended.code, 0, "`{command}`: {}{}", ended.out, ended.err);
        run += 1;
    }
    assert!(run >= 4, "{run} commands were run");
}

#[test]
fn the_readme_shows_what_the_shipped_scenario_gives() {
    let folder = Folder::new("readme-table");
    folder.write("viral-spike.yaml", &viral_spike());
    let ended = folder.squall(&["run", "viral-spike.yaml", "--sim"]);
    let readme = readme();
    for line in
        ended.out.lines().filter(|line| line.starts_with("met ") || line.starts_with("digest"))
    {
        assert!(readme.contains(line), "the README does not show `{line}`");
    }
}
