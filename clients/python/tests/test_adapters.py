"""The adapters as programs: lines in, lines out, with the retries and fallbacks of what they wrap."""

import json
import subprocess
import sys
import threading

import pytest

#: How long an adapter may run, in seconds.
PATIENCE = 120

TWO = {
    "providers": {
        "openai": {"format": "openai", "ttft": "20ms", "itl": "5ms"},
        "anthropic": {"format": "anthropic", "ttft": "20ms", "itl": "5ms"},
        "other": {"format": "openai", "ttft": "20ms", "itl": "5ms"},
    }
}
pytestmark = pytest.mark.squall(config=TWO)


def request(number, stream=False, tokens=5, **more):
    token = f"squall-{number}-10-{tokens}"
    return {
        "id": number,
        "model": "gpt-4o",
        "prompt": f"{token} How are you?",
        "stream": stream,
        "max_tokens": 100,
        "token": token,
        **more,
    }


class Adapter:
    """An adapter that runs, and is asked line by line."""

    def __init__(self, name, arguments):
        command = [sys.executable, "-m", f"squall_pytest.adapters.{name}", *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        # An answer that never comes is a failure, and no hang.
        self.watchdog = threading.Timer(PATIENCE, self.process.kill)
        self.watchdog.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.watchdog.cancel()
        self.process.kill()
        self.process.wait()

    def ask(self, *requests):
        """The answers by their id, in the order in which they come."""
        for each in requests:
            self.process.stdin.write((each if isinstance(each, str) else json.dumps(each)) + "\n")
        self.process.stdin.flush()
        answers = [json.loads(self.process.stdout.readline()) for _ in requests]
        return {answer["id"]: answer for answer in answers}

    def end(self):
        """What it says after the end of its input, and its exit code."""
        self.process.stdin.close()
        return self.process.stdout.read(), self.process.wait()


def adapted(name, mock, tmp_path, **options):
    """The name of an adapter and its arguments, in front of the mock."""
    flags = [word for flag, value in options.items() for word in (f"--{flag.replace('_', '-')}", str(value))]
    if name == "openai_sdk":
        pytest.importorskip("openai")
        return name, ["--base-url", mock.url("openai"), *flags]
    if name == "anthropic_sdk":
        pytest.importorskip("anthropic")
        return name, ["--base-url", mock.url("anthropic"), *flags]
    if name == "langchain_fallbacks":
        pytest.importorskip("langchain_openai")
        urls = ["--openai", mock.url("openai"), "--anthropic", f"claude-haiku-5-5={mock.url('anthropic')}"]
        return name, [*urls, *flags]
    pytest.importorskip("litellm")
    params = {"model": "openai/gpt-4o", "api_key": "sk-test"}
    groups = [("gpt-4o", "openai"), ("backup", "other")]
    config = {
        "model_list": [
            {"model_name": group, "litellm_params": {**params, "api_base": mock.url(provider)}}
            for group, provider in groups
        ],
        "litellm_settings": {"num_retries": 1, "drop_params": True},
        "router_settings": {"fallbacks": [{"gpt-4o": ["backup"]}], "timeout": options.get("timeout", 60)},
    }
    (tmp_path / "litellm.json").write_text(json.dumps(config))
    return name, ["--config", str(tmp_path / "litellm.json")]


ADAPTERS = ["openai_sdk", "anthropic_sdk", "langchain_fallbacks", "litellm_router"]
SDKS = ADAPTERS[:2]
ROUTERS = ADAPTERS[2:]


@pytest.mark.parametrize("name", ADAPTERS)
def test_requests_are_answered_as_they_come_in_one_piece_and_as_streams(name, squall_mock, tmp_path):
    with Adapter(*adapted(name, squall_mock, tmp_path)) as adapter:
        answers = adapter.ask(request(1), request(2, stream=True))
        for answer in answers.values():
            assert answer["ok"] and (answer["status"], answer["class"]) == (200, None), answer
            assert answer["text"].count(" ") == 5 and answer["model"], answer
            assert answer["usage"] == {"input_tokens": 10, "output_tokens": 5}, answer
            assert answer["ttft_ms"] >= 15, answer
        assert answers[1]["text"] == answers[2]["text"]
        findings = squall_mock.findings()
        assert (findings.attempts, findings.calls) == (2, 2)
        requests = [request(number) for number in range(3, 20)]
        answers = adapter.ask(request(0, stream=True, tokens=1_000), *requests)
        assert all(answer["ok"] for answer in answers.values())
        assert list(answers)[-1] == 0, "the longest comes last"
        assert adapter.end() == ("", 0)


@pytest.mark.parametrize("name", SDKS)
def test_an_sdk_tries_again_by_itself_and_its_attempts_bear_the_token(name, squall_mock, tmp_path):
    squall_mock.inject("error: 503, first: 1, for: 10m")
    with Adapter(*adapted(name, squall_mock, tmp_path)) as adapter:
        assert adapter.ask(request(7))[7]["ok"]
    findings = squall_mock.findings()
    assert (findings.attempts, findings.calls, findings.found()) == (2, 1, [])


@pytest.mark.parametrize("name", ROUTERS)
def test_a_router_falls_back_and_both_providers_see_the_token(name, squall_mock, tmp_path):
    squall_mock.inject("error: 401, for: 10m", "openai")
    with Adapter(*adapted(name, squall_mock, tmp_path)) as adapter:
        for number, stream in [(3, False), (4, True)]:
            answers = adapter.ask(request(number, stream=stream))
            assert answers[number]["ok"] and answers[number]["text"], answers
    findings = squall_mock.findings()
    assert findings.calls == 2 and findings.attempts >= 3, findings.table


CLASSES = [
    ("throttle: {}", False, (429, "throttled")),
    ("error: quota_spent", False, (None, "quota_spent")),
    ("error: overloaded", False, (None, "overloaded")),
    ("error: 500", False, (500, "server")),
    ("error: auth", False, (401, "auth")),
    ("error: not_found", False, (404, "not_found")),
    ("error: bad_request", False, (400, "bad_request")),
    ("reset: {}", False, (None, "connect")),
    ("cut: { after: 3 }", True, (None, "cut")),
    ("outage: blackhole", False, (None, "timeout")),
    ("stall: { after: 3 }", True, (None, "stalled")),
    ("malformed_event: { after: 3 }", True, (None, "malformed")),
]


@pytest.mark.parametrize("name", SDKS)
def test_a_failure_has_its_status_and_its_class(name, squall_mock, tmp_path):
    with Adapter(*adapted(name, squall_mock, tmp_path, max_retries=0, timeout=1)) as adapter:
        for number, (fault, stream, (status, failure)) in enumerate(CLASSES):
            squall_mock.reset()
            squall_mock.inject(f"{fault}, for: 10m")
            answer = adapter.ask(request(number, stream=stream))[number]
            # A 402 of Anthropic's is a request error to its SDK.
            is_402 = name == "anthropic_sdk" and failure == "quota_spent"
            expected = "bad_request" if is_402 else failure
            assert not answer["ok"] and answer["class"] == expected, (fault, answer)
            assert status is None or answer["status"] == status, (fault, answer)
            assert answer["error"], answer
            # What came before is not lost.
            assert bool(answer["text"]) == stream, (fault, answer)


@pytest.mark.parametrize("name", SDKS)
def test_a_line_that_is_no_request_is_answered_and_stops_nothing(name, squall_mock, tmp_path):
    with Adapter(*adapted(name, squall_mock, tmp_path)) as adapter:
        for line in ["{", "[]", json.dumps({"id": 1, "model": "m"}), json.dumps(request(1, stream="yes"))]:
            answers = adapter.ask(line, request(2))
            assert answers[None]["class"] == "bad_request" and answers[None]["error"], answers
            assert answers[2]["ok"]
