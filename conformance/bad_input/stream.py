"""Sends the real server a stream of NDJSON whose length nobody announced, and watches its memory and its other work.

  stream.py BINARY [--mib 1024]

The answer must be a clear 413 long before the stream's end, or the end of the connection; meanwhile events of others are
accepted and the server's memory stays within 128 MiB of what it was. Exits 1 otherwise.
"""

import argparse
import json
import re
import socket
import sys
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "crash"))
from kill9 import Server  # noqa: E402

GROWTH_MIB_MAX = 128
LINE = b'{"type":"outcome","unit":"customer-000000001","event":"purchase","value":12.5,"attributes":{"country":"SE"}}\n'


def memory_mib(server):
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) // 1024


def others(server, token, stop, latencies):
    """Somebody else, who sends one event after the other."""
    while not stop.is_set():
        started = time.monotonic()
        answer = server.call("/api/v1/events", json.dumps({"type": "outcome", "unit": "u1", "event": "visit"}).encode(), token)
        assert answer["accepted"] == 1, answer
        latencies.append(time.monotonic() - started)


def stream(server, token, mib):
    """The first line of the answer, and how much was sent."""
    address = urllib.parse.urlparse(server.url)
    connection = socket.create_connection((address.hostname, address.port), timeout=30)
    head = (
        f"POST /api/v1/events HTTP/1.1\r\nHost: tenure\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    lines = LINE * ((1 << 20) // len(LINE))
    chunk = f"{len(lines):x}\r\n".encode() + lines + b"\r\n"
    sent, answer = 0, b""
    try:
        connection.sendall(head.encode())
        while sent < mib << 20:
            connection.sendall(chunk)
            sent += len(lines)
        connection.sendall(b"0\r\n\r\n")
    except OSError:
        pass
    try:
        answer = connection.recv(4096)
    except OSError:
        pass
    return answer.decode(errors="replace").split("\r\n")[0], sent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--mib", type=int, default=1024)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(arguments.binary, Path(folder))
        try:
            token = server.token()
            latencies, stop = [], threading.Event()
            other = threading.Thread(target=others, args=(server, token, stop, latencies))
            other.start()
            time.sleep(1)
            before = memory_mib(server)
            answers = [stream(server, token, arguments.mib) for _ in range(3)]
            after = memory_mib(server)
            stop.set()
            other.join()
        finally:
            server.kill()
    for answer, sent in answers:
        print(f"{sent >> 20} of {arguments.mib} MiB were read; the answer: {answer or 'the connection was closed'}")
    latencies.sort()
    print(f"memory: {before} MiB before, at most {after} MiB; {len(latencies)} events of others meanwhile, the slowest in {latencies[-1] * 1e3:.0f} ms")
    refused = all(sent < arguments.mib << 20 and answer[:12] in ("HTTP/1.1 413", "") for answer, sent in answers)
    told = any(answer for answer, _ in answers)
    if not (refused and told and after - before <= GROWTH_MIB_MAX):
        raise SystemExit("FAILED")


if __name__ == "__main__":
    main()
