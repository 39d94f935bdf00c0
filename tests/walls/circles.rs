//! Files of a crate that need each other.
//!
//! A file needs another when it names something that the other defines, by a path from `crate` or `super`. What a
//! parent declares (`mod`) or passes on (`pub use`) does not count, and neither do tests: a path ends at the file that
//! defines the thing.

use squall_tests::files;
use std::collections::{BTreeMap, BTreeSet};

/// A module by the names on its way from the root of its crate; the root has none.
type Module = Vec<String>;

/// A path that a file names, and the name by which it is known there.
#[derive(Clone, Debug)]
struct Named {
    path: Vec<String>,
    alias: String,
}

/// What is read of one file.
#[derive(Debug, Default)]
struct File {
    /// Everything that a `use` makes known, whether it is passed on or not.
    known: Vec<Named>,
    /// What the file itself needs.
    needed: Vec<Vec<String>>,
}

/// Files of one crate by their modules.
#[derive(Debug, Default)]
struct Crate(BTreeMap<Module, File>);

impl Crate {
    fn of(files: impl IntoIterator<Item = (Module, String)>) -> Self {
        Self(files.into_iter().map(|(module, text)| (module, File::read(&text))).collect())
    }

    /// Which file defines what `path` names in `from`; `None` for what is of no file of this crate.
    fn definer(&self, from: &[String], path: &[String], depth: usize) -> Option<Module> {
        let (first, mut rest) = path.split_first()?;
        let mut at = match first.as_str() {
            "crate" => Vec::new(),
            "self" => from.to_vec(),
            "super" => {
                let supers = 1 + rest.iter().take_while(|part| *part == "super").count();
                rest = &rest[supers - 1..];
                from[..from.len().checked_sub(supers)?].to_vec()
            }
            _ => {
                let child = below(from, first);
                self.0.contains_key(&child).then_some(child)?
            }
        };
        while let Some((part, further)) = rest.split_first() {
            let child = below(&at, part);
            if self.0.contains_key(&child) {
                (at, rest) = (child, further);
                continue;
            }
            // A re-export leads on. None is longer than this unless two lead to each other.
            let known = self.0.get(&at).map_or(&[][..], |file| &file.known);
            let mut passed_on = known.iter().filter(|named| depth < 16 && named.alias == *part);
            let found = passed_on.find_map(|named| self.definer(&at, &named.path, depth + 1));
            return Some(found.unwrap_or(at));
        }
        Some(at)
    }

    /// The other files that each file needs.
    fn needs(&self) -> BTreeMap<&Module, BTreeSet<&Module>> {
        let of = |(module, file): (&'_ Module, &File)| -> BTreeSet<&Module> {
            let named = file.needed.iter().filter_map(|path| self.definer(module, path, 0));
            let named = named.filter(|other| other != module);
            named.filter_map(|other| self.0.get_key_value(&other)).map(|(key, _)| key).collect()
        };
        self.0.iter().map(|(module, file)| (module, of((module, file)))).collect()
    }

    /// The circles: files each of which leads to every other.
    fn circles(&self) -> Vec<BTreeSet<String>> {
        let needs = self.needs();
        let reach: BTreeMap<_, _> =
            needs.keys().map(|&from| (from, reached(&needs, from))).collect();
        let circle = |from: &Module| -> BTreeSet<String> {
            let there = &reach[from];
            let back = there.iter().filter(|&&other| reach[other].contains(from));
            back.map(|other| other.join("/")).collect()
        };
        let mut circles: Vec<_> = needs.keys().map(|from| circle(from)).collect();
        circles.retain(|circle| !circle.is_empty());
        circles.sort();
        circles.dedup();
        circles
    }
}

/// Every file that `from` leads to, over any number of others.
fn reached<'c>(
    needs: &BTreeMap<&'c Module, BTreeSet<&'c Module>>,
    from: &Module,
) -> BTreeSet<&'c Module> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<_> = needs[from].iter().copied().collect();
    while let Some(module) = open.pop() {
        if reached.insert(module) {
            open.extend(&needs[module]);
        }
    }
    reached
}

