"""LangChain's `with_fallbacks` as a target: chat models in order, each with the retries of its SDK.

    python -m squall_pytest.adapters.langchain_fallbacks --openai URL --anthropic MODEL=URL [--max-retries N]

The first URL is asked first. `MODEL=URL` asks there for this model, in place of the one that the request names.
"""

from __future__ import annotations

import argparse
import asyncio

from squall_pytest.adapters.protocol import Answer, Request, serve

#: Anthropic's messages need a limit; this one is asked for where a request has none.
MAX_TOKENS = 4096


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="LangChain's `with_fallbacks` as a target of Squall")
    for name in ("openai", "anthropic"):
        parser.add_argument(
            f"--{name}", metavar="[MODEL=]URL", dest="urls", action="append", type=lambda url, name=name: (name, url)
        )
    parser.add_argument("--api-key", metavar="KEY", default="sk-squall")
    parser.add_argument("--max-retries", metavar="N", type=int, help="of each SDK [default: LangChain's]")
    parser.add_argument("--timeout", metavar="SECONDS", type=float, help="of each attempt [default: LangChain's]")
    given = parser.parse_args()
    if not given.urls:
        parser.error("at least one of --openai and --anthropic is needed")
    return given


def chain(given: argparse.Namespace, requested: str):
    """The chat models, the first with the others as its fallbacks."""
    named = {"api_key": given.api_key, "max_retries": given.max_retries, "timeout": given.timeout}
    named = {name: value for name, value in named.items() if value is not None}
    models = []
    for vendor, url in given.urls:
        before, _, after = url.partition("=")
        model, url = (requested, url) if "://" in before else (before, after)
        if vendor == "openai":
            from langchain_openai import ChatOpenAI

            models.append(ChatOpenAI(model=model, base_url=url, stream_usage=True, **named))
        else:
            from langchain_anthropic import ChatAnthropic

            models.append(ChatAnthropic(model=model, base_url=url, **named))
    first, *others = models
    return first.with_fallbacks(others) if others else first


def asker(given: argparse.Namespace):
    """What asks the chat models."""
    chains: dict = {}

    async def ask(request: Request, answer: Answer) -> None:
        if request.model not in chains:
            chains[request.model] = chain(given, request.model)
        asked = chains[request.model]
        limit = MAX_TOKENS if request.max_tokens is None else request.max_tokens
        more = {"max_tokens": limit, "extra_headers": request.headers}
        if not request.stream:
            take(await asked.ainvoke(request.prompt, **more), answer)
            return
        whole = None
        async for chunk in asked.astream(request.prompt, **more):
            answer.add(chunk.text if isinstance(chunk.text, str) else chunk.text())
            whole = chunk if whole is None else whole + chunk
        if whole is not None:
            take_facts(whole, answer)

    return ask


def take(message, answer: Answer) -> None:
    """A message, as an answer."""
    answer.add(message.text if isinstance(message.text, str) else message.text())
    take_facts(message, answer)


def take_facts(message, answer: Answer) -> None:
    """What a message tells of itself."""
    answer.model = message.response_metadata.get("model_name") or message.response_metadata.get("model")
    usage = message.usage_metadata or {}
    answer.uses(usage.get("input_tokens"), usage.get("output_tokens"))


if __name__ == "__main__":
    asyncio.run(serve(asker(arguments())))
