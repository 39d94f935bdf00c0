"""Whether clients take our errors for what they take the vendors' own for.

    vendors.py ADDRESSES.json

ADDRESSES.json has `direct`, a base address of the mock provider for each `vendor/case`. `vendors.json` has, for each
vendor and case, the bytes that the vendor documents, with their source. They are served here, and every client that is
installed asks both servers: it must raise the same exception for both. Beside the vendors' own clients these are
LiteLLM and LangChain, where they are installed.
"""

import importlib.util
import json
import logging
import os
import re
import sys
import threading
import urllib.error
import urllib.request
import warnings
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LITELLM_TELEMETRY"] = "False"
warnings.filterwarnings("ignore")

import anthropic
import openai
from google import genai
from google.genai import types as google_types

KEY = "sk-squall-0123456789-abcdefghij-0123456789"
TIMEOUT = 20.0
PROMPT = "How are you?"
MESSAGES = [{"role": "user", "content": PROMPT}]
AZURE_VERSION = "2024-10-21"


def serve(fixture):
    """The address of a server that answers everything with a vendor's bytes."""
    body = json.dumps(fixture["body"]).encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers.get("content-length") or 0))
            events = fixture["status"] == 200 and "alt=sse" in self.path
            sent = b"data: " + body + b"\r\n\r\n" if events else body
            self.send_response(fixture["status"])
            self.send_header("content-type", "text/event-stream" if events else "application/json")
            self.send_header("content-length", str(len(sent)))
            for name, value in fixture.get("headers", {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def drain(answer, stream):
    if stream:
        for _ in answer:
            pass


# The vendors' own clients.


def own_openai(address, stream):
    client = openai.OpenAI(base_url=f"{address}/v1", api_key=KEY, max_retries=0, timeout=TIMEOUT)
    drain(client.chat.completions.create(model="m", messages=MESSAGES, stream=stream), stream)


def own_azure(address, stream):
    client = openai.AzureOpenAI(
        azure_endpoint=address, api_key=KEY, api_version=AZURE_VERSION, max_retries=0, timeout=TIMEOUT
    )
    drain(client.chat.completions.create(model="m", messages=MESSAGES, stream=stream), stream)


def own_anthropic(address, stream):
    client = anthropic.Anthropic(base_url=address, api_key=KEY, max_retries=0, timeout=TIMEOUT)
    drain(client.messages.create(model="m", max_tokens=8, messages=MESSAGES, stream=stream), stream)


def own_gemini(address, stream):
    options = google_types.HttpOptions(base_url=address, timeout=int(TIMEOUT * 1000))
    client = genai.Client(api_key=KEY, http_options=options)
    ask = client.models.generate_content_stream if stream else client.models.generate_content
    answer = ask(model="m", contents=PROMPT)
    drain(answer, stream)


# LiteLLM.


def litellm_asks(address, stream, model, **more):
    import litellm

    litellm.suppress_debug_info = True
    answer = litellm.completion(
        model=model,
        messages=MESSAGES,
        api_key=KEY,
        stream=stream,
        timeout=TIMEOUT,
        max_retries=0,
        num_retries=0,
        **more,
    )
    drain(answer, stream)


def litellm_openai(address, stream):
    litellm_asks(address, stream, "openai/m", api_base=f"{address}/v1")


def litellm_azure(address, stream):
    litellm_asks(address, stream, "azure/m", api_base=address, api_version=AZURE_VERSION)


def litellm_anthropic(address, stream):
    litellm_asks(address, stream, "anthropic/m", api_base=address, max_tokens=8)


def litellm_gemini(address, stream):
    litellm_asks(address, stream, "gemini/m", api_base=f"{address}/v1beta")


# LangChain.


def langchain_asks(chat, stream):
    drain(chat.stream(PROMPT) if stream else chat.invoke(PROMPT), stream)


def langchain_openai(address, stream):
    from langchain_openai import ChatOpenAI

    langchain_asks(
        ChatOpenAI(model="m", base_url=f"{address}/v1", api_key=KEY, max_retries=0, timeout=TIMEOUT),
        stream,
    )


def langchain_azure(address, stream):
    from langchain_openai import AzureChatOpenAI

    chat = AzureChatOpenAI(
        azure_deployment="m",
        azure_endpoint=address,
        api_key=KEY,
        api_version=AZURE_VERSION,
        max_retries=0,
        timeout=TIMEOUT,
    )
    langchain_asks(chat, stream)


def langchain_anthropic(address, stream):
    from langchain_anthropic import ChatAnthropic

    chat = ChatAnthropic(
        model="m", base_url=address, api_key=KEY, max_retries=0, timeout=TIMEOUT, max_tokens=8
    )
    langchain_asks(chat, stream)


def langchain_gemini(address, stream):
    from langchain_google_genai import ChatGoogleGenerativeAI

    chat = ChatGoogleGenerativeAI(
        model="m", google_api_key=KEY, base_url=address, max_retries=1, timeout=TIMEOUT
    )
    langchain_asks(chat, stream)


def installed(*modules):
    return all(importlib.util.find_spec(module) for module in modules)


def judges():
    """Every client that is installed, with the vendor that it asks."""
    all_of = ["own"]
    if installed("litellm"):
        all_of.append("litellm")
    if installed("langchain_openai", "langchain_anthropic", "langchain_google_genai"):
        all_of.append("langchain")
    for judge in all_of:
        for vendor in ("openai", "azure", "anthropic", "gemini"):
            yield judge, vendor, globals()[f"{judge}_{vendor}"]


def described(error):
    """What a program can tell an exception by: its class, its status, its code, and when to come again."""
    words = [f"{type(error).__module__}.{type(error).__qualname__}"]
    for name in ("status_code", "code", "type", "param", "status", "category"):
        value = getattr(error, name, None)
        if isinstance(value, (str, int)) and value != "":
            # Which of several messages is wrong is the request's own.
            value = re.sub(r"\[\d+\]", "[N]", str(value))
            words.append(f"{name}={value}")
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", None) or {}
    for name in ("retry-after", "retry-after-ms"):
        if headers.get(name):
            words.append(f"{name}={headers[name]}")
    return " ".join(words)


def raised(ask, address, stream):
    try:
        ask(address, stream)
    except Exception as error:  # noqa: BLE001: every class of exception is what is looked at
        return described(error)
    return "nothing"


def shape(body, inside=""):
    """A body without its prose: every key, and every value that a program reads."""
    if isinstance(body, dict):
        return {key: shape(value, key) for key, value in sorted(body.items())}
    if isinstance(body, list):
        return [shape(value, inside) for value in body]
    prose = inside in ("message", "request_id", "model", "modelVersion", "param", "quotaValue")
    quota = inside in ("quotaMetric", "quotaId", "promptTokenCount", "totalTokenCount")
    return type(body).__name__ if prose or quota else body


PATHS = {
    "openai": "/v1/chat/completions",
    "azure": f"/openai/deployments/m/chat/completions?api-version={AZURE_VERSION}",
    "anthropic": "/v1/messages",
    "gemini": "/v1beta/models/m:generateContent",
}


def our_body(vendor, address):
    """The status and the body of ours, as they are."""
    body = {"model": "m", "messages": MESSAGES, "max_tokens": 8}
    if vendor == "gemini":
        body = {"contents": [{"parts": [{"text": PROMPT}]}]}
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    request = urllib.request.Request(address + PATHS[vendor], json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def main():
    logging.disable(logging.CRITICAL)
    addresses = json.loads(Path(sys.argv[1]).read_text())["direct"]
    fixtures = json.loads((Path(__file__).parent / "vendors.json").read_text())
    wrong, compared = [], 0
    known = {}
    asked = []
    all_judges = list(judges())
    if "--all" in sys.argv and len({judge for judge, _, _ in all_judges}) < 3:
        sys.exit("LiteLLM or LangChain is not installed")
    with ThreadPoolExecutor(12) as pool:
        for fixture in fixtures:
            name = f"{fixture['vendor']}/{fixture['case']}"
            ours, theirs = addresses[name], serve(fixture)
            status, body = our_body(fixture["vendor"], ours)
            if (status, shape(body)) != (fixture["status"], shape(fixture["body"])):
                wrong.append(f"{name}: {status} {body}\n  where {fixture['source']} has {fixture['body']}")
            for judge, vendor, ask in all_judges:
                if vendor != fixture["vendor"]:
                    continue
                for stream in (False, True):
                    pair = [pool.submit(raised, ask, address, stream) for address in (theirs, ours)]
                    asked.append((f"{judge} {name} {'stream' if stream else 'whole'}", pair))
        for name, (theirs, ours) in asked:
            theirs, ours = theirs.result(), ours.result()
            compared += 1
            known[name] = theirs
            if theirs != ours:
                wrong.append(f"{name}: the vendor's bytes raise {theirs!r}, ours {ours!r}")
    if "--tell" in sys.argv:
        print(json.dumps(known, indent=1))
    print(f"{len(fixtures)} bodies, {compared} exceptions compared", file=sys.stderr)
    for line in wrong:
        print(line, file=sys.stderr)
    # A judge that tells nothing apart judges nothing.
    for judge in {judge for judge, _, _ in all_judges}:
        classes = {saw.split()[0] for name, saw in known.items() if name.startswith(judge)}
        if len(classes) < 8:
            wrong.append(f"{judge} raises {sorted(classes)} only")
    sys.exit(1 if wrong else 0)


main()
