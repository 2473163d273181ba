#!/usr/bin/env python3
"""What a server with many flags takes, and how quickly a change reaches those who follow.

    TENURE_BIN=target/release/tenure bench/served/run.py [--flags 10000] [--followers 1000]

Starts the server in a folder of its own, defines the flags in three environments by the API, and prints resident memory,
the time a change of one flag takes, and the time until the last of so many OFREP event streams and as many sync streams
of flagd (Connect) has been told of it. Needs nothing but Python 3.
"""

import argparse
import asyncio
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import time

ENVIRONMENTS = ["production", "staging", "test"]


def flag(n):
    """Three conditions and a split, as flags have them."""
    return {
        "type": "boolean",
        "variants": {"on": True, "off": False},
        "default": "off",
        "rules": [
            {"name": "staff", "when": [{"attribute": "email", "is": "ends_with", "values": ["@example.com"]}], "serve": "on"},
            {
                "when": [
                    {"attribute": "country", "values": ["DE", "AT", "CH"]},
                    {"attribute": "plan", "values": ["team"]},
                    {"attribute": "seats", "is": "at_least", "values": [n % 50]},
                ],
                "serve": {"split": [{"variant": "on", "percent": 20}, {"variant": "off", "percent": 80}]},
            },
        ],
    }


class Connection:
    """One HTTP/1.1 connection that is kept."""

    def __init__(self, host, port, token):
        self.host, self.port, self.token = host, port, token
        self.reader = self.writer = None

    async def ask(self, method, path, body=None):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port, limit=1 << 26)
        text = b"" if body is None else json.dumps(body).encode()
        auth = f"authorization: Bearer {self.token}\r\n" if self.token else ""
        head = (
            f"{method} {path} HTTP/1.1\r\nhost: {self.host}\r\n{auth}content-type: application/json\r\n"
            f"content-length: {len(text)}\r\n\r\n"
        )
        self.writer.write(head.encode() + text)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        status = int(head.split(" ", 2)[1])
        length = re.search(r"content-length: (\d+)", head, re.I)
        if length:
            answer = await self.reader.readexactly(int(length[1]))
        else:
            answer = b""
            while True:
                size = int(await self.reader.readline(), 16)
                answer += await self.reader.readexactly(size)
                await self.reader.readline()
                if size == 0:
                    break
        if status >= 300:
            sys.exit(f"{method} {path}: {status} {answer.decode()[:500]}")
        return json.loads(answer) if answer else None

    async def give(self, name, arguments):
        return await self.ask("POST", "/api/v1/commands", {"do": name, "with": arguments})


def rss_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) / 1024


async def follow(host, port, request, told):
    """Opens a stream; calls back with the time of every chunk behind the answer's head."""
    reader, writer = await asyncio.open_connection(host, port, limit=1 << 26)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        sys.exit(f"a stream was refused: {head.decode()[:300]}")

    async def read():
        while chunk := await reader.read(1 << 20):
            told(chunk, time.perf_counter())

    return asyncio.create_task(read()), writer


async def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--flags", type=int, default=10_000)
    arguments.add_argument("--followers", type=int, default=1_000)
    arguments = arguments.parse_args()
    binary = os.environ.get("TENURE_BIN", "target/release/tenure")
    folder = tempfile.TemporaryDirectory()
    port = 18_400 + os.getpid() % 1_000
    server = subprocess.Popen(
        [binary, "serve", "--data-dir", folder.name, "--listen", f"127.0.0.1:{port}"],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "TENURE_LOG": "warn"},
    )
    try:
        await measure(server, port, arguments)
    finally:
        server.terminate()
        server.wait()


