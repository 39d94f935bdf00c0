"""The official clients of OpenAI, Azure, Anthropic and Google against the mock provider and the gateway.

    suite.py ADDRESSES.json [--tell]

ADDRESSES.json has `direct`, a base address for each `format/case`, and `gateway`, the base URL of a gateway whose
model groups are called `format/case`. Every case is asked for in one piece and as a stream; what each client makes of
it is held against EXPECTED. With --tell it prints what it saw instead.
"""

import json
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anthropic
import openai
from google import genai
from google.genai import errors as google_errors
from google.genai import types as google_types

# What a silent provider costs; any other answers within a fraction of it, on a busy machine too.
TIMEOUT = 3.0
# Through the gateway it is the gateway that gives up.
PATIENCE = 30.0
PROMPT = "How are you?"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
}


def fits(value):
    """Whether a value fits SCHEMA."""
    return isinstance(value["city"], str) and type(value["days"]) is int


def openai_client(address):
    return openai.OpenAI(base_url=f"{address}/v1", api_key="sk-1", max_retries=0, timeout=TIMEOUT)


def azure_client(address):
    return openai.AzureOpenAI(
        azure_endpoint=address,
        api_key="key-1",
        api_version="2024-10-21",
        max_retries=0,
        timeout=TIMEOUT,
    )


def anthropic_client(address):
    return anthropic.Anthropic(base_url=address, api_key="sk-1", max_retries=0, timeout=TIMEOUT)


def gemini_client(address):
    options = google_types.HttpOptions(base_url=address, timeout=int(TIMEOUT * 1000))
    return genai.Client(api_key="key-1", http_options=options)


def ask_openai(client, model, stream):
    """Content, finish reason and usage of a chat completion."""
    messages = [{"role": "user", "content": PROMPT}]
    if not stream:
        answer = client.chat.completions.create(model=model, messages=messages, max_tokens=8)
        choice = answer.choices[0]
        return choice.message.content, choice.finish_reason, answer.usage.completion_tokens
    text, finish, usage = "", None, None
    chunks = client.chat.completions.create(
        model=model,
        messages=messages,
        max_tokens=8,
        stream=True,
        stream_options={"include_usage": True},
    )
    for chunk in chunks:
        if chunk.usage:
            usage = chunk.usage.completion_tokens
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    return text, finish, usage


def ask_anthropic(client, model, stream):
    request = {
        "model": model,
        "max_tokens": 8,
        "messages": [{"role": "user", "content": PROMPT}],
    }
    if not stream:
        answer = client.messages.create(**request)
        return answer.content[0].text, answer.stop_reason, answer.usage.output_tokens
    text, finish, usage = "", None, None
    for event in client.messages.create(**request, stream=True):
        if event.type == "content_block_delta":
            text += event.delta.text
        elif event.type == "message_delta":
            finish, usage = event.delta.stop_reason, event.usage.output_tokens
    return text, finish, usage


def ask_gemini(client, model, stream):
    config = google_types.GenerateContentConfig(max_output_tokens=8)
    if not stream:
        answer = client.models.generate_content(model=model, contents=PROMPT, config=config)
        if not answer.candidates:
            return "", f"blocked: {answer.prompt_feedback.block_reason.value}", None
        return (
            answer.text,
            answer.candidates[0].finish_reason.value,
            answer.usage_metadata.candidates_token_count,
        )
    text, finish, usage = "", None, None
    for chunk in client.models.generate_content_stream(
        model=model, contents=PROMPT, config=config
    ):
        if not chunk.candidates:
            finish = f"blocked: {chunk.prompt_feedback.block_reason.value}"
            continue
        text += chunk.text or ""
        reason = chunk.candidates[0].finish_reason
        finish = reason.value if reason else finish
        usage = chunk.usage_metadata.candidates_token_count
    return text, finish, usage


CLIENTS = {
    "openai": (openai_client, ask_openai),
    "azure": (azure_client, ask_openai),
    "anthropic": (anthropic_client, ask_anthropic),
    "gemini": (gemini_client, ask_gemini),
}


def described(error):
    """An exception in a line: its class, its status, what it says to a program, and when to come again."""
    name = f"{type(error).__module__.split('.')[0]}.{type(error).__name__}"
    words = [name]
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    if isinstance(error, google_errors.APIError):
        words += [str(error.code), str(error.status)]
        return " ".join(words)
    if status is not None:
        words.append(str(status))
    body = getattr(error, "body", None)
    if isinstance(body, dict):
        inner = body.get("error", body)
        if isinstance(inner, dict):
            word = inner.get("code") or inner.get("type")
            if word is not None and str(word) != str(status):
                words.append(str(word))
    response = getattr(error, "response", None)
    if response is not None and response.headers.get("retry-after"):
        words.append(f"retry-after {response.headers['retry-after']}")
    return " ".join(words)


