"""A receiver of webhooks: verifies every message with the Standard Webhooks library and prints it as a line of JSON.

  WEBHOOK_FAIL          optional: how many requests are answered 500 before any is taken

Prints {"port": N} first, then {"id", "headers", "body", "verified", "refused"} for each request. `verified` lists which of the
secrets, given one a line on standard input, the message was signed with. Ends when its input ends.
"""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

secrets = []
failing = int(os.environ.get("WEBHOOK_FAIL", "0"))


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        global failing
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        refused = failing > 0
        failing -= refused
        self.send_response(500 if refused else 204)
        self.end_headers()
        say({
            "id": self.headers.get("webhook-id"),
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": json.loads(body),
            "verified": [secret for secret in secrets if verifies(secret, body, self.headers)],
            "refused": bool(refused),
        })

    def log_message(self, *_):
        pass


def verifies(secret, body, headers):
    try:
        Webhook(secret).verify(body, dict(headers))
        return True
    except WebhookVerificationError:
        return False


def say(line):
    print(json.dumps(line), flush=True)


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say({"port": server.server_port})
    for line in sys.stdin:
        secrets.append(line.strip())
        say({"secrets": len(secrets)})


if __name__ == "__main__":
    main()
