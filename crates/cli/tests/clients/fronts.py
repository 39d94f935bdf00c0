"""The official clients of Anthropic, OpenAI, Azure and Google in front of a gateway, with providers of every format behind it.

    fronts.py GATEWAY

GATEWAY is the base URL of a gateway with the groups that `fronts.rs` sets up: `FORMAT-CASE` has a provider of that
format that does that. Whatever is behind, each client must be told the same in its own vendor's words.
"""

import json
import sys
import traceback
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import anthropic
import openai
from google import genai
from google.genai import errors as google_errors
from google.genai import types as google_types

BACKS = ("openai", "azure", "anthropic", "gemini")
TIMEOUT = 30.0
PROMPT = "How are you?"
# What the mock provider says in eight tokens.
WORDS = 8
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
}


def check(is_so, what):
    if not is_so:
        raise AssertionError(what)


def same(seen, expected, what):
    check(seen == expected, f"{what}: {seen!r} where {expected!r} was expected")


def fits(arguments):
    """Whether the arguments of a call fit SCHEMA."""
    city, days = arguments.get("city"), arguments.get("days")
    check(isinstance(city, str) and type(days) is int, f"arguments {arguments}")


class AnthropicFront:
    """Anthropic's client, which speaks messages."""

    name = "anthropic"
    errors = {
        "throttled": (anthropic.RateLimitError, 429, "rate_limit_error"),
        "overloaded": (anthropic.OverloadedError, 529, "overloaded_error"),
        "bad-request": (anthropic.BadRequestError, 400, "invalid_request_error"),
        "not-found": (anthropic.NotFoundError, 404, "not_found_error"),
        "server": (anthropic.InternalServerError, 500, "api_error"),
        # The key is the gateway's, and no fault of its client's.
        "auth": (anthropic.AuthenticationError, 401, "authentication_error"),
        "unknown-model": (anthropic.NotFoundError, 404, "not_found_error"),
        "wrong-key": (anthropic.AuthenticationError, 401, "authentication_error"),
        "cooling": (anthropic.OverloadedError, 529, "overloaded_error"),
    }
    failures = anthropic.APIStatusError
    cut = anthropic.APIStatusError
    path = "/v1/messages"

    def __init__(self, gateway, key="sk-team"):
        self.client = anthropic.Anthropic(
            base_url=gateway, api_key=key, max_retries=0, timeout=TIMEOUT
        )

    def ask(self, model, stream, **more):
        messages = more.pop("messages", [{"role": "user", "content": PROMPT}])
        more = {"model": model, "max_tokens": 64, "messages": messages, **more}
        if not stream:
            return self.client.messages.create(**more)
        with self.client.messages.stream(**more) as events:
            for _ in events:
                pass
            return events.get_final_message()

    @staticmethod
    def read(message):
        """Text, tokens of the prompt and of the answer, and why it ended."""
        text = "".join(block.text for block in message.content if block.type == "text")
        usage = message.usage
        return text, usage.input_tokens, usage.output_tokens, message.stop_reason

    def text(self, model, stream):
        message = self.ask(model, stream)
        same((message.type, message.role), ("message", "assistant"), "what it is")
        check(message.id.startswith("msg_"), f"id {message.id}")
        text, tokens_in, tokens_out, end = self.read(message)
        same(end, "end_turn", "why it ended")
        return text, tokens_in, tokens_out

    def short(self, model, stream):
        message = self.ask(model, stream, max_tokens=3)
        same(message.stop_reason, "max_tokens", "why it ended")

    def tool(self, model, stream):
        """A call, and the answer to what it gave back."""
        tools = [{"name": "weather", "description": "?", "input_schema": SCHEMA}]
        message = self.ask(model, stream, tools=tools, tool_choice={"type": "any"})
        same(message.stop_reason, "tool_use", "why it ended")
        calls = [block for block in message.content if block.type == "tool_use"]
        same([call.name for call in calls], ["weather"], "the calls")
        fits(calls[0].input)
        check(calls[0].id, "a call without an id")
        result = {"type": "tool_result", "tool_use_id": calls[0].id, "content": "rain"}
        history = [
            {"role": "user", "content": PROMPT},
            {"role": "assistant", "content": message.content},
            {"role": "user", "content": [result]},
        ]
        return self.read(self.ask(model, stream, messages=history, tools=tools))[0]

    def thinks(self, model, stream):
        thinking = {"type": "enabled", "budget_tokens": 1024}
        message = self.ask(model, stream, max_tokens=2048, thinking=thinking)
        return [block.type for block in message.content]

    def schema(self, model, stream):
        config = {"format": {"type": "json_schema", "schema": SCHEMA}}
        fits(json.loads(self.read(self.ask(model, stream, output_config=config))[0]))

    @staticmethod
    def kind(error):
        return error.status_code, error.body["error"]["type"]

    @staticmethod
    def wait(error):
        return error.response.headers.get("retry-after")

    def models(self):
        listed = [model.id for model in self.client.models.list()]
        check("openai-well" in listed, f"models {listed}")
        same(self.client.models.retrieve("openai-well").id, "openai-well", "a model")

    def own(self):
        """What only this API has."""
        counted = self.client.messages.count_tokens(
            model="gemini-well", messages=[{"role": "user", "content": "x" * 400}]
        )
        check(90 <= counted.input_tokens <= 120, f"counted {counted.input_tokens}")
        # A tool that the vendor runs can be asked of the vendor alone.
        search = [{"type": "web_search_20250305", "name": "web_search"}]
        same(self.ask("anthropic-well", False, tools=search).role, "assistant", "a native tool")
        try:
            self.ask("openai-well", False, tools=search)
            raise AssertionError("a tool of Anthropic's was asked of OpenAI")
        except anthropic.BadRequestError as error:
            check("web_search" in error.message, error.message)


