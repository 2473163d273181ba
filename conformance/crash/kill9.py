"""Kills the real server with SIGKILL at random points under load, again and again, and then looks at every event: each one
that was acknowledged is in the log exactly once, each other one once or not at all.

  kill9.py BINARY [--kills 200] [--seed 1] [--clients 8]     SIGKILL under load
  kill9.py BINARY --full                                     a disk that really fills (needs unshare and mount)
  kill9.py BINARY --trace                                    no acknowledgement before its sync (needs strace)

The log is read with PyArrow from its own files: segments not sealed yet, and the sealed files that the catalogue names.
Exits 1 when something is lost, doubled or acknowledged too early. A seed replays the points of the kills, not the
interleaving of the threads.
"""

import argparse
import atexit
import collections
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

BATCH = (1, 10, 100)
PASSWORD = "correct horse battery"


class Server:
    """The real server in a folder, on a port of its own choice."""

    def __init__(self, binary, folder, before=()):
        self.log = open(folder / "server.log", "ab")
        start = self.log.tell()
        command = [*before, binary, "serve", "--data-dir", str(folder / "data"), "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stderr=self.log, stdout=self.log, start_new_session=True)
        # Also when this is interrupted, no server stays behind.
        atexit.register(self.end)
        deadline = time.monotonic() + 60
        self.url = None
        while self.url is None:
            said = (folder / "server.log").read_bytes()[start:].decode(errors="replace")
            found = re.search(r"serving on (http://\S+)", said)
            self.url = found and found.group(1)
            self.code = (re.search(r"--code (\S+)", said) or [None, None])[1]
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the server did not start:\n{said}")
            time.sleep(0.01)

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        atexit.unregister(self.end)

    def end(self):
        if self.process.poll() is None:
            self.kill()

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(60)

    def call(self, path, body, token=None, kind="application/json"):
        request = urllib.request.Request(self.url + path, data=body, headers={"Content-Type": kind}, method="POST")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def token(self):
        claim = {"code": self.code, "login": "admin@example.com", "password": PASSWORD}
        admin = self.call("/api/v1/setup", json.dumps(claim).encode())["token"]
        new = {"name": "load", "scopes": ["ingest"]}
        return self.call("/api/v1/tokens", json.dumps(new).encode(), admin)["token"]


class Load:
    """Clients that send batches of events with ids of their own, and remember what was acknowledged."""

    def __init__(self, token):
        self.token, self.lock = token, threading.Lock()
        self.acknowledged, self.attempted, self.refused = set(), set(), collections.Counter()
        self.number = 0

    def run(self, server, clients, stop):
        threads = [threading.Thread(target=self.client, args=(server, stop)) for _ in range(clients)]
        for thread in threads:
            thread.start()
        return threads

    def client(self, server, stop):
        while not stop.is_set():
            try:
                self.send(server)
            except (urllib.error.URLError, ConnectionError, TimeoutError, OSError, ValueError):
                return

    def send(self, server, count=None):
        with self.lock:
            count = count or random.choice(BATCH)
            ids = [f"e{self.number + offset}" for offset in range(count)]
            self.number += count
            self.attempted.update(ids)
        lines = (
            json.dumps({"type": "outcome", "unit": f"u{hash(i) % 997}", "event": "visit", "id": i, "value": 1.5})
            for i in ids
        )
        answer = server.call("/api/v1/events", "\n".join(lines).encode(), self.token, "application/x-ndjson")
        assert answer["accepted"] == count, answer
        with self.lock:
            self.acknowledged.update(ids)


def events_in(folder):
    """The id of every event in the log, as often as it stands there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    log = folder / "data" / "events"
    found, sealed_through = collections.Counter(), 0
    generations = sorted((log / "sealed" / "catalogue").glob("*.json"))
    if generations:
        catalogue = json.loads(generations[-1].read_text())
        sealed_through = catalogue["sealed_through"]
        for file in catalogue["files"]:
            found.update(pq.read_table(log / "sealed" / file["path"], columns=["id"])["id"].to_pylist())
    for segment in sorted((log / "segments").glob("segment-*.arrows")):
        if int(segment.stem.split("-")[1]) <= sealed_through:
            continue
        with pa.OSFile(str(segment)) as source:
            reader = pa.ipc.open_stream(source)
            try:
                for batch in reader:
                    found.update(batch.column("id").to_pylist())
            except pa.ArrowInvalid:
                pass  # a torn end; the log is opened once more before it is read, so there is none
    return found


def verdict(folder, load, said):
    found = events_in(folder)
    doubled = [i for i, times in found.items() if times > 1]
    lost = load.acknowledged - found.keys()
    invented = found.keys() - load.attempted
    unacknowledged = len(found.keys() - load.acknowledged)
    print(
        f"{said}: {len(load.acknowledged):,} acknowledged, {len(lost)} lost, {len(doubled)} twice, {len(invented)} invented; "
        f"{unacknowledged:,} of {len(load.attempted - load.acknowledged):,} unacknowledged are there"
    )
    return not (lost or doubled or invented) and bool(load.acknowledged)


def kill_again_and_again(args, folder):
    random.seed(args.seed)
    server = Server(args.binary, folder)
    load = Load(server.token())
    for kill in range(args.kills):
        stop = threading.Event()
        threads = load.run(server, args.clients, stop)
        time.sleep(random.uniform(0.01, 0.4))
        server.kill()
        stop.set()
        for thread in threads:
            thread.join()
        server = Server(args.binary, folder)
        if kill % 20 == 19:
            print(f"{kill + 1} kills, {len(load.acknowledged):,} acknowledged", file=sys.stderr)
    server.stop()
    return verdict(folder, load, f"{args.kills} kills under load of {args.clients} clients, seed {args.seed}")


def fill_up(args, folder):
    """In a mount namespace of its own, where a small tmpfs is the data folder."""
    if not args.inside:
        script = 'mount -t tmpfs -o size=24m tmpfs "$0/data" && exec "$@"'
        (folder / "data").mkdir()
        again = [sys.executable, __file__, args.binary, "--full", "--inside", str(folder)]
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, str(folder), *again]
        return subprocess.run(command, check=False).returncode == 0
    server = Server(args.binary, folder)
    load = Load(server.token())
    ballast = folder / "data" / "ballast"
    ballast.write_bytes(bytes(8 << 20))
    full = None
    while full is None:
        try:
            load.send(server, 100)
        except urllib.error.HTTPError as error:
            full = (error.code, json.load(error)["detail"])
    print(f"full after {len(load.acknowledged):,} events: {full[0]} {full[1]}")
    assert full[0] == 503 and "full" in full[1], full
    ballast.unlink()
    for _ in range(20):
        load.send(server, 100)
    server.kill()
    server = Server(args.binary, folder)
    server.stop()
    return verdict(folder, load, "a full disk, then room, then SIGKILL")


def trace(args, folder):
    """One client, so that what is written, synced and answered is one sequence."""
    calls = folder / "calls"
    watch = ["strace", "-f", "-y", "-qq", "-s", "16", "-e", "trace=pwrite64,fdatasync,fsync,writev,sendto,write", "-o", str(calls)]
    server = Server(args.binary, folder, watch)
    load = Load(server.token())
    at = len(calls.read_text().splitlines())
    for _ in range(args.kills):
        load.send(server, 10)
    server.kill()
    answers = early = syncs = 0
    unsynced, unfinished = set(), {}
    for line in calls.read_text().splitlines()[at:]:
        thread, call = line.split(maxsplit=1)
        if call.endswith("<unfinished ...>"):
            unfinished[thread] = call
            continue
        if call.startswith("<..."):
            call = unfinished.pop(thread, "") + call
        name, _, rest = call.partition("(")
        file = re.match(r"\d+<[^>]*segment-\d+\.arrows>", rest)
        if file and name == "pwrite64":
            unsynced.add(file.group())
        elif file and name in ("fdatasync", "fsync") and "= 0" in call:
            unsynced.discard(file.group())
            syncs += 1
        elif name in ("writev", "sendto", "write") and "HTTP/1.1 200" in call:
            # Something was synced for this answer, and nothing that was written waits for it.
            early += bool(unsynced) or syncs == 0
            answers, syncs = answers + 1, 0
    print(f"{answers} answers traced, {early} before the sync of what they acknowledge")
    return answers >= args.kills and early == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.binary = str(Path(args.binary).resolve())
    folder = Path(args.inside or tempfile.mkdtemp(prefix="tenure-crash-"))
    way = fill_up if args.full else trace if args.trace else kill_again_and_again
    held = way(args, folder)
    if not args.inside and held:
        shutil.rmtree(folder, ignore_errors=True)
    elif not held:
        print(f"kept for a look: {folder}", file=sys.stderr)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
