"""Follows a stream of events with one of Python's clients, and prints what each event says, a line each."""

import asyncio
import sys

which, url = sys.argv[1:]


def heard(data):
    print(data, flush=True)


def with_requests():
    import requests

    with requests.get(url, stream=True, timeout=60) as answer:
        for line in answer.iter_lines(decode_unicode=True):
            if line.startswith("data: "):
                heard(line.removeprefix("data: "))


def with_chunks():
    import requests

    with requests.get(url, stream=True, timeout=60) as answer:
        for chunk in answer.iter_content(chunk_size=None):
            for line in chunk.decode().splitlines():
                if line.startswith("data: "):
                    heard(line.removeprefix("data: "))


def with_sseclient():
    import requests
    import sseclient

    with requests.get(url, stream=True, headers={"accept": "text/event-stream"}, timeout=60) as answer:
        for event in sseclient.SSEClient(answer).events():
            heard(event.data)


def with_httpx():
    import httpx
    import httpx_sse

    with httpx.Client(timeout=60) as client, httpx_sse.connect_sse(client, "GET", url) as source:
        for event in source.iter_sse():
            heard(event.data)


async def follow_aiohttp(chunks):
    import aiohttp

    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        if chunks:
            # Chunks as they were sent, not as they were read from the socket.
            async for chunk, end in answer.content.iter_chunks():
                assert end, "an event in two chunks"
                for line in chunk.decode().splitlines():
                    if line.startswith("data: "):
                        heard(line.removeprefix("data: "))
            return
        async for line in answer.content:
            if line.startswith(b"data: "):
                heard(line.decode().removeprefix("data: ").strip())


def with_urllib():
    import urllib.request

    with urllib.request.urlopen(url, timeout=60) as answer:
        for line in answer:
            if line.startswith(b"data: "):
                heard(line.decode().removeprefix("data: ").strip())


clients = {
    "requests": with_requests,
    "requests-chunks": with_chunks,
    "sseclient-py": with_sseclient,
    "httpx-sse": with_httpx,
    "aiohttp": lambda: asyncio.run(follow_aiohttp(False)),
    "aiohttp-chunks": lambda: asyncio.run(follow_aiohttp(True)),
    "urllib": with_urllib,
}
clients[which]()
