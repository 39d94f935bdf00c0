//! What a composed file comes to, and what is said of one that is wrong.

use super::*;
use crate::read::CaseScenario;
use crate::{Diagnostics, Scenario};

/// A scenario's rest, behind what a test writes.
const REST: &str = "
duration: 10s
traffic: { group: chat, rate: 10, prompt_tokens: 10, output_tokens: 10 }
providers:
  eu: { ttft: 100ms, itl: 10ms }
  us: { ttft: 100ms, itl: 10ms }
router:
  groups:
    chat: { deployments: [{ name: a, provider: eu, weight: 1 }, { name: b, provider: us, weight: 1 }] }
";

/// What a test composes with: files by name, given variables, the environment.
#[derive(Default)]
struct FilesAround {
    files: Vec<(&'static str, String)>,
    given: Vec<&'static str>,
    environment: Vec<(&'static str, &'static str)>,
}

impl FilesAround {
    fn file(mut self, name: &'static str, text: &str) -> Self {
        self.files.push((name, text.to_owned()));
        self
    }

    fn given(mut self, setting: &'static str) -> Self {
        self.given.push(setting);
        self
    }

    fn environment(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.push((name, value));
        self
    }

    fn with<T>(&self, then: impl FnOnce(&Surroundings<'_>) -> T) -> T {
        let load = |name: &str| {
            let file = self.files.iter().find(|(known, _)| *known == name);
            file.map(|(_, text)| text.clone())
                .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such file"))
        };
        let environment = |name: &str| {
            let found = self.environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let variables: Vec<_> =
            self.given.iter().map(|text| text.parse().expect("NAME=VALUE")).collect();
        then(&Surroundings {
            load: &load,
            variables: &variables,
            environment: &environment,
            folder: None,
        })
    }

    fn cases(&self, text: &str) -> Result<Vec<CaseScenario>, Diagnostics> {
        self.with(|around| {
            Scenario::cases("suites/suite.yaml", text, around).map(|(cases, _)| cases)
        })
    }

    fn one(&self, text: &str) -> Scenario {
        let read = self.with(|around| Scenario::read_one("suites/suite.yaml", text, around));
        read.unwrap_or_else(|problems| panic!("{problems}")).scenario
    }

    /// What is said of a file, as it is shown.
    fn said(&self, text: &str) -> String {
        match self.with(|around| Scenario::read_one("suites/suite.yaml", text, around)) {
            Ok(_) => "nothing is wrong".to_owned(),
            Err(problems) => problems.to_string(),
        }
    }
}

#[track_caller]
fn assert_says(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "`{part}` is missing:\n{said}");
    }
}

fn plain(text: &str) -> Scenario {
    let text = format!("{text}{REST}");
    Scenario::read("plain.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The same scenario, whatever text it was read from.
#[track_caller]
fn assert_same(composed: &Scenario, plain: &Scenario) {
    let anywhere = |scenario: &Scenario| {
        let mut scenario = Scenario { text: String::new(), ..scenario.clone() };
        scenario.expectations.iter_mut().for_each(|expectation| expectation.line = 0);
        scenario
    };
    assert_eq!(anywhere(composed), anywhere(plain));
}

#[test]
fn a_file_without_composition_stays_as_it_was_written_with_its_comments() {
    let text = format!(
        "name: as-it-is # and a comment\ndescription: a literal $${{NAME}} and $NAME{REST}"
    );
    let scenario = FilesAround::default().one(&text);
    assert_eq!(scenario.text, text);
}

#[test]
fn the_text_of_a_composed_scenario_reads_as_the_same_scenario() {
    let world = FilesAround::default().file("shared/rest.yaml", REST);
    let scenario = world.one("include: shared/rest.yaml\nname: composed\nseed: ${SEED:-5}\n");
    assert_same(&scenario, &plain("name: composed\nseed: 5"));
    let again = Scenario::read("recorded.yaml", &scenario.text).expect("it reads alone");
    assert_eq!(again, scenario);
}

#[test]
fn an_included_file_holds_where_the_file_says_nothing_and_mappings_are_merged() {
    let world = FilesAround::default()
        .file("shared/rest.yaml", &format!("name: of-the-fragment\nseed: 9{REST}"));
    let scenario = world.one(
        "include: shared/rest.yaml\nname: own\nproviders: { us: { ttft: 300ms }, ap: { itl: 10ms, ttft: 1s } }\n",
    );
    let wanted = REST.replace(
        "us: { ttft: 100ms, itl: 10ms }",
        "us: { ttft: 300ms, itl: 10ms }\n  ap: { itl: 10ms, ttft: 1s }",
    );
    let wanted =
        Scenario::read("plain.yaml", &format!("name: own\nseed: 9{wanted}")).expect("it reads");
    assert_same(&scenario, &wanted);
}

#[test]
fn of_several_files_the_later_counts_for_more_and_a_list_gives_way_as_a_whole() {
    let world = FilesAround::default()
        .file(
            "a.yaml",
            &format!("seed: 1\nexpect: ['success_rate >= 1%', 'success_rate >= 2%']{REST}"),
        )
        .file("b.yaml", "seed: 2\nexpect: ['success_rate >= 3%']\n");
    let scenario = world.one("include: [a.yaml, b.yaml]\nname: both\n");
    assert_same(&scenario, &plain("name: both\nseed: 2\nexpect: ['success_rate >= 3%']"));
}

#[test]
fn an_item_that_includes_a_list_stands_for_its_items() {
    let world = FilesAround::default()
        .file("slo.yaml", "usual: ['success_rate >= 99%', 'retry_amplification <= 1.5']\n");
    let text =
        format!("name: spliced\nexpect:\n- include: slo.yaml#usual\n- success_rate >= 50%\n{REST}");
    let wanted = "name: spliced\nexpect: ['success_rate >= 99%', 'retry_amplification <= 1.5', 'success_rate >= 50%']";
    let scenario = world.one(&text);
    assert_same(&scenario, &plain(wanted));
    let lines: Vec<_> = scenario.expectations.iter().map(|expectation| expectation.line).collect();
    assert_eq!(lines, [3, 3, 4], "lines of the scenario, wherever its parts stand");
}

#[test]
fn a_part_of_the_same_file_is_included_from_its_fragments() {
    let rest = REST.replace(
        "  us: { ttft: 100ms, itl: 10ms }",
        "  us: { include: '#fragments.slow', itl: 10ms }",
    );
    let text = format!("name: parts\nfragments: {{ slow: {{ ttft: 900ms, itl: 1ms }} }}{rest}");
    let wanted = REST.replace("us: { ttft: 100ms", "us: { ttft: 900ms");
    let wanted = Scenario::read("plain.yaml", &format!("name: parts{wanted}")).expect("it reads");
    assert_same(&FilesAround::default().one(&text), &wanted);
}

#[test]
fn names_in_an_included_file_are_looked_for_from_where_it_stands() {
    let world = FilesAround::default()
        .file("shared/rest.yaml", "include: [./more/seed.yaml, ../beside.yaml]\n")
        .file("shared/more/seed.yaml", "seed: 77\n")
        .file("beside.yaml", REST);
    assert_same(
        &world.one("name: nested\ninclude: shared/rest.yaml\n"),
        &plain("name: nested\nseed: 77"),
    );
}

#[test]
fn a_mistake_in_an_included_file_is_shown_there() {
    let world =
        FilesAround::default().file("shared/rest.yaml", &REST.replace("100ms", "100 apples"));
    let said = world.said("include: shared/rest.yaml\nname: wrong\n");
    assert_says(
        &said,
        &["suites/shared/rest.yaml:5:15", "`100 apples`", "suites/shared/rest.yaml:6:15"],
    );
}

#[test]
fn a_problem_of_two_files_names_the_place_in_the_other() {
    let world = FilesAround::default().file("shared/phases.yaml", "phases: { calm: 0s..6s }\n");
    let said = world.said(&format!(
        "include: shared/phases.yaml\nname: two\nphases: {{ late: 5s..10s }}{REST}"
    ));
    assert_says(&said, &["suites/suite.yaml", "suites/shared/phases.yaml:1:"]);
}

#[test]
fn what_includes_itself_is_told_with_the_way_around() {
    let world = FilesAround::default()
        .file("a.yaml", "include: b.yaml\n")
        .file("b.yaml", "include: x/../a.yaml\n");
    let said = world.said("name: loop\ninclude: a.yaml\n");
    assert_says(
        &said,
        &["`a.yaml` includes itself", "a.yaml → b.yaml → a.yaml", "suites/b.yaml:1:10"],
    );
    let said = FilesAround::default()
        .said("name: loop\nfragments: { a: { include: '#fragments' } }\ninclude: '#fragments.a'\n");
    assert_says(&said, &["includes itself", "suites/suite.yaml#fragments"]);
    let said = FilesAround::default()
        .file("suite.yaml", "include: suite.yaml\n")
        .said("name: x\ninclude: suite.yaml\n");
    assert_says(&said, &["`suite.yaml` includes itself"]);
}

#[test]
fn a_file_or_a_part_that_is_not_there_is_told_at_its_name() {
    let world = FilesAround::default().file("shared.yaml", "providers: { eu: { ttft: 1s } }\n");
    let said = world.said("name: x\ninclude: [missing.yaml, 'shared.yaml#providers.ue']\n");
    assert_says(
        &said,
        &[
            "2:11",
            "`missing.yaml` cannot be included: no such file",
            "there is no `ue`",
            "did you mean `eu`?",
        ],
    );
    let said = world.said("name: x\ninclude: #fragments.a\n");
    assert_says(&said, &["a `#` begins a comment"]);
    let said = world.said("name: x\nproviders: { include: [[1]] }\n");
    assert_says(&said, &["2:"]);
}

#[test]
fn a_file_that_grows_without_end_is_refused() {
    let mut world = FilesAround::default();
    let names = ["f0", "f1", "f2", "f3", "f4", "f5", "f6"];
    for pair in names.windows(2) {
        let text: String =
            (0..10).map(|key| format!("k{key}: {{ include: {} }}\n", pair[1])).collect();
        world = world.file(pair[0], &text);
    }
    let world = world.file("f6", "a: 1\n");
    assert_says(&world.said("name: x\ntraffic: { include: f0 }\n"), &["more than 1000 inclusions"]);
    let many: String = (0..2_000).map(|key| format!("k{key}: 1\n")).collect();
    let wide: String = (0..60).map(|key| format!("k{key}: {{ include: many }}\n")).collect();
    let world = FilesAround::default().file("many", &many).file("wide", &wide);
    assert_says(&world.said("name: x\ntraffic: { include: wide }\n"), &["more than 100000 values"]);
}

#[test]
fn a_variable_is_given_before_the_environment_and_that_before_its_default() {
    let text = format!("name: v\nvariables: {{ SEED: 3 }}\nseed: ${{SEED}}{REST}");
    let seed = |world: FilesAround| world.one(&text).seed.value();
    assert_eq!(seed(FilesAround::default()), 3);
    assert_eq!(seed(FilesAround::default().environment("SEED", "4")), 4);
    assert_eq!(seed(FilesAround::default().environment("SEED", "4").given("SEED=5")), 5);
    assert_eq!(
        seed(FilesAround::default().given("SEED=5").given("SEED=6")),
        6,
        "the last one counts"
    );
    let text = text.replace("variables: { SEED: 3 }", "").replace("${SEED}", "${SEED:-8}");
    let seed = |world: FilesAround| world.one(&text).seed.value();
    assert_eq!(seed(FilesAround::default()), 8);
    assert_eq!(seed(FilesAround::default().environment("SEED", "")), 8, "as in a shell");
    assert_eq!(seed(FilesAround::default().environment("SEED", "4")), 4);
}

#[test]
fn a_variable_may_be_a_part_of_a_text_or_a_whole_mapping_or_a_part_of_one() {
    let text = format!(
        "name: ${{WHERE}}-x${{N}}\nvariables:\n  WHERE: eu\n  N: 2\n  slow: {{ default: {{ ttft: 900ms, itl: 1ms }} }}\n\
         description: '${{slow.ttft}} and $${{N}}'{}",
        REST.replace("us: { ttft: 100ms, itl: 10ms }", "us: ${slow}")
            .replace("eu: {", "${WHERE}: {")
    );
    let scenario = FilesAround::default().one(&text);
    let rest = REST.replace("us: { ttft: 100ms, itl: 10ms }", "us: { ttft: 900ms, itl: 1ms }");
    let wanted = format!("name: eu-x2\ndescription: '900ms and $${{N}}'{rest}");
    assert_same(&scenario, &Scenario::read("plain.yaml", &wanted).expect("it reads"));
}

#[test]
fn placeholders_that_a_run_fills_in_are_no_variables() {
    let target = "target: { url: 'http://127.0.0.1:${port}/v1', start: { command: [x, '${dir}', '${provider.eu.url}', \
                  '${env.HOME}', '${port.admin}'], ready: { get: /, within: 5s } } }";
    let text = format!("name: t\nseed: ${{SEED:-1}}\n{target}{REST}");
    let scenario = FilesAround::default().one(&text);
    assert!(scenario.text.contains("${provider.eu.url}"), "{}", scenario.text);
    assert!(scenario.gateway_target.is_some());
}

#[test]
fn a_variable_without_a_value_is_told_where_it_is_used() {
    let said = FilesAround::default()
        .said(&format!("name: v\nvariables: {{ peak: 1 }}\nseed: ${{paek}}{REST}"));
    assert_says(
        &said,
        &["suites/suite.yaml:3:7", "the variable `paek` is not set", "did you mean `${peak}`?"],
    );
    let said = FilesAround::default().said(&format!("name: v\nseed: ${{OTHER}}{REST}"));
    assert_says(&said, &["--var OTHER=VALUE", "${OTHER:-VALUE}"]);
    let said = FilesAround::default().said(&format!(
        "name: v\nvariables: {{ a: {{ default: {{ b: 1 }} }} }}\nseed: ${{a.c}}{REST}"
    ));
    assert_says(&said, &["`a` has no `c`"]);
    let said = FilesAround::default().said(&format!(
        "name: v\nvariables: {{ a: {{ default: [1] }} }}\ndescription: x${{a}}{REST}"
    ));
    assert_says(&said, &["`${a}` is a list, and cannot be a part of a text"]);
}

#[test]
fn a_default_with_a_variable_and_a_variable_for_a_file_are_refused() {
    let said = FilesAround::default().said(&format!("name: v\ndescription: ${{A:-${{B}}}}{REST}"));
    assert_says(&said, &["2:14", "the default of `A` has a variable of its own"]);
    let around = FilesAround::default().file("os.environ/HOME", "a: 1\n");
    let said = around.said(&format!("name: v\ninclude: os.environ/HOME{REST}"));
    assert_says(&said, &["`os.environ/HOME` cannot be included: it is no file"]);
}

#[test]
fn a_wrong_value_is_told_where_the_variable_is_used() {
    let world = FilesAround::default().given("SEED=many");
    let said = world.said(&format!("name: v\nseed: ${{SEED}}{REST}"));
    assert_says(&said, &["suites/suite.yaml:2:7", "`many`"]);
}

#[test]
fn a_declared_type_holds_for_what_is_given() {
    let text = format!(
        "name: v\nvariables: {{ SEED: {{ type: count, default: 1, one_of: [1, 2] }} }}\nseed: ${{SEED}}{REST}"
    );
    assert_eq!(FilesAround::default().given("SEED=2").one(&text).seed.value(), 2);
    let said = FilesAround::default().given("SEED=x").said(&text);
    assert_says(&said, &["2:14", "the variable `SEED` is `x` (--var)"]);
    let said = FilesAround::default().environment("SEED", "3").said(&text);
    assert_says(&said, &["the variable `SEED` is `3` (environment)", "expected one of 1, 2"]);
    let said = FilesAround::default().said(&text.replace("type: count", "type: cuont"));
    assert_says(&said, &["did you mean `count`?"]);
}

#[test]
fn a_variable_that_nothing_uses_is_refused_where_it_is_given() {
    let said =
        FilesAround::default().given("PAEK=3").said(&format!("name: v\nseed: ${{PEAK:-3}}{REST}"));
    assert_says(&said, &["`--var PAEK=…`: the file has no variable `PAEK`"]);
}

#[test]
fn a_secret_of_the_environment_does_not_reach_a_recording() {
    let world = FilesAround::default().environment("OPENAI_API_KEY", "sk-very-secret");
    let said = world.said(&format!("name: v\ndescription: ${{OPENAI_API_KEY}}{REST}"));
    assert_says(&said, &["looks like a secret", "write `$OPENAI_API_KEY`"]);
    assert!(!said.contains("very-secret"), "{said}");
    let declared = format!(
        "name: v\nvariables: {{ OPENAI_API_KEY: none }}\ndescription: ${{OPENAI_API_KEY}}{REST}"
    );
    assert_eq!(world.one(&declared).description.as_deref(), Some("none"));
}

#[test]
fn a_matrix_makes_a_case_of_every_combination() {
    let text = format!(
        "name: suite\nmatrix: {{ seed: [3, 4], region: {{ europe: {{ ttft: 1s, itl: 1ms }}, asia: {{ ttft: 2s, itl: 1ms }} }} }}\n\
         seed: ${{seed}}{}",
        REST.replace("us: { ttft: 100ms, itl: 10ms }", "us: ${region}")
    );
    let cases = FilesAround::default().cases(&text).unwrap_or_else(|problems| panic!("{problems}"));
    let told: Vec<_> = cases
        .iter()
        .map(|case| (case.scenario.name.as_str(), case.scenario.seed.value()))
        .collect();
    assert_eq!(
        told,
        [("suite-3-europe", 3), ("suite-3-asia", 3), ("suite-4-europe", 4), ("suite-4-asia", 4)]
    );
    let choices = &cases[3].choices;
    assert_eq!(
        choices,
        &[("seed".to_owned(), "4".to_owned()), ("region".to_owned(), "asia".to_owned())]
    );
    for case in &cases {
        assert!(!case.scenario.text.contains("matrix"), "{}", case.scenario.text);
        assert_eq!(Scenario::read("x", &case.scenario.text).as_ref(), Ok(&case.scenario));
    }
}

#[test]
fn a_name_with_variables_of_the_matrix_is_taken_as_it_is_and_must_be_one_for_each_case() {
    let text =
        format!("name: s-${{peak}}-x\nmatrix: {{ peak: [10, 20 rps] }}\ndescription: a{REST}");
    let said = FilesAround::default().cases(&text).expect_err("a space in a name").to_string();
    assert_says(&said, &["suites/suite.yaml:1:7", "20 rps"]);
    let text =
        format!("name: s-${{a}}\nmatrix: {{ a: [1, 2], b: [1, 2] }}\ndescription: ${{b}}{REST}");
    let said = FilesAround::default().cases(&text).expect_err("namesakes").to_string();
    assert_says(&said, &["two cases are called `s-1`", "${a}, ${b}"]);
}

#[test]
fn one_case_of_a_matrix_is_chosen_by_its_values() {
    let text =
        format!("name: s\nmatrix: {{ a: [1, 2], b: {{ x: 5, y: 6 }} }}\nseed: ${{a}}${{b}}{REST}");
    let one = FilesAround::default().given("a=2").given("b=y").one(&text);
    assert_eq!((one.name.as_str(), one.seed.value()), ("s-2-y", 26));
    let said = FilesAround::default().given("a=2").said(&text);
    assert_says(&said, &["the file has 2 cases", "s-2-x, s-2-y", "--var a='2' --var b='x'"]);
    let said = FilesAround::default().given("b=z").said(&text);
    assert_says(&said, &["`--var b=z`: the matrix has no such `b`", "`x`, `y`"]);
}

#[test]
fn a_matrix_of_ten_thousand_cases_is_refused_before_any_is_made() {
    let list: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    let text =
        format!("name: s\nmatrix: {{ a: [{0}], b: [{0}] }}\nseed: ${{a}}{REST}", list.join(", "));
    let said = FilesAround::default().cases(&text).expect_err("too many").to_string();
    assert_says(&said, &["suites/suite.yaml:2:11", "the matrix makes 10000 cases", "at most 1000"]);
}

#[test]
fn a_matrix_without_values_or_with_nameless_ones_is_told_so() {
    let said = |matrix: &str| {
        let text = format!("name: s\nmatrix: {matrix}{REST}");
        FilesAround::default().cases(&text).map(|_| ()).expect_err(matrix).to_string()
    };
    assert_says(&said("{ a: [] }"), &["`a` has no values"]);
    assert_says(&said("{ a: 3 }"), &["`a` has no values: it is `3`"]);
    assert_says(&said("{ a: [1, 2, 1] }"), &["`a` has the value `1` twice"]);
    assert_says(&said("{ a: [1, ~] }"), &["an empty value has no name"]);
    assert_says(&said("[1]"), &["`matrix` is a list", "expected a mapping"]);
    assert_says(&said("{ a: [{ b: 1 }] }"), &["has no name", "{ name: value }"]);
    assert_says(&said("{ port: [1] }"), &["`port` cannot be the name of a variable"]);
    assert_says(
        &said("{ a: [1] }\nvariables: { a: 2 }"),
        &["`a` is a variable and one of the matrix"],
    );
}

#[test]
fn a_fragment_of_a_case_may_be_named_by_its_matrix() {
    let world = FilesAround::default()
        .file("faults/slow.yaml", "description: slow\n")
        .file("faults/down.yaml", "description: down\n");
    let text = format!(
        "name: s\nmatrix: {{ fault: [slow, down] }}\ninclude: faults/${{fault}}.yaml{REST}"
    );
    let cases = world.cases(&text).unwrap_or_else(|problems| panic!("{problems}"));
    let told: Vec<_> =
        cases.iter().filter_map(|case| case.scenario.description.as_deref()).collect();
    assert_eq!(told, ["slow", "down"]);
}

#[test]
fn variables_and_a_matrix_may_stand_in_an_included_file() {
    let world = FilesAround::default().file(
        "shared.yaml",
        &format!("variables: {{ SEED: 3, WHAT: x }}\nmatrix: {{ a: [1, 2] }}{REST}"),
    );
    let text = "name: s\ninclude: shared.yaml\nvariables: { WHAT: y }\nseed: ${a}${SEED}\ndescription: ${WHAT}\n";
    let cases = world.cases(text).unwrap_or_else(|problems| panic!("{problems}"));
    let told: Vec<_> = cases
        .iter()
        .map(|case| (case.scenario.seed.value(), case.scenario.description.as_deref()))
        .collect();
    assert_eq!(told, [(13, Some("y")), (23, Some("y"))]);
}

#[test]
fn a_case_tells_its_variables_with_where_their_values_come_from() {
    let text = format!(
        "name: s\nvariables: {{ A: 1, B: 2, C: 3 }}\nmatrix: {{ d: [4] }}\nseed: ${{A}}{REST}"
    );
    let world = FilesAround::default().given("B=7").environment("C", "8");
    let cases = world.cases(&text).unwrap_or_else(|problems| panic!("{problems}"));
    let told: Vec<_> = cases[0]
        .variables
        .iter()
        .map(|each| format!("{}={} {}", each.name, each.value, each.origin))
        .collect();
    assert_eq!(told, ["A=1 default", "B=7 --var", "C=8 environment", "d=4 matrix"]);
}

#[test]
fn every_bundled_scenario_written_out_is_the_same_scenario() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let mut written = 0;
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path())
        {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let Ok(scenario) = Scenario::read("written.yaml", &text) else { continue };
            let node = yaml::parse(&text, &Problems::default()).expect("it was read");
            let again = Scenario::read("again.yaml", &node.block());
            assert_same(&again.unwrap_or_else(|problems| panic!("{problems}")), &scenario);
            written += 1;
        }
    }
    assert!(written > 50, "{written} scenarios");
}

