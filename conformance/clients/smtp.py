"""A mail server that keeps nothing: prints every mail it takes as a line of JSON. Knows nothing of Tenure.

  SMTP_REFUSE           optional: an address that does not exist here
  SMTP_CERTIFICATE      optional: PEM file of certificate and key; then STARTTLS is required

Prints {"port": N} first, then {"from", "to", "headers", "text", "html"} for each mail. Ends when its input ends.
"""

import json
import os
import socket
import ssl
import sys
from email import message_from_bytes
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP


class Taker:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == os.environ.get("SMTP_REFUSE"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content, policy=default)
        parts = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
        say({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "headers": {name.lower(): str(value) for name, value in mail.items()},
            "text": parts.get("text/plain"),
            "html": parts.get("text/html"),
            "tls": session.ssl is not None,
        })
        return "250 taken"


class TlsController(Controller):
    def factory(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.environ["SMTP_CERTIFICATE"])
        return SMTP(self.handler, tls_context=context, require_starttls=True)


def say(line):
    print(json.dumps(line), flush=True)


def main():
    kind = TlsController if os.environ.get("SMTP_CERTIFICATE") else Controller
    # The library connects to its own port at start, so it has to be told one.
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = kind(Taker(), hostname="127.0.0.1", port=port)
    controller.start()
    say({"port": port})
    sys.stdin.read()
    controller.stop()


if __name__ == "__main__":
    main()
