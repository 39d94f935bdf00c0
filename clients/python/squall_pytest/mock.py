"""A `squall mock` process: its start, its control and its end."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Optional, Union

from squall_pytest.findings import Findings

#: A path of a file, its text, or its content: YAML, of which JSON is a part.
Config = Union[str, "os.PathLike[str]", Mapping[str, Any]]

#: Two providers that are well: tokens come every 5 ms.
DEFAULT_CONFIG: dict[str, Any] = {
    "providers": {
        "openai": {"format": "openai", "ttft": "20ms", "itl": "5ms", "output_tokens": 16},
        "anthropic": {"format": "anthropic", "ttft": "20ms", "itl": "5ms", "output_tokens": 16},
    }
}

#: How long the binary may take to listen, an answer of its admin API, and its end, in seconds.
PATIENCE = 30.0

# The admin API is on this machine: no proxy of the environment is in between.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class SquallError(RuntimeError):
    """The mock could not be started, or would not do what it was asked for."""


class SquallMock:
    """Mock providers in a process of their own, on free ports unless the configuration names others.

    `config` is the path of a file, its text, or a mapping; `squall` is the binary, by default the environment variable
    `SQUALL` or `squall` on the path; `max_attempts` is the limit of the finding `retry_storm`, by default 10.
    """

    def __init__(
        self,
        config: Optional[Config] = None,
        *,
        squall: Optional[str] = None,
        max_attempts: Optional[int] = None,
    ):
        self._config = DEFAULT_CONFIG if config is None else config
        self._squall = squall
        self._max_attempts = max_attempts
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._folder: Optional[tempfile.TemporaryDirectory[str]] = None
        self._admin = ""
        #: The API of each provider by its name, such as `http://127.0.0.1:41234/v1`.
        self.providers: dict[str, str] = {}

    def __enter__(self) -> SquallMock:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts the process, and returns once all providers listen."""
        if self._process is not None:
            raise SquallError("the mock has been started already")
        binary = _binary(self._squall)
        self._folder = tempfile.TemporaryDirectory(prefix="squall-")
        try:
            self._process = self._spawn(binary, Path(self._folder.name))
            announced = self._announcement()
        except BaseException:
            self.stop()
            raise
        self.providers = {each["name"]: each["url"] for each in announced["providers"]}
        self._admin = announced["control"].rstrip("/")

    def _spawn(self, binary: str, folder: Path) -> subprocess.Popen[bytes]:
        command = [binary, "mock", "--config", str(_config_file(self._config, folder))]
        command += ["--admin", "127.0.0.1:0", "--findings", str(folder / "findings.json")]
        command += ["--log", "off", "--json", "--color", "never"]
        if self._max_attempts is not None:
            command += ["--max-attempts", str(self._max_attempts)]
        with open(folder / "stderr", "wb") as stderr:
            environment = {name: value for name, value in os.environ.items() if name != "SQUALL_ADMIN_TOKEN"}
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, env=environment
            )

    def _announcement(self) -> dict[str, Any]:
        """The document that the process prints once it listens."""
        assert self._process is not None and self._process.stdout is not None
        documents: queue.Queue[Optional[dict[str, Any]]] = queue.Queue()
        # It reads on until the end: a full pipe would hold the process up.
        reader = threading.Thread(target=_read, args=(self._process.stdout, documents), daemon=True)
        reader.start()
        try:
            document = documents.get(timeout=PATIENCE)
        except queue.Empty:
            raise SquallError(f"`squall mock` does not listen after {PATIENCE:.0f} s: {self._said()}") from None
        if document is None or document.get("error"):
            self._process.wait(PATIENCE)
            raise SquallError(f"`squall mock` could not be started: {self._said()}")
        return document["result"]

    def _said(self) -> str:
        assert self._folder is not None
        said = (Path(self._folder.name) / "stderr").read_text(encoding="utf-8", errors="replace").strip()
        return said or "it said nothing"

    def stop(self) -> None:
        """Ends the process. Does nothing if there is none."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def url(self, provider: Optional[str] = None) -> str:
        """The base URL of a provider, as the SDK of its vendor wants it; of the first one without a name."""
        url = self._named(provider)
        # The other SDKs add the version themselves.
        return url if self._format_of(provider) == "openai" else _origin(url)

    @property
    def base_url(self) -> str:
        """The base URL of the first provider: `http://127.0.0.1:41234/v1` for an OpenAI client."""
        return self.url()

    def _named(self, provider: Optional[str]) -> str:
        if not self.providers:
            raise SquallError("the mock has not been started")
        if provider is None:
            return next(iter(self.providers.values()))
        if provider not in self.providers:
            raise SquallError(f"no provider is called {provider!r}; known: {', '.join(self.providers)}")
        return self.providers[provider]

    def _format_of(self, provider: Optional[str]) -> str:
        name = provider or next(iter(self.providers))
        return next(each["format"] for each in self._ask("providers") if each["name"] == name)

    def inject(self, fault: str, provider: Optional[str] = None) -> int:
        """Begins a fault in the syntax of a scenario file, such as `error: 503, for: 10m, first: 2`.

        At one provider, or at all of them. Returns its number.
        """
        body = {"providers": _list(provider), "fault": fault}
        return self._ask("inject", body)[0]["fault"]

    def end_faults(self, provider: Optional[str] = None) -> None:
        """Ends the faults that are active, at one provider or at all of them."""
        self._ask("end", {"providers": _list(provider)})

    def reset(self, provider: Optional[str] = None) -> None:
        """Ends all faults, refills the limits, and forgets attempts: at one provider or at all of them."""
        self._ask("reset", {"providers": _list(provider)})

    def findings(self, *, client_done: bool = True) -> Findings:
        """What the client did wrong so far.

        With `client_done=False` a call that may still be tried again is not counted as given up yet.
        """
        return Findings(self._ask(f"findings?client_done={str(client_done).lower()}"))

    def assert_no_findings(self, level: str = "error", allow: Iterable[str] = ()) -> Findings:
        """Fails with the table of findings if the client did something wrong.

        With `level="warning"` for warnings too. `allow` names findings that are no failure. A client that was not seen
        at all fails as well: nothing is known of it.
        """
        __tracebackhide__ = True
        findings = self.findings()
        found = findings.found(level, allow)
        if found:
            raise AssertionError(f"found: {', '.join(found)}\n\n{findings.table}")
        if findings.calls == findings.ambiguous_calls:
            raise AssertionError(f"no call could be judged: does the client ask {self.base_url}?\n\n{findings.table}")
        return findings

    def _ask(self, what: str, body: Optional[dict[str, Any]] = None) -> Any:
        if self._process is None:
            raise SquallError("the mock has not been started")
        request = urllib.request.Request(f"{self._admin}/api/v1/{what}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("content-type", "application/json")
        try:
            with _OPENER.open(request, timeout=PATIENCE) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise SquallError(json.load(error)["error"]) from None
        except OSError as error:
            raise SquallError(f"the admin API does not answer: {error}; {self._said()}") from None


def _binary(squall: Optional[str]) -> str:
    wanted = squall or os.environ.get("SQUALL") or "squall"
    found = shutil.which(wanted)
    if found is None:
        raise SquallError(
            f"`{wanted}` is not there: build it with `cargo build --release -p squall`, and put it on the path or "
            "name it in the environment variable SQUALL"
        )
    return found


def _config_file(config: Config, folder: Path) -> Path:
    if isinstance(config, Mapping):
        text = json.dumps(config)
    elif isinstance(config, str) and ("\n" in config or "{" in config):
        text = config
    else:
        path = Path(config)
        if not path.is_file():
            raise SquallError(f"the configuration {path} is not there")
        return path
    path = folder / "mock.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def _read(stdout: Any, documents: queue.Queue[Optional[dict[str, Any]]]) -> None:
    """Gives the first document, or nothing if there is none, and reads on."""
    text, is_given = b"", False
    for line in stdout:
        if is_given:
            continue
        text += line
        try:
            documents.put(json.loads(text))
            is_given = True
        except ValueError:
            pass
    stdout.close()
    if not is_given:
        documents.put(None)


def _list(provider: Optional[str]) -> Optional[list[str]]:
    return None if provider is None else [provider]


def _origin(url: str) -> str:
    return "/".join(url.split("/")[:3])
