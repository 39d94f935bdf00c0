"""The SDKs of OpenAI and Anthropic, as they come: what is found of each under each fault.

What they do stands in their sources (`_should_retry`, `_calculate_retry_timeout`, `_constants`): two retries of 408, 409,
429, 5xx and broken connections, at the head of an answer alone, with exponential backoff and jitter, and as told by
Retry-After; a time limit of 600 s.
"""

import pytest

openai = pytest.importorskip("openai")
anthropic = pytest.importorskip("anthropic")

PACED = {
    "providers": {
        name: {"format": name, "ttft": "20ms", "itl": "50ms", "output_tokens": 16}
        for name in ("openai", "anthropic")
    }
}


def ask_openai(mock, prompt, stream, **options):
    with openai.OpenAI(base_url=mock.url("openai"), api_key="sk-test", **options) as client:
        answer = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": prompt}], stream=stream
        )
        if stream:
            for _ in answer:
                pass


def ask_anthropic(mock, prompt, stream, **options):
    with anthropic.Anthropic(base_url=mock.url("anthropic"), api_key="sk-test", **options) as client:
        answer = client.messages.create(
            model="claude-haiku-5-5",
            max_tokens=100,
            messages=[{"role": "user", "content": prompt}],
            stream=stream,
        )
        if stream:
            for _ in answer:
                pass


SDKS = {"openai": ask_openai, "anthropic": ask_anthropic}

RETRIES = ["gave_up", "no_backoff", "retry_storm"]
OBEYS = ["gave_up", "retry_after_ignored", "retry_storm"]

#: A name, the fault, whether it is a stream, options of the client, what is found, and what is kept.
CASES = [
    ("well", None, False, {}, [], []),
    ("well-stream", None, True, {}, [], []),
    ("told-to-wait", "throttle: { retry_after: 1s }, first: 2", False, {}, [], OBEYS),
    ("throttled", "throttle: {}", False, {}, [], RETRIES),
    ("overloaded", "error: overloaded", False, {}, [], RETRIES),
    ("server", "error: 500", True, {}, [], RETRIES),
    ("reset", "reset: {}", False, {}, [], RETRIES),
    ("no-retries", "error: 503", False, {"max_retries": 0}, ["gave_up"], []),
    ("twelve-attempts", "throttle: { retry_after: 100ms }", False, {"max_retries": 11}, ["retry_storm"], OBEYS[:2]),
    ("auth", "error: auth", False, {}, [], ["retried_non_retryable"]),
    ("forbidden", "error: 403", False, {}, [], ["retried_non_retryable"]),
    ("not-found", "error: not_found", False, {}, [], ["retried_non_retryable"]),
    ("bad-request", "error: bad_request", False, {}, [], ["retried_non_retryable"]),
    ("unprocessable", "error: 422", False, {}, [], ["retried_non_retryable"]),
    ("cut", "cut: { after: 3 }", True, {}, ["gave_up"], []),
    ("stream-error", "stream_error: { after: 3, class: overloaded }", True, {}, ["gave_up"], []),
    ("no-end", "bad_answer: no_end", True, {}, ["truncated_stream_accepted"], []),
    ("truncated", "bad_answer: truncated", True, {}, ["truncated_stream_accepted"], []),
    ("empty", "bad_answer: empty", True, {}, ["truncated_stream_accepted"], []),
    ("malformed-event", "malformed_event: { after: 3 }", True, {}, [], ["malformed_event_ignored"]),
    ("silence", "stall: { after: 3, closes: 1500ms }", True, {}, ["gave_up", "no_read_timeout"], []),
    ("silence-with-a-limit", "stall: { after: 3 }", True, {"timeout": 0.5}, [], ["no_read_timeout"]),
    ("no-answer-with-a-limit", "outage: blackhole", False, {"timeout": 0.5}, [], ["no_read_timeout", "retry_storm"]),
]


@pytest.mark.squall(config=PACED)
@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize(
    ("fault", "stream", "options", "found", "kept"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_an_sdk(squall_mock, prompt, sdk, fault, stream, options, found, kept):
    if fault:
        squall_mock.inject(f"{fault}, for: 10m")
    try:
        SDKS[sdk](squall_mock, prompt(), stream, **options)
    except Exception:
        # What it raises is the business of the suite `clients`.
        pass
    findings = squall_mock.findings()
    assert sorted(findings.found()) == sorted(found), findings.table
    tested = [name for name, rule in findings.rules.items() if rule.result == "kept"]
    assert sorted(tested) == sorted(kept), findings.table
