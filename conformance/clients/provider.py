"""Evaluates cases through a real OpenFeature provider. Knows nothing of Tenure but where it is.

  CASES      a file of {"cases": [{"name", "flag", "type", "default", "context", "expect"}]}
  MODE       ofrep, rpc or in-process
  URL        for ofrep: the server's address
  TOKEN      for ofrep: a token that may evaluate
  HOST_PORT  for rpc and in-process: host:port of a listener that asks for no credential
  CA_FILE, CERT_FILE, KEY_FILE
             for rpc and in-process: the authority of the listener's certificate, and a certificate to show

Prints one JSON object a case, {"name", "problems"}; a case without problems passed.
"""

import json
import logging
import os
from pathlib import Path

import grpc
from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import CacheType, ResolverType
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

# The SDK logs every evaluation that answers with the code default; the cases ask for some.
logging.disable(logging.CRITICAL)


def main():
    cases = json.loads(Path(os.environ["CASES"]).read_text("utf-8"))["cases"]
    api.set_provider_and_wait(provider())
    client = api.get_client()
    for case in cases:
        found = problems(case["expect"], evaluate(client, case))
        print(json.dumps({"name": case["name"], "problems": found}))
    api.shutdown()


def provider():
    mode = os.environ["MODE"]
    if mode == "ofrep":
        headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
        return OFREPProvider(os.environ["URL"], headers_factory=lambda: headers)
    host, port = os.environ["HOST_PORT"].split(":")
    return FlagdProvider(
        host=host,
        port=int(port),
        resolver_type=ResolverType.RPC if mode == "rpc" else ResolverType.IN_PROCESS,
        cache=CacheType.DISABLED,
        deadline_ms=10_000,
        channel_credentials=credentials(),
    )


def credentials():
    if "CA_FILE" not in os.environ:
        return None
    parts = [os.environ.get(name) for name in ("CA_FILE", "KEY_FILE", "CERT_FILE")]
    authority, key, certificate = [Path(part).read_bytes() if part else None for part in parts]
    return grpc.ssl_channel_credentials(authority, key, certificate)


def evaluate(client, case):
    ask = {
        "boolean": client.get_boolean_details,
        "string": client.get_string_details,
        "integer": client.get_integer_details,
        "float": client.get_float_details,
        "object": client.get_object_details,
    }[case["type"]]
    context = dict(case["context"])
    unit = context.pop("targetingKey", None)
    return ask(case["flag"], case["default"], EvaluationContext(unit, context))


def problems(expect, details):
    """What of the answer is not as expected, in words; what is not expected is not looked at."""
    found = []

    def compare(field, expected, got):
        if expected != got:
            found.append(f"{field}: expected {expected!r}, got {got!r}")

    if "value" in expect:
        compare("value", expect["value"], details.value)
    if "reason" in expect:
        compare("reason", expect["reason"], text(details.reason))
    if expect.get("errorCode"):
        compare("error code", expect["errorCode"], text(details.error_code))
    if "variant" in expect:
        compare("variant", expect["variant"], details.variant)
    for name, value in expect.get("metadata", {}).items():
        compare(f"metadata.{name}", value, details.flag_metadata.get(name))
    if expect.get("noMetadata"):
        compare("metadata", {}, dict(details.flag_metadata))
    if found and details.error_message:
        found.append(f"the client said: {details.error_message}")
    return found


def text(value):
    """The SDK's enumerations carry their wire name; a reason may also be plain text."""
    return getattr(value, "value", value)


if __name__ == "__main__":
    main()