/// Prompts of ten to fifty tokens: `numpy.quantile` of them at 5 % is 12, at 95 % 48.
const SIZES: &str = "when,tokens,ms\n1,50,1.5\n2,10,0.5\n3,30,2\n4,20,1\n5,40,4\n";

fn sized(prompt: &str) -> String {
    format!("name: sized{}", REST.replace("prompt_tokens: 10", &format!("prompt_tokens: {prompt}")))
}

#[test]
fn measured_sizes_become_the_quantiles_of_their_column() {
    let world = FilesAround::default()
        .file("data/sizes.csv", SIZES)
        .file(
            "data/sizes.jsonl",
            "{\"t\": 50}\n{\"t\": 10}\n\n{\"t\": 30}\n{\"t\": \"20\"}\n{\"t\": 40}\n",
        )
        .file("data/sizes.txt", "50\n10\n30\n20\n40\n")
        .file("data/shared.yaml", "prompt: { data: { file: ./sizes.txt } }\n");
    let quantiles = "{ quantiles: { min: 10, p1: 10, p5: 12, p10: 14, p25: 20, p50: 30, p75: 40, p90: 46, p95: 48, p99: 50, \
                     p999: 50, max: 50 } }";
    let wanted =
        Scenario::read("plain.yaml", &sized(quantiles)).unwrap_or_else(|said| panic!("{said}"));
    for data in [
        "{ data: { file: data/sizes.csv, column: tokens } }",
        "{ data: { file: data/sizes.jsonl, column: t } }",
        "{ data: { file: data/sizes.txt } }",
        "{ include: data/shared.yaml#prompt }",
    ] {
        let scenario = world.one(&sized(data));
        assert_same(&scenario, &wanted);
        assert!(!scenario.text.contains("sizes"), "the recording needs no file: {}", scenario.text);
    }
}

