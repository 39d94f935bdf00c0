"""SDKs and routers as programs that Squall tests in place of a gateway: `docs/TARGETS.md`, "Programs as targets".

Each module is a program that reads a request from every line of standard input and writes an answer to a line of standard
output. A program of your own is a call of `serve` with a coroutine:

    import asyncio
    from squall_pytest.adapters import Answer, serve

    async def ask(request, answer):
        async for text in my_client.stream(request.prompt, headers=request.headers):
            answer.add(text)

    asyncio.run(serve(ask))
"""

from squall_pytest.adapters.protocol import Answer, Request, serve

__all__ = ["Answer", "Request", "serve"]
