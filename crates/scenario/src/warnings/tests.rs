//! Files of before a name changed.

use super::warnings;
use crate::model::GatewayFile;
use squall_router::UnavailablePolicy;

const FILE: &str = "\
providers: { a: { base_url: 'http://127.0.0.1:1/v1' } }
router:
  groups:
    chat:
      when_all_out: use_all
      deployments: [ { name: a, provider: a } ]
";

#[test]
fn a_former_name_and_a_former_word_are_read_as_what_they_are_called_now() {
    let file = GatewayFile::read("file.yaml", FILE).unwrap();
    assert_eq!(file.router.groups[0].when_unavailable, UnavailablePolicy::Panic);
}

#[test]
fn each_former_name_is_a_warning_at_its_place_that_says_what_to_write() {
    let warnings = warnings("file.yaml", FILE).unwrap();
    insta::assert_snapshot!(warnings);
}

#[test]
fn a_file_of_today_has_no_warnings_and_a_broken_one_only_its_mistakes() {
    let now = FILE.replace("when_all_out: use_all", "when_unavailable: panic");
    assert_eq!(warnings("file.yaml", &now), None);
    assert_eq!(warnings("file.yaml", "router: ["), None);
    assert_eq!(warnings("file.yaml", ""), None);
}

#[test]
fn a_former_name_beside_its_successor_is_a_mistake() {
    let both = FILE.replace("use_all", "wait\n      when_unavailable: fail");
    let problems = GatewayFile::read("file.yaml", &both).unwrap_err();
    let message = "`when_all_out` is called `when_unavailable` now";
    let problem = &problems.problems()[0];
    assert_eq!((problem.message.as_str(), problems.problems().len()), (message, 1));
    assert_eq!(problem.help.as_deref(), Some("remove `when_all_out`"));
}
