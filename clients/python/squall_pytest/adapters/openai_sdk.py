"""The Python SDK of OpenAI as a target, with its own retries.

    python -m squall_pytest.adapters.openai_sdk --base-url URL [--max-retries N] [--timeout SECONDS]
"""

from __future__ import annotations

import asyncio

import openai

from squall_pytest.adapters.protocol import Answer, Request, serve
from squall_pytest.adapters.sdk_options import sdk_options


def asker(client: openai.AsyncOpenAI):
    """What asks a client."""

    async def ask(request: Request, answer: Answer) -> None:
        limit = {} if request.max_tokens is None else {"max_tokens": request.max_tokens}
        usage = {"stream_options": {"include_usage": True}} if request.stream else {}
        came = await client.chat.completions.create(
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
            if came.usage:
                answer.uses(came.usage.prompt_tokens, came.usage.completion_tokens)
            return
        async for chunk in came:
            answer.model = chunk.model or answer.model
            for choice in chunk.choices:
                answer.add(choice.delta.content)
            if chunk.usage:
                answer.uses(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)

    return ask


async def main() -> None:
    async with openai.AsyncOpenAI(**sdk_options("OpenAI")) as client:
        await serve(asker(client))


if __name__ == "__main__":
    asyncio.run(main())
