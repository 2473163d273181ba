#!/usr/bin/env python3
"""Evaluations a second over HTTP, beside Unleash Edge on the same machine in the same run.

    TENURE_BIN=target/release/tenure bench/served/requests.py [--seconds 10] [--rounds 3]

Both servers hold the same flags (three conditions, then a fifth of the users), run without limits, and answer the same users:
one flag, and all flags at once. `wrk` asks over 64 connections; as it shares the processors with the server it asks, the
processor time a request takes is shown beside. The rounds of the two alternate, and the median round counts. Unleash Edge
(crates.io, without its store in S3) is installed into `$TENURE_CACHE`, and runs offline from a file.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from run import Connection

EDGE = "19.15.1"
CACHE = Path(os.environ.get("TENURE_CACHE", Path.home() / ".cache/tenure"))
CONNECTIONS = 64
TICKS = os.sysconf("SC_CLK_TCK")
SEATS = 20


def ours(n):
    return {
        "type": "boolean",
        "variants": {"on": True, "off": False},
        "default": "off",
        "rules": [{
            "when": [
                {"attribute": "country", "values": ["DE", "AT", "CH"]},
                {"attribute": "plan", "values": ["team"]},
                {"attribute": "seats", "is": "at_least", "values": [SEATS]},
            ],
            "serve": {"split": [{"variant": "on", "percent": 20}, {"variant": "off", "percent": 80}]},
        }],
    }


def theirs(n):
    def constraint(name, operator, **values):
        return {"contextName": name, "operator": operator, "caseInsensitive": False, "inverted": False, **values}

    return {
        "name": f"flag-{n:06}", "type": "release", "enabled": True, "project": "default", "stale": False,
        "impressionData": False, "variants": [],
        "strategies": [{
            "name": "flexibleRollout",
            "parameters": {"rollout": "20", "stickiness": "userId", "groupId": f"flag-{n:06}"},
            "constraints": [
                constraint("country", "IN", values=["DE", "AT", "CH"]),
                constraint("plan", "IN", values=["team"]),
                constraint("seats", "NUM_GTE", value=str(SEATS)),
            ],
            "variants": [],
        }],
    }


# A user of a hundred thousand, all of whom meet the conditions.
LUA = """
local n = 0
request = function()
  n = (n * 48271 + 11) % 100003
  return wrk.format("POST", "{path}", {{["content-type"] = "application/json", ["authorization"] = "{auth}"}},
    string.format('{body}', n))
