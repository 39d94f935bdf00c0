"""One call of each case by an official SDK as it comes, whose retries a server counts.

    retries.py openai|anthropic|google URL CASES    CASES is JSON: [{"name", "stream", "timeout"}]

Prints, as JSON, how long each took in seconds and what it raised.
"""

import concurrent.futures
import json
import sys
import time


def openai_call(url, case):
    import openai

    timeout = {"timeout": case["timeout"]} if case["timeout"] else {}
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="sk-1", **timeout)
    answer = client.chat.completions.create(
        model="m", max_tokens=5, messages=[{"role": "user", "content": "hi"}], stream=case["stream"]
    )
    return list(answer) if case["stream"] else answer


def anthropic_call(url, case):
    import anthropic

    timeout = {"timeout": case["timeout"]} if case["timeout"] else {}
    client = anthropic.Anthropic(base_url=url, api_key="sk-1", **timeout)
    answer = client.messages.create(
        model="m", max_tokens=5, messages=[{"role": "user", "content": "hi"}], stream=case["stream"]
    )
    return list(answer) if case["stream"] else answer


def google_call(url, case):
    from google import genai
    from google.genai import types

    options = types.HttpOptions(base_url=url, retry_options=types.HttpRetryOptions())
    if case["timeout"]:
        options.timeout = int(case["timeout"] * 1000)
    client = genai.Client(api_key="k", http_options=options)
    if case["stream"]:
        return list(client.models.generate_content_stream(model="m", contents="hi"))
    return client.models.generate_content(model="m", contents="hi")


CALLS = {"openai": openai_call, "anthropic": anthropic_call, "google": google_call}


def measured(call, url, case):
    start, raised = time.monotonic(), None
    try:
        call(case.get("url") or f"{url}/{case['name']}", case)
    except Exception as error:  # whatever an SDK raises ends its call
        raised = f"{type(error).__name__}: {error}"
    return {"seconds": time.monotonic() - start, "raised": raised}


def main():
    sdk, url, cases = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
        running = {case["name"]: pool.submit(measured, CALLS[sdk], url, case) for case in cases}
        print(json.dumps({name: call.result() for name, call in running.items()}))


main()
