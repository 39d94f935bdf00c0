"""The fixture: its configuration, its control, what it asserts, and how it fails."""

import json
import urllib.error
import urllib.request

import naive
import pytest

from squall_pytest import SquallError, SquallMock

TEXT = "providers:\n  eu: { format: openai, ttft: 10ms, itl: 1ms, output_tokens: 4 }\n"


def test_it_serves_two_vendors_unless_told_otherwise(squall_mock, prompt):
    assert list(squall_mock.providers) == ["openai", "anthropic"]
    assert naive.ask(squall_mock.base_url, prompt())
    assert squall_mock.url("openai").endswith("/v1") and not squall_mock.url("anthropic").endswith("/v1")
    findings = squall_mock.assert_no_findings(level="warning")
    assert (findings.attempts, findings.calls, findings.verdict) == (1, 1, "met")
    assert findings.result("gave_up") == "not tested"


@pytest.mark.squall(config={"providers": {"eu": {"format": "openai", "ttft": "10ms", "itl": "1ms"}}})
def test_a_mark_configures_one_test(squall_mock):
    assert list(squall_mock.providers) == ["eu"]


@pytest.mark.squall(fault="error: 503, for: 10m", max_attempts=1)
def test_a_mark_has_a_fault_from_the_start_and_a_limit_of_attempts(squall_mock, prompt):
    with pytest.raises(naive.Failed):
        naive.backs_off(squall_mock.base_url, prompt())
    assert squall_mock.findings().found("error") == ["retry_storm"]


class TestConfig:
    @pytest.fixture
    def squall_config(self):
        return TEXT

    def test_a_fixture_configures_all_tests_around_it(self, squall_mock):
        assert list(squall_mock.providers) == ["eu"]


def test_a_file_configures_it(tmp_path):
    (tmp_path / "mock.yaml").write_text(TEXT)
    with SquallMock(tmp_path / "mock.yaml") as mock:
        assert list(mock.providers) == ["eu"]


def test_faults_begin_end_and_are_reset_with_what_was_found(squall_mock, prompt):
    base = squall_mock.base_url
    assert squall_mock.inject("error: 503, for: 10m", "openai") == 0
    with pytest.raises(naive.Failed):
        naive.asks_once(base, prompt())
    squall_mock.end_faults()
    assert naive.ask(base, prompt())
    assert squall_mock.findings().found() == ["gave_up"]
    assert squall_mock.findings(client_done=False).result("gave_up") == "waiting"
    squall_mock.inject("error: 401, for: 10m")
    squall_mock.reset()
    assert naive.ask(base, prompt())
    assert squall_mock.findings().attempts == 1


def test_a_warning_fails_where_warnings_count_and_what_is_allowed_never(squall_mock, prompt):
    squall_mock.inject("error: 503, for: 10m")
    with pytest.raises(naive.Failed):
        naive.asks_once(squall_mock.base_url, prompt())
    squall_mock.assert_no_findings()
    with pytest.raises(AssertionError) as failed:
        squall_mock.assert_no_findings(level="warning")
    assert str(failed.value).startswith("found: gave_up\n") and "advice: " in str(failed.value)
    squall_mock.assert_no_findings(level="warning", allow=["gave_up"])
    squall_mock.assert_no_findings(level="warning", allow="gave_up")
    with pytest.raises(ValueError, match="no finding is called give_up; known: retry_after_ignored"):
        squall_mock.assert_no_findings(allow=["give_up"])
    with pytest.raises(ValueError, match="level is one of error, warning"):
        squall_mock.assert_no_findings(level="info")


def test_a_finding_has_its_evidence(squall_mock, prompt):
    squall_mock.inject("error: 401, for: 10m")
    with pytest.raises(naive.Failed):
        naive.repeats_everything(squall_mock.base_url, prompt())
    [finding] = squall_mock.findings()
    assert (finding.finding, finding.severity, finding.joined_by) == ("retried_non_retryable", "error", "body")
    assert [attempt["status"] for attempt in finding.attempts] == [401, 401, 401]
    assert [attempt["evidence"] for attempt in finding.attempts] == [True, True, False]
    assert not finding.suspected and "answered 401" in finding.seen and finding.advice


def test_a_client_that_was_not_seen_proves_nothing(squall_mock):
    with pytest.raises(AssertionError, match="no call could be judged: does the client ask http://"):
        squall_mock.assert_no_findings()


def test_what_is_wrong_is_told(squall_mock, tmp_path):
    with pytest.raises(SquallError, match="did you mean `error`"):
        squall_mock.inject("eror: 503, for: 10m")
    with pytest.raises(SquallError, match="no provider is called `nobody`"):
        squall_mock.inject("error: 503, for: 10m", "nobody")
    with pytest.raises(SquallError, match="no provider is called 'nobody'; known: openai, anthropic"):
        squall_mock.url("nobody")
    with pytest.raises(SquallError, match="started already"):
        squall_mock.start()
    with pytest.raises(SquallError, match="fromat"):
        SquallMock("providers: { eu: { fromat: openai } }").start()
    with pytest.raises(SquallError, match="nowhere.yaml is not there"):
        SquallMock(tmp_path / "nowhere.yaml").start()
    with pytest.raises(SquallError, match="SQUALL"):
        SquallMock(squall="no-such-binary").start()
    with pytest.raises(SquallError, match="has not been started"):
        SquallMock().findings()


def test_its_process_ends_with_it():
    mock = SquallMock()
    with mock:
        url = mock.base_url
        with urllib.request.urlopen(f"{url}/models") as answer:
            assert json.load(answer)["data"]
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{url}/models", timeout=10)


def test_a_test_fails_with_the_table(pytester, request):
    pytester.makepyfile(
        """
        import urllib.request, urllib.error, json, pytest

        @pytest.mark.squall(fault="error: 401, for: 10m")
        def test_client(squall_mock):
            body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
            for _ in range(2):
                with pytest.raises(urllib.error.HTTPError):
                    urllib.request.urlopen(squall_mock.base_url + "/chat/completions", body)
            squall_mock.assert_no_findings()

        @pytest.mark.squall(faults="error: 401, for: 10m")
        def test_mark(squall_mock):
            pass
        """
    )
    # Where the package is not installed, its plugin is loaded by its name.
    is_installed = request.config.pluginmanager.hasplugin("squall")
    result = pytester.runpytest_inprocess(*([] if is_installed else ["-p", "squall_pytest.plugin"]))
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(["*found: retried_non_retryable*", "*error: retried_non_retryable*"])
    result.stdout.fnmatch_lines(["*the mark `squall` takes config, fault, max_attempts by name*"])
