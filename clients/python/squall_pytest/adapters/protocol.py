"""Requests and answers as lines of JSON, and errors of Python clients in Squall's words."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Optional, Union

#: The header in which the token of a request rides to the providers.
TOKEN_HEADER = "x-squall-token"


@dataclass(frozen=True)
class Request:
    """A line of standard input."""

    #: Whatever the answer is to be told by.
    id: Union[int, str]
    model: str
    #: Its first word is the token, so that a client which sends no header of its own is followed too.
    prompt: str
    stream: bool
    max_tokens: Optional[int]
    token: Optional[str]

    @property
    def messages(self) -> list[dict[str, str]]:
        """The prompt as the messages of a chat."""
        return [{"role": "user", "content": self.prompt}]

    @property
    def headers(self) -> dict[str, str]:
        """What is to be sent to providers beside the request."""
        return {TOKEN_HEADER: self.token} if self.token else {}

    @classmethod
    def read(cls, line: str) -> Request:
        """A line, or a `ValueError` that says what is wrong with it."""
        fields = json.loads(line)
        if not isinstance(fields, dict):
            raise ValueError(f"a request is an object, not {line.strip()[:40]}")
        try:
            return cls(
                id=_of_type(fields["id"], (int, str), "id"),
                model=_of_type(fields["model"], str, "model"),
                prompt=_of_type(fields["prompt"], str, "prompt"),
                stream=_of_type(fields.get("stream", False), bool, "stream"),
                max_tokens=_of_type(fields.get("max_tokens"), (int, type(None)), "max_tokens"),
                token=_of_type(fields.get("token"), (str, type(None)), "token"),
            )
        except KeyError as missing:
            raise ValueError(f"a request needs {missing}") from None


def _of_type(value: Any, kind: Any, name: str) -> Any:
    is_number = isinstance(value, bool) and kind is not bool
    if not isinstance(value, kind) or is_number:
        raise ValueError(f"`{name}` cannot be {json.dumps(value)[:40]}")
    return value


@dataclass
class Answer:
    """What has come of a request so far."""

    began: float = field(default_factory=time.monotonic)
    text: str = ""
    #: From the line of the request to the first text.
    ttft_ms: Optional[float] = None
    #: The model that the answer names.
    model: Optional[str] = None
    #: `input_tokens` and `output_tokens`, where they are told.
    usage: Optional[dict[str, int]] = None

    def add(self, text: Optional[str]) -> None:
        """More of the text."""
        if text:
            if self.ttft_ms is None:
                self.ttft_ms = round((time.monotonic() - self.began) * 1000, 3)
            self.text += text

    def uses(self, input_tokens: Optional[int], output_tokens: Optional[int]) -> None:
        """What the answer used, so far as it tells."""
        if input_tokens is not None and output_tokens is not None:
            self.usage = {"input_tokens": input_tokens, "output_tokens": output_tokens}

    def line(self, request: Optional[Request], error: Optional[BaseException]) -> dict[str, Any]:
        """The line of standard output."""
        status, failure = (200, None) if error is None else failure_of(error, bool(self.text))
        line = {
            "id": None if request is None else request.id,
            "ok": error is None,
            "status": status,
            "class": failure,
            "text": self.text,
            "ttft_ms": self.ttft_ms,
            "model": self.model,
            "usage": self.usage,
        }
        if error is not None:
            line["error"] = f"{type(error).__name__}: {error}"[:300]
        return line


def failure_of(error: BaseException, has_text: bool) -> tuple[Optional[int], str]:
    """The status of a failed answer, if it had one, and its class in Squall's words.

    The SDKs of OpenAI and Anthropic name their exceptions alike, and LangChain and LiteLLM raise these or children of
    them: the names tell, and no SDK needs to be there.
    """
    names = {parent.__name__ for parent in type(error).__mro__}
    status = getattr(error, "status_code", None)
    if names & {"APITimeoutError", "TimeoutError", "TimeoutException"}:
        return None, "stalled" if has_text else "timeout"
    if names & {"APIConnectionError", "ConnectionError", "TransportError"}:
        return None, "cut" if has_text else "connect"
    # An error event in a stream has the status of the stream, or none.
    told = _words(error)
    if "insufficient_quota" in told:
        return status, "quota_spent"
    if "context_length_exceeded" in told or "ContextWindowExceededError" in names:
        return status, "context_window"
    if "content_filter" in told or "content_policy" in told or "ContentPolicyViolationError" in names:
        return status, "content_policy"
    if isinstance(status, int) and status >= 400:
        return status, _class_of_status(status)
    if "overloaded" in told:
        return status, "overloaded"
    if "rate_limit" in told:
        return status, "throttled"
    if isinstance(error, ValueError):
        return status, "malformed"
    return status, "server"


def _words(error: BaseException) -> str:
    """What the body of an error says in words for programs."""
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else {}
    fields = inner if isinstance(inner, dict) else {}
    words = [fields.get("code"), fields.get("type"), getattr(error, "code", None), getattr(error, "type", None)]
    return " ".join(word for word in words if isinstance(word, str))


def _class_of_status(status: int) -> str:
    named = {401: "auth", 403: "auth", 404: "not_found", 413: "request_too_large", 429: "throttled"}
    named.update({408: "timeout", 503: "overloaded", 529: "overloaded", 504: "timeout"})
    return named.get(status, "server" if status >= 500 else "bad_request")


async def serve(ask: Callable[[Request, Answer], Awaitable[None]]) -> None:
    """Answers every line of standard input with `ask`, all at once, until the input ends and all are answered.

    `ask` puts what comes into the answer and raises what goes wrong. Whatever it prints goes to standard error.
    """
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    # What libraries print must not stand among the answers.
    os.dup2(2, 1)
    lines = _lines()
    under_way: set[asyncio.Task[None]] = set()
    while (line := await lines.get()) is not None:
        if line.strip():
            task = asyncio.create_task(_answer(ask, line, out))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)
    out.close()


async def _answer(ask: Callable[[Request, Answer], Awaitable[None]], line: str, out: Any) -> None:
    answer, request, error = Answer(), None, None
    try:
        request = Request.read(line)
        await ask(request, answer)
    except Exception as raised:
        error = raised
    told = answer.line(request, error)
    if request is None:
        told.update(status=None, **{"class": "bad_request"})
    out.write(json.dumps(told) + "\n")


def _lines() -> asyncio.Queue[Optional[str]]:
    """The lines of standard input, and nothing at its end. A thread reads them: not every system can wait for a pipe."""
    lines: asyncio.Queue[Optional[str]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, daemon=True).start()
    return lines