def seen(client, ask, model, stream):
    try:
        text, finish, usage = ask(client, model, stream)
    except Exception as error:  # noqa: BLE001: every class of exception is what is looked at
        return described(error)
    return f"{len(text.split())} words, {finish}, usage {usage}"


def cases(addresses):
    """Everything that is asked, with a name each."""
    for name, address in addresses["direct"].items():
        vendor, case = name.split("/")
        if case in ("limited", "thinks"):
            continue
        make, ask = CLIENTS[vendor]
        for stream in (False, True):
            way = "stream" if stream else "whole"
            yield f"{name} {way}", lambda m=make, a=address, k=ask, s=stream: seen(m(a), k, "model-1", s)
    gateway = addresses["gateway"]
    for name in (n for n in addresses["direct"] if not n.endswith(("/limited", "/thinks"))):
        for stream in (False, True):
            way = "stream" if stream else "whole"
            yield f"gateway:{name} {way}", lambda n=name, s=stream: seen(
                openai.OpenAI(base_url=gateway, api_key="sk-1", max_retries=0, timeout=PATIENCE),
                ask_openai,
                n,
                s,
            )


def extras(addresses):
    """What is asserted one by one: tools, lists, other endpoints, waiting as told."""
    direct = addresses["direct"]

    def openai_tools():
        tool = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
        for vendor in ("openai", "azure"):
            client = CLIENTS[vendor][0](direct[f"{vendor}/well"])
            answer = client.chat.completions.create(
                model="model-1",
                messages=[{"role": "user", "content": PROMPT}],
                tools=[tool],
                tool_choice="required",
            )
            call = answer.choices[0].message.tool_calls[0]
            assert call.function.name == "weather", call
            assert fits(json.loads(call.function.arguments)), call
            assert answer.choices[0].finish_reason == "tool_calls"

    def openai_tools_streamed():
        client = openai_client(direct["openai/well"])
        tool = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
        with client.chat.completions.stream(
            model="model-1",
            messages=[{"role": "user", "content": PROMPT}],
            tools=[tool],
            tool_choice="required",
        ) as stream:
            answer = stream.get_final_completion()
        call = answer.choices[0].message.tool_calls[0]
        assert fits(json.loads(call.function.arguments)), call

    def anthropic_tools():
        client = anthropic_client(direct["anthropic/well"])
        request = {
            "model": "model-1",
            "max_tokens": 64,
            "messages": [{"role": "user", "content": PROMPT}],
            "tools": [{"name": "weather", "input_schema": SCHEMA}],
            "tool_choice": {"type": "any"},
        }
        answer = client.messages.create(**request)
        assert answer.stop_reason == "tool_use", answer
        assert fits(answer.content[0].input), answer
        with client.messages.stream(**request) as stream:
            answer = stream.get_final_message()
        assert fits(answer.content[0].input), answer

    def gemini_tools():
        client = gemini_client(direct["gemini/well"])
        function = google_types.FunctionDeclaration(name="weather", parameters_json_schema=SCHEMA)
        config = google_types.GenerateContentConfig(
            tools=[google_types.Tool(function_declarations=[function])],
            tool_config=google_types.ToolConfig(
                function_calling_config=google_types.FunctionCallingConfig(mode="ANY")
            ),
        )
        answer = client.models.generate_content(model="model-1", contents=PROMPT, config=config)
        call = answer.function_calls[0]
        assert call.name == "weather" and fits(call.args), call

    def models():
        for vendor in ("openai", "azure"):
            models = CLIENTS[vendor][0](direct[f"{vendor}/well"]).models
            assert [model.id for model in models.list()] == [f"{vendor}-well"]
            assert models.retrieve(f"{vendor}-well").id == f"{vendor}-well"
            try:
                models.retrieve("nothing")
            except openai.NotFoundError:
                pass
            else:
                raise AssertionError("there is no such model")
        models = anthropic_client(direct["anthropic/well"]).models
        assert [model.id for model in models.list()] == ["anthropic-well"]
        assert models.retrieve("anthropic-well").id == "anthropic-well"
        # A pager outlives a client that nobody holds.
        client = gemini_client(direct["gemini/well"])
        assert [model.name for model in client.models.list()] == ["models/gemini-well"]
        assert client.models.get(model="gemini-well").name == "models/gemini-well"

    def structured():
        messages = [{"role": "user", "content": PROMPT}]
        form = {"type": "json_schema", "json_schema": {"name": "weather", "schema": SCHEMA}}
        for vendor in ("openai", "azure"):
            client = CLIENTS[vendor][0](direct[f"{vendor}/well"]).with_options(timeout=PATIENCE)
            answer = client.chat.completions.create(model="m", messages=messages, response_format=form)
            assert fits(json.loads(answer.choices[0].message.content)), answer
            chunks = client.chat.completions.create(
                model="m", messages=messages, response_format=form, stream=True
            )
            text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
            assert fits(json.loads(text)), text
        client = openai_client(direct["openai/well"]).with_options(timeout=PATIENCE)
        form = {"format": {"type": "json_schema", "name": "weather", "schema": SCHEMA}}
        answer = client.responses.create(model="m", input=PROMPT, text=form)
        assert fits(json.loads(answer.output_text)), answer
        client = anthropic_client(direct["anthropic/well"]).with_options(timeout=PATIENCE)
        answer = client.messages.create(
            model="m",
            max_tokens=999,
            messages=messages,
            extra_body={"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        )
        assert fits(json.loads(answer.content[0].text)), answer
        client = gemini_client(direct["gemini/well"])
        config = google_types.GenerateContentConfig(
            response_mime_type="application/json", response_json_schema=SCHEMA
        )
        answer = client.models.generate_content(model="m", contents=PROMPT, config=config)
        assert fits(json.loads(answer.text)), answer

    def thoughts():
        messages = [{"role": "user", "content": PROMPT}]
        client = openai_client(direct["openai/thinks"]).with_options(timeout=PATIENCE)
        answer = client.chat.completions.create(model="m", messages=messages)
        usage = answer.usage
        assert usage.completion_tokens_details.reasoning_tokens == 5, usage
        assert usage.completion_tokens == 13, usage
        assert len(answer.choices[0].message.reasoning_content.split()) == 5, answer
        client = anthropic_client(direct["anthropic/thinks"]).with_options(timeout=PATIENCE)
        request = {"model": "m", "max_tokens": 2048, "messages": messages}
        with client.messages.stream(
            **request, thinking={"type": "enabled", "budget_tokens": 1024}
        ) as stream:
            answer = stream.get_final_message()
        kinds = [block.type for block in answer.content]
        assert kinds == ["thinking", "text"], answer
        assert answer.content[0].signature and len(answer.content[0].thinking.split()) == 5, answer
        plain = client.messages.create(**request)
        assert [block.type for block in plain.content] == ["text"], plain
        client = gemini_client(direct["gemini/thinks"])
        config = google_types.GenerateContentConfig(
            thinking_config=google_types.ThinkingConfig(include_thoughts=True)
        )
        answer = client.models.generate_content(model="m", contents=PROMPT, config=config)
        parts = answer.candidates[0].content.parts
        assert [bool(part.thought) for part in parts] == [True, False], answer
        assert answer.usage_metadata.thoughts_token_count == 5, answer
        assert answer.usage_metadata.candidates_token_count == 8, answer

    def several_and_stops():
        client = openai_client(direct["openai/well"]).with_options(timeout=PATIENCE)
        messages = [{"role": "user", "content": PROMPT}]
        answer = client.chat.completions.create(
            model="m", messages=messages, n=2, stop="hot", logprobs=True, top_logprobs=1
        )
        assert [choice.message.content for choice in answer.choices] == [" the sea was "] * 2, answer
        assert answer.choices[1].logprobs.content[1].token == " sea", answer
        client = anthropic_client(direct["anthropic/well"]).with_options(timeout=PATIENCE)
        answer = client.messages.create(
            model="m", max_tokens=64, messages=messages, stop_sequences=["hot"]
        )
        assert (answer.content[0].text, answer.stop_reason) == (" the sea was ", "stop_sequence"), answer
        assert answer.stop_sequence == "hot", answer
        client = azure_client(direct["azure/well"]).with_options(timeout=PATIENCE)
        chunks = list(client.chat.completions.create(model="m", messages=messages, stream=True))
        assert chunks[0].choices == [] and chunks[0].prompt_filter_results, chunks[0]

    def completions():
        client = openai_client(direct["openai/well"])
        answer = client.completions.create(model="model-1", prompt=PROMPT, max_tokens=5)
        assert len(answer.choices[0].text.split()) == 5, answer
        chunks = client.completions.create(model="model-1", prompt=PROMPT, max_tokens=5, stream=True)
        assert len("".join(chunk.choices[0].text for chunk in chunks).split()) == 5

    def embeddings():
        for vendor in ("openai", "azure"):
            client = CLIENTS[vendor][0](direct[f"{vendor}/well"])
            answer = client.embeddings.create(model="model-1", input=["a", "b"], dimensions=8)
            assert [len(vector.embedding) for vector in answer.data] == [8, 8]
            plain = client.embeddings.create(
                model="model-1", input=["a", "b"], dimensions=8, encoding_format="float"
            )
            assert len(plain.data[0].embedding) == 8

    def responses():
        client = openai_client(direct["openai/well"])
        answer = client.responses.create(model="model-1", input=PROMPT, max_output_tokens=5)
        assert len(answer.output_text.split()) == 5 and answer.usage.output_tokens == 5, answer
        assert answer.status == "incomplete", answer
        with client.responses.stream(model="model-1", input=PROMPT) as stream:
            text = "".join(
                event.delta for event in stream if event.type == "response.output_text.delta"
            )
            final = stream.get_final_response()
        assert len(text.split()) == 8 and final.output_text == text, final
        tool = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": True}
        answer = client.responses.create(
            model="model-1", input=PROMPT, tools=[tool], tool_choice="required"
        )
        assert fits(json.loads(answer.output[0].arguments)), answer

    def responses_fail():
        client = openai_client(direct["openai/server"])
        try:
            client.responses.create(model="model-1", input=PROMPT)
        except openai.InternalServerError:
            pass
        else:
            raise AssertionError("no exception")
        client = openai_client(direct["openai/stream-error"])
        kinds = [event.type for event in client.responses.create(model="m", input=PROMPT, stream=True)]
        assert kinds[-1] == "error", kinds

    def continued():
        """A stream that breaks off and goes on elsewhere is one answer to OpenAI's client, in each of its ways."""
        gateway = openai.OpenAI(
            base_url=addresses["gateway"], api_key="sk-1", max_retries=0, timeout=PATIENCE
        )
        messages = [{"role": "user", "content": PROMPT}]
        for vendor in CLIENTS:
            whole = ask_openai(gateway, f"{vendor}/well", True)
            assert ask_openai(gateway, f"{vendor}/continued", True) == whole, vendor
            request = {"model": f"{vendor}/continued", "messages": messages, "max_tokens": 8}
            chunks = list(gateway.chat.completions.create(**request, stream=True))
            # Azure's first chunk tells of the prompt, and has no name.
            names = {(chunk.id, chunk.model, chunk.created) for chunk in chunks if chunk.choices}
            assert len(names) == 1, chunks
            roles = [c.choices[0].delta.role for c in chunks if c.choices and c.choices[0].delta.role]
            assert roles in (["assistant"], []), roles
            with gateway.chat.completions.stream(**request) as stream:
                answer = stream.get_final_completion()
            assert answer.choices[0].message.content == whole[0], answer
            assert answer.choices[0].finish_reason == "stop", answer

    def waits(make, ask, address):
        """With its own retries a client comes again after the wait that it was told, and is let in."""
        import time

        client = make(address)
        ask(client, "model-1", False)
        begun = time.monotonic()
        text, _, _ = ask(client, "model-1", False)
        took = time.monotonic() - begun
        assert text and took > 0.5, f"answered after {took:.2f} s"

    def openai_waits():
        make = lambda address: openai.OpenAI(base_url=f"{address}/v1", api_key="k", timeout=PATIENCE)
        waits(make, ask_openai, direct["openai/limited"])

    def anthropic_waits():
        make = lambda address: anthropic.Anthropic(base_url=address, api_key="k", timeout=PATIENCE)
        waits(make, ask_anthropic, direct["anthropic/limited"])

    return [value for value in locals().values() if callable(value) and value is not waits]


def main():
    addresses = json.loads(Path(sys.argv[1]).read_text())
    tell = "--tell" in sys.argv
    expected = json.loads((Path(__file__).parent / "expected.json").read_text())
    wrong = []
    with ThreadPoolExecutor(48) as pool:
        asked = [(name, pool.submit(call)) for name, call in cases(addresses)]
        single = [(call.__name__, pool.submit(call)) for call in extras(addresses)]
        told = {name: each.result() for name, each in asked}
        for name, each in single:
            try:
                each.result()
            except Exception:  # noqa: BLE001: told below
                wrong.append(f"{name}:\n{traceback.format_exc()}")
    if tell:
        print(json.dumps(told, indent=1))
    for name, saw in told.items():
        if not tell and expected.get(name) != saw:
            wrong.append(f"{name}: expected {expected.get(name)!r}, saw {saw!r}")
    missing = [name for name in expected if name not in told]
    if missing and not tell:
        wrong.append(f"not asked: {missing}")
    failures = {(name.split()[0], saw) for name, saw in told.items() if "words" not in saw}
    print(f"{len(told)} asked, {len(failures)} failures seen, {len(single)} more", file=sys.stderr)
    for line in wrong:
        print(line, file=sys.stderr)
    sys.exit(1 if wrong else 0)


main()