class ResponsesFront:
    """OpenAI's client, which speaks responses."""

    name = "responses"
    errors = {
        "throttled": (openai.RateLimitError, 429),
        "overloaded": (openai.InternalServerError, 503),
        "bad-request": (openai.BadRequestError, 400),
        "not-found": (openai.NotFoundError, 404),
        "server": (openai.InternalServerError, 500),
        "auth": (openai.AuthenticationError, 401),
        "unknown-model": (openai.NotFoundError, 404),
        "wrong-key": (openai.AuthenticationError, 401),
        "cooling": (openai.InternalServerError, 503),
    }
    failures = openai.APIStatusError
    cut = openai.APIError
    path = "/v1/responses"

    def __init__(self, gateway, key="sk-team"):
        self.client = openai.OpenAI(
            base_url=f"{gateway}/v1", api_key=key, max_retries=0, timeout=TIMEOUT
        )

    def ask(self, model, stream, **more):
        more = {"model": model, "input": PROMPT, **more}
        if not stream:
            return self.client.responses.create(**more)
        text, last, number = "", None, -1
        for event in self.client.responses.create(stream=True, **more):
            same(event.sequence_number, number + 1, "the number of an event")
            number = event.sequence_number
            if event.type == "error":
                raise openai.APIError(event.message, None, body=None)
            if event.type == "response.output_text.delta":
                text += event.delta
            last = event
        check(last.type in ("response.completed", "response.incomplete"), f"the last event {last.type}")
        same(text, last.response.output_text, "the parts beside the whole")
        return last.response

    def text(self, model, stream):
        answer = self.ask(model, stream)
        same((answer.object, answer.status), ("response", "completed"), "what it is")
        check(answer.id.startswith("resp_"), f"id {answer.id}")
        return answer.output_text, answer.usage.input_tokens, answer.usage.output_tokens

    def short(self, model, stream):
        answer = self.ask(model, stream, max_output_tokens=3)
        same(answer.status, "incomplete", "how it ended")
        same(answer.incomplete_details.reason, "max_output_tokens", "why it ended")

    def tool(self, model, stream):
        tools = [{"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}]
        answer = self.ask(model, stream, tools=tools, tool_choice="required")
        calls = [item for item in answer.output if item.type == "function_call"]
        same([call.name for call in calls], ["weather"], "the calls")
        fits(json.loads(calls[0].arguments))
        result = {"type": "function_call_output", "call_id": calls[0].call_id, "output": "rain"}
        history = [{"role": "user", "content": PROMPT}, *answer.output, result]
        return self.ask(model, stream, input=history, tools=tools).output_text

    def thinks(self, model, stream):
        answer = self.ask(model, stream, reasoning={"effort": "low"}, max_output_tokens=4096)
        return [item.type for item in answer.output]

    def schema(self, model, stream):
        form = {"type": "json_schema", "name": "trip", "schema": SCHEMA}
        fits(json.loads(self.ask(model, stream, text={"format": form}).output_text))

    @staticmethod
    def kind(error):
        return (error.status_code,)

    @staticmethod
    def wait(error):
        return error.response.headers.get("retry-after")

    def models(self):
        listed = [model.id for model in self.client.models.list()]
        check("openai-well" in listed, f"models {listed}")
        same(self.client.models.retrieve("openai-well").id, "openai-well", "a model")

    def own(self):
        """What needs a server that remembers is asked of OpenAI alone, and refused in plain words elsewhere."""
        check(self.ask("openai-well", False, previous_response_id="resp_1").output_text, "an answer")
        for more in ({"previous_response_id": "resp_1"}, {"store": True}, {"tools": [{"type": "web_search"}]}):
            try:
                self.ask("anthropic-well", False, **more)
                raise AssertionError(f"{more} was asked of Anthropic")
            except openai.BadRequestError as error:
                same(error.param, next(iter(more)), error.message)


class AzureFront:
    """Azure's client, which speaks chats at the paths of deployments."""

    name = "azure"
    errors = {
        "throttled": (openai.RateLimitError, 429),
        "overloaded": (openai.InternalServerError, 503),
        "bad-request": (openai.BadRequestError, 400),
        "not-found": (openai.NotFoundError, 404),
        "server": (openai.InternalServerError, 500),
        "auth": (openai.AuthenticationError, 401),
        "unknown-model": (openai.NotFoundError, 404),
        "wrong-key": (openai.AuthenticationError, 401),
        "cooling": (openai.InternalServerError, 503),
    }
    failures = openai.APIStatusError
    cut = openai.APIError
    path = "/openai/deployments/openai-well/chat/completions"

    def __init__(self, gateway, key="sk-team"):
        self.client = openai.AzureOpenAI(
            azure_endpoint=gateway, api_version="2024-10-21", api_key=key, max_retries=0, timeout=TIMEOUT
        )

    def ask(self, model, stream, **more):
        messages = more.pop("messages", [{"role": "user", "content": PROMPT}])
        more = {"model": model, "messages": messages, **more}
        if not stream:
            return self.client.chat.completions.create(**more)
        with self.client.chat.completions.stream(stream_options={"include_usage": True}, **more) as events:
            for _ in events:
                pass
            return events.get_final_completion()

    def text(self, model, stream):
        answer = self.ask(model, stream)
        same(answer.choices[0].finish_reason, "stop", "why it ended")
        usage = answer.usage
        return answer.choices[0].message.content, usage.prompt_tokens, usage.completion_tokens

    def short(self, model, stream):
        try:
            answer = self.ask(model, stream, max_tokens=3)
            same(answer.choices[0].finish_reason, "length", "why it ended")
        except openai.LengthFinishReasonError:
            check(stream, "only the helper for streams raises it")

    def tool(self, model, stream):
        function = {"name": "weather", "parameters": SCHEMA}
        tools = [{"type": "function", "function": function}]
        message = self.ask(model, stream, tools=tools, tool_choice="required").choices[0].message
        same([call.function.name for call in message.tool_calls], ["weather"], "the calls")
        call = message.tool_calls[0]
        fits(json.loads(call.function.arguments))
        called = {"id": call.id, "type": "function", "function": {"name": "weather", "arguments": call.function.arguments}}
        history = [
            {"role": "user", "content": PROMPT},
            {"role": "assistant", "content": None, "tool_calls": [called]},
            {"role": "tool", "tool_call_id": call.id, "content": "rain"},
        ]
        return self.ask(model, stream, messages=history, tools=tools).choices[0].message.content

    def thinks(self, model, stream):
        return bool(self.ask(model, stream, reasoning_effort="low").choices[0].message.content)

    def schema(self, model, stream):
        form = {"type": "json_schema", "json_schema": {"name": "trip", "schema": SCHEMA}}
        fits(json.loads(self.ask(model, stream, response_format=form).choices[0].message.content))

    @staticmethod
    def kind(error):
        return (error.status_code,)

    @staticmethod
    def wait(error):
        return error.response.headers.get("retry-after")

    def models(self):
        listed = [model.id for model in self.client.models.list()]
        check("openai-well" in listed, f"models {listed}")

    def own(self):
        """The paths of its other operations."""
        vectors = self.client.embeddings.create(model="openai-well", input=["a", "b"])
        same(len(vectors.data), 2, "vectors")
        check(self.client.completions.create(model="azure-well", prompt="say").choices[0].text, "a text")


class GeminiFront:
    """Google's client, which speaks contents."""

    name = "gemini"
    errors = {
        "throttled": (google_errors.ClientError, 429, "RESOURCE_EXHAUSTED"),
        "overloaded": (google_errors.ServerError, 503, "UNAVAILABLE"),
        "bad-request": (google_errors.ClientError, 400, "INVALID_ARGUMENT"),
        "not-found": (google_errors.ClientError, 404, "NOT_FOUND"),
        "server": (google_errors.ServerError, 500, "INTERNAL"),
        "auth": (google_errors.ClientError, 401, "UNAUTHENTICATED"),
        "unknown-model": (google_errors.ClientError, 404, "NOT_FOUND"),
        "wrong-key": (google_errors.ClientError, 401, "UNAUTHENTICATED"),
        "cooling": (google_errors.ServerError, 503, "UNAVAILABLE"),
    }
    failures = google_errors.APIError
    cut = google_errors.APIError
    path = "/v1beta/models/openai-well:generateContent"

    def __init__(self, gateway, key="sk-team"):
        options = google_types.HttpOptions(base_url=gateway, timeout=int(TIMEOUT * 1000))
        self.client = genai.Client(api_key=key, http_options=options)
        self.gateway = gateway

    def ask(self, model, stream, contents=PROMPT, **config):
        """The parts, why it ended, and the usage."""
        config = google_types.GenerateContentConfig(**config)
        if not stream:
            chunks = [self.client.models.generate_content(model=model, contents=contents, config=config)]
        else:
            chunks = list(
                self.client.models.generate_content_stream(model=model, contents=contents, config=config)
            )
            check(len(chunks) > 1 or not chunks[0].text, "a stream in one piece")
        parts = [
            part
            for chunk in chunks
            for part in (chunk.candidates[0].content.parts or [] if chunk.candidates else [])
        ]
        last = chunks[-1]
        return parts, last.candidates[0].finish_reason.name, last.usage_metadata

    def text(self, model, stream):
        parts, end, usage = self.ask(model, stream)
        same(end, "STOP", "why it ended")
        text = "".join(part.text for part in parts if part.text)
        return text, usage.prompt_token_count, usage.candidates_token_count

    def short(self, model, stream):
        same(self.ask(model, stream, max_output_tokens=3)[1], "MAX_TOKENS", "why it ended")

    def tool(self, model, stream):
        function = google_types.FunctionDeclaration(
            name="weather",
            description="?",
            parameters={
                "type": "OBJECT",
                "properties": {"city": {"type": "STRING"}, "days": {"type": "INTEGER"}},
                "required": ["city", "days"],
            },
        )
        tools = [google_types.Tool(function_declarations=[function])]
        forced = google_types.ToolConfig(
            function_calling_config=google_types.FunctionCallingConfig(mode="ANY")
        )
        parts = self.ask(model, stream, tools=tools, tool_config=forced)[0]
        calls = [part for part in parts if part.function_call]
        same([call.function_call.name for call in calls], ["weather"], "the calls")
        fits(calls[0].function_call.args)
        result = google_types.Part.from_function_response(name="weather", response={"sky": "rain"})
        history = [
            google_types.Content(role="user", parts=[google_types.Part(text=PROMPT)]),
            google_types.Content(role="model", parts=calls),
            google_types.Content(role="user", parts=[result]),
        ]
        parts = self.ask(model, stream, contents=history, tools=tools)[0]
        return "".join(part.text for part in parts if part.text)

    def thinks(self, model, stream):
        thinking = google_types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
        parts = self.ask(model, stream, thinking_config=thinking, max_output_tokens=4096)[0]
        return any(part.thought for part in parts)

    def schema(self, model, stream):
        parts = self.ask(
            model, stream, response_mime_type="application/json", response_json_schema=SCHEMA
        )[0]
        fits(json.loads("".join(part.text for part in parts if part.text)))

    @staticmethod
    def kind(error):
        return error.code, error.status

    @staticmethod
    def wait(error):
        details = error.details["error"].get("details", [])
        delays = [detail["retryDelay"] for detail in details if "retryDelay" in detail]
        return delays[0].removesuffix("s") if delays else error.response.headers.get("retry-after")

    def models(self):
        listed = [model.name for model in self.client.models.list()]
        check("models/openai-well" in listed, f"models {listed}")
        same(self.client.models.get(model="openai-well").name, "models/openai-well", "a model")

    def own(self):
        """What only this API has."""
        counted = self.client.models.count_tokens(model="openai-well", contents="x" * 400)
        check(90 <= counted.total_tokens <= 120, f"counted {counted}")
        self.listed()
        search = [google_types.Tool(google_search=google_types.GoogleSearch())]
        check(self.ask("gemini-well", False, tools=search)[0], "an answer")
        try:
            self.ask("openai-well", False, tools=search)
            raise AssertionError("a tool of Google's was asked of OpenAI")
        except google_errors.ClientError as error:
            check("googleSearch" in error.message, error.message)

    def listed(self):
        """Without `alt=sse` a stream is one list of JSON, as its events are."""
        body = json.dumps({"contents": [{"parts": [{"text": PROMPT}]}]}).encode()
        path = "/v1beta/models/openai-well:streamGenerateContent"
        status, told = sent(self.gateway, path, body)
        same(status, 200, f"{told}")
        text = "".join(part["text"] for each in told for part in each["candidates"][0]["content"].get("parts", []))
        same(text, self.text("openai-well", True)[0], "the list beside the stream")
        check(len(told) > 2 and told[-1]["usageMetadata"]["candidatesTokenCount"] == WORDS, f"{told[-1]}")
        status, told = sent(self.gateway, path.replace("-well", "-throttled"), body)
        same((status, told["error"]["status"]), (429, "RESOURCE_EXHAUSTED"), f"{told}")


FRONTS = (AnthropicFront, ResponsesFront, AzureFront, GeminiFront)


def raised(front, ask, case):
    expected, *words = front.errors[case]
    try:
        ask()
    except front.failures as error:
        same(type(error).__name__, expected.__name__, case)
        status, *kind = front.kind(error)
        # Anthropic's own number for it passes as it came.
        same([503 if status == 529 else status, *kind], [503 if words[0] == 529 else words[0], *words[1:]], case)
        return error
    raise AssertionError(f"{case}: nothing was raised")


def answers(front, back):
    """A whole answer and a stream say the same, of the same length."""
    model = f"{back}-well"
    whole, streamed = front.text(model, False), front.text(model, True)
    check(len(whole[0]) > 20, f"text {whole[0]!r}")
    same(streamed, whole, "the stream beside the whole")
    same(whole[2], WORDS, "tokens of the answer")
    check(whole[1] > 0, "tokens of the prompt")
    for stream in (False, True):
        front.short(model, stream)


def tools(front, back):
    for stream in (False, True):
        check(front.tool(f"{back}-well", stream), "an answer to a tool's result")
        front.schema(f"{back}-well", stream)


def thoughts(front, back):
    whole, streamed = (front.thinks(f"{back}-thinks", stream) for stream in (False, True))
    same(streamed, whole, "the stream beside the whole")


def errors(front, back):
    for case in ("throttled", "overloaded", "bad-request", "not-found", "server", "auth"):
        # How a provider refuses a stream does not depend on its format.
        for stream in (False, True) if back == "openai" else (False,):
            error = raised(front, lambda: front.ask(f"{back}-{case}", stream), case)
            if case == "throttled":
                check(int(front.wait(error)) in range(5, 8), f"Retry-After {front.wait(error)}")
    for case in ("cut", "stream-error"):
        try:
            front.ask(f"{back}-{case}", True)
        except front.cut:
            continue
        raise AssertionError(f"{case}: the stream ended as if nothing had happened")


def moves(front, back):
    """From one format to another: before the first token, and in the middle of a stream."""
    for stream in (False, True):
        text = front.text(f"{back}-falls-back", stream)[0]
        check(len(text) > 20, f"text {text!r}")
    check(len(front.text(f"{back}-continued", True)[0]) > 20, "a stream that went on")


def refusals(front, gateway):
    raised(front, lambda: front.ask("no-such-model", False), "unknown-model")
    stranger = type(front)(gateway, key="sk-nobody")
    raised(stranger, lambda: stranger.ask("openai-well", False), "wrong-key")
    group = f"cooling-{front.name}"
    raised(front, lambda: front.ask(group, False), "server")
    check(front.wait(raised(front, lambda: front.ask(group, True), "cooling")), "Retry-After")


def limited(gateway):
    """One tenant's limit, of which each front sees its refusal."""
    slow = [front(gateway, key="sk-slow") for front in FRONTS]
    try:
        slow[0].ask("openai-well", False)
    except slow[0].failures:
        pass
    for front in slow:
        check(front.wait(raised(front, lambda: front.ask("openai-well", False), "throttled")), front.name)


def sent(gateway, path, body, headers=None):
    """The status and the JSON of an answer to these bytes."""
    headers = {"authorization": "Bearer sk-team", "content-type": "application/json", **(headers or {})}
    request = urllib.request.Request(gateway + path, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def garbage(front, gateway):
    """Bytes that are no request are refused in the vendor's own form."""
    for path in {front.path, front.path.replace("/v1/", "/")}:
        for body in (b"", b"{", b"[]", b"null", b"{}", b"\xff\xfe", b'{"messages":3,"contents":3,"input":{}}'):
            status, told = sent(gateway, path, body)
            same(status, 400, f"{path} {body!r}: {told}")
            check(told["error"]["message"], f"{told}")
            if front.name == "gemini":
                same((told["error"]["code"], told["error"]["status"]), (400, "INVALID_ARGUMENT"), f"{told}")
            if front.name == "anthropic":
                same((told["type"], told["error"]["type"]), ("error", "invalid_request_error"), f"{told}")
        huge = b'{"model":"' + b"m" * (17 << 20) + b'"}'
        status, told = sent(gateway, path, huge)
        same(status, 413, f"{path}: {told}")


def main():
    gateway = sys.argv[1].rstrip("/").removesuffix("/v1")
    wrong, jobs = [], []
    with ThreadPoolExecutor(8) as pool:
        for of in FRONTS:
            front = of(gateway)
            for case in (answers, tools, thoughts, errors, moves):
                for back in BACKS:
                    jobs.append((f"{of.name} {case.__name__} {back}", pool.submit(case, front, back)))
            for case in (refusals, garbage):
                jobs.append((f"{of.name} {case.__name__}", pool.submit(case, front, gateway)))
            for name in ("models", "own"):
                jobs.append((f"{of.name} {name}", pool.submit(getattr(front, name))))
        jobs.append(("limits", pool.submit(limited, gateway)))
        for name, job in jobs:
            try:
                job.result()
            except Exception:  # noqa: BLE001: whatever is raised is what is wrong
                wrong.append(f"{name}: {traceback.format_exc()}")
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(jobs)} cases, {len(wrong)} wrong", file=sys.stderr)
    sys.exit(1 if wrong else 0)


main()