end
done = function(summary, latency)
  local e = summary.errors
  print(string.format("RESULT %d %d %d %d", summary.requests, summary.duration, latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""
OUR_BODY = json.dumps({"context": {"targetingKey": "u%d", "country": "DE", "plan": "team", "seats": 40}})
THEIR_BODY = json.dumps({"userId": "u%d", "properties": {"country": "DE", "plan": "team", "seats": "40"}})


class Server:
    """A server, and how it is asked."""

    def __init__(self, name, process, port, auth, body, single, bulk):
        self.name, self.process, self.port, self.auth, self.body = name, process, port, auth, body
        self.paths = {"one flag": single, "all flags": bulk}

    def seconds(self):
        """What the processor worked for it."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(stat[11]) + int(stat[12])) / TICKS

    def load(self, what, seconds):
        """Requests a second, milliseconds within which 99 of 100 are answered, microseconds of the processor a request."""
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write(LUA.format(path=self.paths[what], auth=self.auth, body=self.body))
            script.flush()
            worked = self.seconds()
            answer = subprocess.run(
                ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", script.name, f"http://127.0.0.1:{self.port}"],
                capture_output=True, text=True, check=True,
            ).stdout
            worked = self.seconds() - worked
        requests, duration, p99, errors = map(int, re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", answer).groups())
        if errors:
            sys.exit(f"{self.name}, {what}: {errors} of {requests} requests failed\n{answer}")
        return requests / duration * 1e6, p99 / 1e3, worked / requests * 1e6

    async def ask(self, what):
        """An answer, to see that both evaluate."""
        own = Connection("127.0.0.1", self.port, None)
        own.reader, own.writer = await asyncio.open_connection(own.host, own.port, limit=1 << 26)
        text = (self.body % 7).encode()
        head = (
            f"POST {self.paths[what]} HTTP/1.1\r\nhost: x\r\nauthorization: {self.auth}\r\nconnection: close\r\n"
            f"content-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
        )
        own.writer.write(head.encode() + text)
        answer = (await own.reader.read()).decode()
        if " 200 " not in answer.split("\r\n")[0]:
            sys.exit(f"{self.name}, {what}: {answer[:500]}")
        return answer


async def tenure(folder, flags):
    binary, port = os.environ.get("TENURE_BIN", "target/release/tenure"), 18_500 + os.getpid() % 700
    process = subprocess.Popen(
        [binary, "serve", "--data-dir", f"{folder}/tenure", "--listen", f"127.0.0.1:{port}"],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "TENURE_LOG": "warn"},
    )
    code = None
    for line in process.stderr:
        found = re.search(r"--code (\S+)", line)
        code = found[1] if found else code
        if "serving on" in line:
            break
    claim = {"code": code, "login": "bench@example.com", "password": "correct horse battery"}
    admin = Connection("127.0.0.1", port, (await Connection("127.0.0.1", port, None).ask("POST", "/api/v1/setup", claim))["token"])
    await admin.give("grant_role", {"account": "bench", "role": "developer"})
    for n in range(flags):
        await admin.give("set_flag", {"key": f"flag-{n:06}", "authored": ours(n)})
    token = (await admin.ask("POST", "/api/v1/tokens", {"name": "bench", "scopes": ["evaluate"], "environment": "production"}))["token"]
    path = "/ofrep/v1/evaluate/flags"
    return Server("Tenure", process, port, f"Bearer {token}", OUR_BODY, f"{path}/flag-000042", path)


def edge(folder, flags):
    binary, port = CACHE / "unleash-edge/bin/unleash-edge", 19_300 + os.getpid() % 700
    if not binary.exists():
        print(f"installing unleash-edge {EDGE}, which takes some minutes", file=sys.stderr)
        subprocess.run(
            ["cargo", "install", "--quiet", "--locked", f"unleash-edge@{EDGE}", "--no-default-features", "--root", CACHE / "unleash-edge"],
            check=True,
        )
    file = Path(folder) / "edge.json"
    file.write_text(json.dumps({"version": 2, "features": [theirs(n) for n in range(flags)]}))
    token = "*:production.bench"
    process = subprocess.Popen(
        [binary, "--port", str(port), "--interface", "127.0.0.1", "offline", "--bootstrap-file", file,
         "--client-tokens", token, "--frontend-tokens", token],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "RUST_LOG": "error"},
    )
    for _ in range(100):
        if subprocess.run(["curl", "-sf", f"http://127.0.0.1:{port}/internal-backstage/health"], stdout=subprocess.DEVNULL).returncode == 0:
            break
        time.sleep(0.1)
    return Server("Unleash Edge", process, port, token, THEIR_BODY, "/api/frontend/features/flag-000042", "/api/frontend/all")


async def measure(flags, arguments):
    with tempfile.TemporaryDirectory() as folder:
        servers = []
        try:
            servers.append(await tenure(folder, flags))
            servers.append(edge(folder, flags))
            for what in ["one flag", "all flags"]:
                if what == "all flags" and flags > 1_000:
                    continue
                for server in servers:
                    answers = (await server.ask(what)).count('"variant"')
                    if what == "all flags" and answers != flags:
                        sys.exit(f"{server.name} answered {answers} of {flags} flags")
                    server.load(what, 2)
                rounds = {server.name: [] for server in servers}
                for _ in range(arguments.rounds):
                    for server in servers:
                        rounds[server.name].append(server.load(what, arguments.seconds))
                (ours, theirs) = (
                    [statistics.median(column) for column in zip(*rounds[server.name])] for server in servers
                )
                print(
                    f"| {what} of {flags:,} | {ours[0]:,.0f} | {theirs[0]:,.0f} | **{ours[0] / theirs[0]:.2f}** |"
                    f" {ours[1]:.1f} ms | {theirs[1]:.1f} ms | {ours[2]:.0f} µs | {theirs[2]:.0f} µs |",
                    flush=True,
                )
        finally:
            for server in servers:
                server.process.terminate()
                server.process.wait()


async def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seconds", type=int, default=10)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--flags", type=int, nargs="*", default=[100, 1_000, 10_000])
    arguments = arguments.parse_args()
    print("| asked | ours a second | Unleash Edge | ratio | our p99 | their p99 | our processor a request | theirs |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for flags in arguments.flags:
        await measure(flags, arguments)


if __name__ == "__main__":
    asyncio.run(main())