async def measure(server, port, arguments):
    host, code = "127.0.0.1", None
    for line in server.stderr:
        found = re.search(r"--code (\S+)", line)
        code = found[1] if found else code
        if "serving on" in line:
            break
    claim = {"code": code, "login": "bench@example.com", "password": "correct horse battery"}
    token = (await Connection(host, port, None).ask("POST", "/api/v1/setup", claim))["token"]
    admin = Connection(host, port, token)
    await admin.give("grant_role", {"account": "bench", "role": "developer"})
    print(f"memory of the empty server: {rss_mib(server.pid):.0f} MiB")

    async def define(part, parts):
        own = Connection(host, port, token)
        for n in range(part, arguments.flags, parts):
            for environment in ENVIRONMENTS:
                await own.give("set_flag", {"key": f"flag-{n:06}", "environment": environment, "authored": flag(n)})

    begun = time.perf_counter()
    await asyncio.gather(*(define(part, 4) for part in range(4)))
    print(f"{arguments.flags} flags in {len(ENVIRONMENTS)} environments, defined in {time.perf_counter() - begun:.0f} s")
    print(f"memory: {rss_mib(server.pid):.0f} MiB (bound 150 MiB)")

    # The server has closed what was idle meanwhile.
    admin = Connection(host, port, token)
    changes = []
    for n in range(20):
        begun = time.perf_counter()
        await admin.give("set_flag", {"key": "flag-000000", "authored": flag(n + 1)})
        changes.append(time.perf_counter() - begun)
    changes.sort()
    print(f"a change of one flag, until it is acknowledged and served: median {1e3 * changes[10]:.1f} ms, worst {1e3 * changes[-1]:.1f} ms")

    # Streams are told of a change in an environment with few flags: what is measured is how many hear, not how much.
    await admin.give("set_flag", {"key": "told", "environment": "followed", "authored": flag(0)})
    made = {"name": "followed", "scopes": ["evaluate", "sync"], "environment": "followed"}
    follower = (await admin.ask("POST", "/api/v1/tokens", made))["token"]
    bulk = await Connection(host, port, follower).ask("POST", "/ofrep/v1/evaluate/flags", {"context": {"targetingKey": "u"}})
    url = bulk["eventStreams"][0]["url"]
    path = url[url.index("/ofrep"):]
    sse = f"GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode()
    message = b"\0" + struct.pack(">I", 2) + b"{}"
    sync = (
        f"POST /flagd.sync.v1.FlagSyncService/SyncFlags HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {follower}\r\n"
        f"content-type: application/connect+json\r\ncontent-length: {len(message)}\r\n\r\n"
    ).encode() + message
    heard = {}

    def told(kind, number):
        def note(chunk, at):
            if (b"refetchEvaluation" if kind == "SSE" else b"flagConfiguration") in chunk:
                heard[(kind, number)] = at
        return note

    for kind, request in [("SSE", sse), ("sync", sync)]:
        opened = [await follow(host, port, request, told(kind, n)) for n in range(arguments.followers)]
        for _ in range(100):
            if kind == "SSE" or len(heard) >= arguments.followers:
                break
            await asyncio.sleep(0.1)
        times = []
        for n in range(5):
            heard.clear()
            begun = time.perf_counter()
            await admin.give("set_flag", {"key": "told", "environment": "followed", "authored": flag(n + 1)})
            for _ in range(1_000):
                if len(heard) >= arguments.followers:
                    break
                await asyncio.sleep(0.01)
            if len(heard) < arguments.followers:
                sys.exit(f"only {len(heard)} of {arguments.followers} {kind} streams were told")
            times.append(max(heard.values()) - begun)
        times.sort()
        print(
            f"{arguments.followers} {kind} streams: the last is told {1e3 * times[2]:.0f} ms after the change was asked for"
            f" (median of 5; worst {1e3 * times[-1]:.0f} ms; bound 500 ms)"
        )
        for task, writer in opened:
            task.cancel()
            writer.close()
        heard.clear()
    print(f"memory at the end: {rss_mib(server.pid):.0f} MiB")


if __name__ == "__main__":
    asyncio.run(main())
