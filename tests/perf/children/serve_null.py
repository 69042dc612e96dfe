"""Answer every chat question at once with the same words, over kept connections; prints its address, then waits.

The least that a server can do: a request is read to its end and not looked at. Ends when its standard input is closed.
"""

import asyncio
import json
import sys

ANSWER = json.dumps(
    {
        "id": "null",
        "object": "chat.completion",
        "model": "null",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "null words"}}],
    }
).encode()
REPLY = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER) + ANSWER
MODELS = json.dumps({"object": "list", "data": [{"id": "null", "object": "model"}]}).encode()
LISTED = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(MODELS) + MODELS
LARGEST_HEAD = 1 << 16


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer all that comes over one connection."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = next((line for line in head.split(b"\r\n") if line.startswith(b"content-length:")), b":0")
            await reader.readexactly(int(length.partition(b":")[2]))
            writer.write(LISTED if head.startswith(b"get ") else REPLY)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=LARGEST_HEAD)
    print(json.dumps({"url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