fn below(module: &[String], name: &str) -> Module {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

impl File {
    /// The path, with what a `use` made known as its beginning in full.
    fn spelt_out(&self, path: Vec<String>) -> Vec<String> {
        match self.known.iter().find(|named| named.alias == path[0]) {
            Some(named) => named.path.iter().chain(&path[1..]).cloned().collect(),
            None => path,
        }
    }

    fn read(text: &str) -> Self {
        let code = without_tests(&without_comments(text));
        let mut file = Self::default();
        let mut body = String::new();
        for line in statements(&code) {
            match used(line) {
                Some((is_public, tree)) => {
                    let mut named = Vec::new();
                    flatten(&[], tree, &mut named);
                    if !is_public {
                        file.needed.extend(named.iter().map(|named| named.path.clone()));
                    }
                    file.known.append(&mut named);
                }
                None => body.push_str(line),
            }
        }
        let named: Vec<_> = paths(&body).into_iter().map(|path| file.spelt_out(path)).collect();
        file.needed.extend(named);
        file.needed.retain(|path| ["crate", "super"].contains(&path[0].as_str()));
        file
    }
}

fn without_comments(text: &str) -> String {
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// The text without its modules of tests, which end at the margin.
fn without_tests(code: &str) -> String {
    let mut out = String::new();
    let mut rest = code;
    while let Some((before, after)) = rest.split_once("\n#[cfg(test)]\n") {
        out.push_str(before);
        let inline = after.lines().next().is_some_and(|line| line.ends_with('{'));
        rest = if inline { after.split_once("\n}").map_or("", |(_, rest)| rest) } else { after };
    }
    out + rest
}

/// Pieces that end in `;` or a brace, so that a `use` is one of them: braces of its tree are whole.
fn statements(code: &str) -> impl Iterator<Item = &str> {
    let mut rest = code;
    std::iter::from_fn(move || {
        let start = rest.trim_start();
        let is_use = used(start).is_some();
        let end = if is_use { rest.find(';') } else { rest.find([';', '{', '}']) };
        let end = end.map_or(rest.len(), |end| end + 1);
        let (piece, after) = rest.split_at(end);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Whether a statement is a `use`: is it passed on, and what it names.
fn used(statement: &str) -> Option<(bool, &str)> {
    let statement = statement.trim();
    let (is_public, rest) = match statement.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => (true, rest.split_once(')')?.1),
        Some(rest) => (true, rest),
        None => (false, statement),
    };
    let tree = rest.trim_start().strip_prefix("use ")?;
    Some((is_public, tree.trim_end_matches(';')))
}

/// The paths of a tree of `use`.
fn flatten(above: &[String], tree: &str, out: &mut Vec<Named>) {
    let tree = tree.trim();
    if let Some(inner) = tree.strip_prefix('{').and_then(|tree| tree.strip_suffix('}')) {
        branches(inner).for_each(|branch| flatten(above, branch, out));
        return;
    }
    if let Some((first, rest)) = tree.split_once("::")
        && !first.contains('{')
    {
        flatten(&below(above, first.trim()), rest, out);
        return;
    }
    let (name, alias) = tree.split_once(" as ").unwrap_or((tree, tree));
    let (name, alias) = (name.trim(), alias.trim());
    let path = if name == "self" { above.to_vec() } else { below(above, name) };
    let alias = if alias == "self" { path.last().cloned() } else { Some(alias.to_owned()) };
    if !name.is_empty() && !path.is_empty() {
        out.push(Named { path, alias: alias.unwrap_or_default() });
    }
}

/// The parts of a tree between commas that stand in no inner braces.
fn branches(tree: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    tree.split(move |c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    })
}

/// The paths that code names outside of `use`. Those of a macro (`$crate`) are needed where it is used.
fn paths(code: &str) -> Vec<Vec<String>> {
    let of_path = |c: char| c.is_ascii_alphanumeric() || ['_', ':', '$'].contains(&c);
    let words = code.split(|c: char| !of_path(c)).filter(|word| word.contains("::"));
    let parts = |word: &str| word.split("::").map(str::to_owned).collect::<Vec<_>>();
    words.map(parts).collect()
}

/// The crates with their files; tests are left out.
fn crates() -> BTreeMap<String, Crate> {
    let mut crates = BTreeMap::<String, Vec<(Module, String)>>::new();
    for (path, text) in files("crates", ".rs") {
        let Some((name, file)) = path.trim_start_matches("crates/").split_once("/src/") else {
            continue;
        };
        let module: Module = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if module.iter().any(|part| part == "tests") {
            continue;
        }
        let is_root = module.len() == 1 && ["lib", "main"].contains(&module[0].as_str());
        let module = if is_root { Vec::new() } else { module };
        crates.entry(name.to_owned()).or_default().push((module, text));
    }
    crates.into_iter().map(|(name, files)| (name, Crate::of(files))).collect()
}

#[test]
fn no_files_of_a_crate_need_each_other() {
    let crates = crates();
    let needs: usize =
        crates.values().flat_map(|each| each.needs().into_values()).map(|needs| needs.len()).sum();
    assert!(
        needs > 1_000,
        "only {needs} needs were found: sources read otherwise than this thinks"
    );
    let mut found = Vec::new();
    for (name, each) in crates {
        for circle in each.circles() {
            found.push(format!("{name}: {}", circle.into_iter().collect::<Vec<_>>().join(", ")));
        }
    }
    assert!(found.is_empty(), "move what they share into a file below them:\n{}", found.join("\n"));
}

fn of(files: &[(&str, &str)]) -> Crate {
    let module =
        |path: &str| path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    Crate::of(files.iter().map(|(path, text)| (module(path), (*text).to_owned())))
}

#[test]
fn a_circle_is_found_through_re_exports_trees_and_plain_paths() {
    let root = ("", "mod a;\nmod b;\nmod c;\npub use c::Thing;\n");
    let a = ("a", "use crate::{b::{One, Two}, c};\n");
    let c = ("c", "pub struct Thing;\nfn f() -> super::a::Other {}\n");
    let through = of(&[root, a, ("b", "use crate::Thing as T;\n"), c]);
    let all = ["a", "b", "c"].map(str::to_owned);
    assert_eq!(through.circles(), [BTreeSet::from(all)]);
}

#[test]
fn declarations_re_exports_comments_and_tests_are_no_need() {
    let tests = "\n#[cfg(test)]\nmod tests {\n    use crate::a;\n}\n";
    let b = format!("pub struct B;\n// use crate::a::A;\n{tests}");
    let parent = ("", "mod a;\nmod b;\npub use a::A;\npub(crate) use b::B;\n");
    let crates = of(&[parent, ("a", "use super::B;\n"), ("b", &b)]);
    assert_eq!(crates.circles(), Vec::<BTreeSet<String>>::new());
}