#[test]
fn measured_durations_have_a_unit() {
    let world = FilesAround::default().file("sizes.csv", SIZES);
    let with = |ttft: &str| {
        format!("name: t{}", REST.replacen("ttft: 100ms", &format!("ttft: {ttft}"), 1))
    };
    let scenario = world.one(&with("{ data: { file: sizes.csv, column: ms, unit: ms } }"));
    let quantiles = "{ quantiles: { min: 500us, p1: 520us, p5: 600us, p10: 700us, p25: 1ms, p50: 1500us, p75: 2ms, p90: 3200us, p95: \
                     3600us, p99: 3920us, p999: 3992us, max: 4ms } }";
    let wanted =
        Scenario::read("plain.yaml", &with(quantiles)).unwrap_or_else(|said| panic!("{said}"));
    assert_same(&scenario, &wanted);
    let said = world.said(&with("{ data: { file: sizes.csv, column: ms } }"));
    assert_says(&said, &["suites/suite.yaml:5:"]);
}

#[test]
fn a_data_file_that_gives_no_values_is_told_with_its_line() {
    let world = FilesAround::default()
        .file("sizes.csv", SIZES)
        .file("bad.csv", "tokens\n10\nmany\n")
        .file("ragged.csv", "a,b\n1,2\n3\n")
        .file("empty.csv", "tokens\n")
        .file("minus.txt", "1\n-2\n")
        .file("bad.jsonl", "{\"t\": 1}\n{\"u\": 2}\n");
    let said = |data: &str| world.said(&sized(&format!("{{ data: {{ file: {data} }} }}")));
    assert_says(
        &said("sizes.csv, column: tokns"),
        &["there is no column `tokns`", "did you mean `tokens`?"],
    );
    assert_says(&said("sizes.csv"), &["there are 3 columns", "`when`, `tokens`, `ms`"]);
    assert_says(&said("bad.csv"), &["`bad.csv`: line 3: `many` is no number"]);
    assert_says(&said("ragged.csv, column: a"), &["`ragged.csv`: ", "line: 3"]);
    assert_says(&said("empty.csv"), &["no values"]);
    assert_says(&said("minus.txt"), &["line 2: `-2`"]);
    assert_says(&said("bad.jsonl"), &["write which by `column`"]);
    assert_says(&said("bad.jsonl, column: t"), &["line 2 has no `t`"]);
    assert_says(
        &said("none.csv"),
        &["`none.csv` cannot be read: no such file", "suites/suite.yaml:3:"],
    );
    assert_says(&said("sizes.csv, colum: tokens"), &["did you mean `column`?"]);
}
