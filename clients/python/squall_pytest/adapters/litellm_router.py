"""LiteLLM's Router in this process as a target.

    python -m squall_pytest.adapters.litellm_router --config litellm.yaml

The file is that of the LiteLLM proxy, such as `squall export --to litellm` writes. Its `model_list`, its
`router_settings`, and those of `litellm_settings` that the Router has too are taken; the rest is the proxy's.
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import os

# Prices are not asked for on the internet.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

import litellm  # noqa: E402

from squall_pytest.adapters.protocol import Answer, Request, serve  # noqa: E402


def router(path: str) -> litellm.Router:
    """The Router of a file, in JSON or, where PyYAML is installed, in YAML."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        config = json.loads(text)
    except ValueError:
        import yaml

        config = yaml.safe_load(text)
    known = set(inspect.signature(litellm.Router.__init__).parameters)
    settings = {name: value for name, value in (config.get("litellm_settings") or {}).items() if name in known}
    settings.update(config.get("router_settings") or {})
    unknown = sorted(set(settings) - known)
    if unknown:
        raise SystemExit(f"{path}: the Router of this LiteLLM has no `{'`, `'.join(unknown)}`")
    return litellm.Router(model_list=config["model_list"], **settings)


def asker(asked: litellm.Router):
    """What asks a Router."""

    async def ask(request: Request, answer: Answer) -> None:
        limit = {} if request.max_tokens is None else {"max_tokens": request.max_tokens}
        usage = {"stream_options": {"include_usage": True}} if request.stream else {}
        came = await asked.acompletion(
            model=request.model,
            messages=request.messages,
            stream=request.stream,
            extra_headers=request.headers,
            **limit,
            **usage,
        )
        if not request.stream:
            answer.model = came.model
            answer.add(came.choices[0].message.content)
            answer.uses(came.usage.prompt_tokens, came.usage.completion_tokens)
            return
        async for chunk in came:
            answer.model = chunk.model or answer.model
            for choice in chunk.choices:
                answer.add(choice.delta.content)
            told = getattr(chunk, "usage", None)
            if told:
                answer.uses(told.prompt_tokens, told.completion_tokens)

    return ask


def main() -> None:
    parser = argparse.ArgumentParser(description="LiteLLM's Router as a target of Squall")
    parser.add_argument("--config", metavar="FILE", required=True, help="the configuration of a LiteLLM proxy")
    asyncio.run(start(parser.parse_args().config))


async def start(path: str) -> None:
    await serve(asker(router(path)))


if __name__ == "__main__":
    main()
