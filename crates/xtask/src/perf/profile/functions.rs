//! What callgrind writes, summed by function: its own instructions, without those of what it calls.

use std::collections::BTreeMap;

/// How long a name may be in a table.
const NAME_MAX: usize = 100;

/// Instructions by function.
#[derive(Clone, Debug, Default)]
pub(super) struct FunctionProfile(BTreeMap<String, u64>);

impl FunctionProfile {
    /// Reads the format of callgrind's manual: `fn=(ID) NAME` begins a function, and names it once; `calls=` has the cost of a call
    /// on the line after it, which is the callee's; every other line that begins with a position is a cost.
    pub(super) fn parse(text: &str) -> Self {
        let (mut names, mut costs) = (BTreeMap::<&str, &str>::new(), BTreeMap::<&str, u64>::new());
        let (mut function, mut is_call) = ("", false);
        for line in text.lines() {
            if let Some(defined) = line.strip_prefix("fn=").or_else(|| line.strip_prefix("cfn=")) {
                let (id, name) = defined.split_once(' ').unwrap_or((defined, ""));
                if !name.is_empty() {
                    names.insert(id, name);
                }
                if line.starts_with("fn=") {
                    function = id;
                }
            } else if line.starts_with("calls=") {
                is_call = true;
            } else if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
                let cost = line.split_whitespace().nth(1).and_then(|cost| cost.parse::<u64>().ok());
                if !is_call {
                    *costs.entry(function).or_default() += cost.unwrap_or_default();
                }
                is_call = false;
            }
        }
        let mut functions = BTreeMap::<String, u64>::new();
        for (id, cost) in costs {
            *functions.entry(plain(names.get(id).copied().unwrap_or(id))).or_default() += cost;
        }
        Self(functions)
    }

    pub(super) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// In functions that are an address, or unknown.
    pub(super) fn unnamed(&self) -> u64 {
        let is_unnamed =
            |name: &str| name.starts_with("0x") || name.starts_with('?') || name.starts_with('(');
        self.0.iter().filter(|(name, _)| is_unnamed(name)).map(|(_, cost)| cost).sum()
    }

    /// Those with the most instructions.
    pub(super) fn top(&self, most: usize) -> Vec<(&str, u64)> {
        let mut all: Vec<_> = self.0.iter().map(|(name, cost)| (name.as_str(), *cost)).collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        all.truncate(most);
        all
    }
}

/// Without the number of a copy (`'2`) that callgrind adds to recursive functions and the compiler's hash, and not too long.
fn plain(name: &str) -> String {
    let name = match name.rsplit_once('\'') {
        Some((before, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => before,
        Some(_) | None => name,
    };
    let name = match name.rsplit_once("::h") {
        Some((before, hash)) if hash.len() == 16 => before,
        Some(_) | None => name,
    };
    // A table has its own bars.
    let name = name.replace('|', "\\|");
    if name.chars().count() <= NAME_MAX {
        return name;
    }
    name.chars().take(NAME_MAX).chain("…".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the manual of callgrind, with a call and a name that is given once.
    const OUT: &str = "events: Ir\n\nfl=(1) file1.c\nfn=(1) main\n16 20\ncfn=(2) func1\ncalls=1 50\n16 400\ncfi=(2) file2.c\n\
        cfn=(3) func2::h0123456789abcdef\ncalls=3 20\n16 400\n\nfn=(2)\n51 100\ncfn=(3)\ncalls=2 20\n51 300\n\nfl=(2)\nfn=(3)\n20 700\n\
        +1 5\nfn=(4) 0x0000000000001230\n3 10\nfn=(5) func1'2\n9 1\ntotals: 836\n";

    #[test]
    fn a_function_has_its_own_instructions_and_not_its_callees() {
        let profile = FunctionProfile::parse(OUT);
        assert_eq!(profile.top(3), [("func2", 705), ("func1", 101), ("main", 20)]);
        assert_eq!(profile.total(), 836, "the sum is what callgrind tells");
        assert_eq!(profile.unnamed(), 10);
    }
}
