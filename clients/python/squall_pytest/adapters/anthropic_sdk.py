"""The Python SDK of Anthropic as a target, with its own retries.

    python -m squall_pytest.adapters.anthropic_sdk --base-url URL [--max-retries N] [--timeout SECONDS]
"""

from __future__ import annotations

import asyncio

import anthropic

from squall_pytest.adapters.protocol import Answer, Request, serve
from squall_pytest.adapters.sdk_options import sdk_options

#: Messages need a limit; this one is asked for where a request has none.
MAX_TOKENS = 4096


def asker(client: anthropic.AsyncAnthropic):
    """What asks a client."""

    async def ask(request: Request, answer: Answer) -> None:
        came = await client.messages.create(
            model=request.model,
            max_tokens=request.max_tokens or MAX_TOKENS,
            messages=request.messages,
            stream=request.stream,
            extra_headers=request.headers,
        )
        if not request.stream:
            answer.model = came.model
            answer.add("".join(block.text for block in came.content if block.type == "text"))
            answer.uses(came.usage.input_tokens, came.usage.output_tokens)
            return
        input_tokens = None
        async for event in came:
            if event.type == "message_start":
                answer.model, input_tokens = event.message.model, event.message.usage.input_tokens
            elif event.type == "content_block_delta" and event.delta.type == "text_delta":
                answer.add(event.delta.text)
            elif event.type == "message_delta":
                answer.uses(input_tokens, event.usage.output_tokens)

    return ask


async def main() -> None:
    async with anthropic.AsyncAnthropic(**sdk_options("Anthropic")) as client:
        await serve(asker(client))


if __name__ == "__main__":
    asyncio.run(main())
