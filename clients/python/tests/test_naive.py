"""Each finding with a client that deserves it and one that does not: nothing else is found of either."""

import naive
import pytest

#: Slow enough that a client which stops reading is seen to hang up before the end.
PACED = {"providers": {"slow": {"format": "openai", "ttft": "20ms", "itl": "50ms", "output_tokens": 16}}}

THROTTLED = "throttle: { retry_after: 1s }, first: 2, for: 10m"
DOWN = "error: 503, for: 10m"
SHORT = "bad_answer: no_end, first: 1, for: 10m"
SILENT = "stall: { after: 3, closes: 2s }, for: 10m"
GARBLED = "malformed_event: { after: 2 }, for: 10m"

#: The finding, the fault, a client with the findings of its own, and one without.
CASES = [
    ("retry_after_ignored", THROTTLED, naive.ignores_retry_after, naive.waits_as_told),
    ("retried_non_retryable", "error: auth, for: 10m", naive.repeats_everything, naive.repeats_what_passes),
    ("retry_storm", DOWN, naive.storms, naive.stops_after_three),
    ("truncated_stream_accepted", SHORT, naive.reads_to_the_end, naive.looks_for_the_finish),
    ("no_backoff", DOWN, naive.waits_the_same, naive.backs_off),
    ("gave_up", DOWN, naive.asks_once, naive.asks_again),
    ("no_read_timeout", SILENT, naive.waits_for_ever, naive.hangs_up_on_silence),
    ("malformed_event_ignored", GARBLED, naive.skips_what_it_cannot_read, naive.fails_on_what_it_cannot_read),
]


def run(mock, fault, client, prompt):
    mock.inject(fault)
    try:
        client(mock.base_url, prompt())
    except Exception:
        # How it ends for its caller is another question.
        pass
    return mock.findings()


@pytest.mark.squall(config=PACED)
@pytest.mark.parametrize(("finding", "fault", "bad", "_good"), CASES, ids=[case[0] for case in CASES])
def test_a_client_that_deserves_it(squall_mock, prompt, finding, fault, bad, _good):
    findings = run(squall_mock, fault, bad, prompt)
    # A stream that stood still for 2 s was closed by the mock in the end.
    other = {"no_read_timeout": ["gave_up"]}.get(finding, [])
    assert sorted(findings.found()) == sorted([finding, *other]), findings.table


@pytest.mark.squall(config=PACED)
@pytest.mark.parametrize(("finding", "fault", "_bad", "good"), CASES, ids=[case[0] for case in CASES])
def test_a_client_that_does_not(squall_mock, prompt, finding, fault, _bad, good):
    findings = run(squall_mock, fault, good, prompt)
    assert findings.result(finding) == "kept", findings.table
    assert findings.found() == [], findings.table


def test_a_client_that_hammers(squall_mock, prompt):
    """Three attempts at once; on a machine that stands still between two, once more."""
    for _ in range(3):
        findings = run(squall_mock, DOWN, naive.hammers, prompt)
        if "no_backoff" in findings.found():
            break
        squall_mock.reset()
    [finding] = findings.rules["no_backoff"].findings
    assert "at once" in finding.seen and len(finding.attempts) == 3
