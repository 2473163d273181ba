"""Evaluates the cases of cases.json, and optionally a flag in a rollout, through the real OpenFeature
SDK and its OFREP provider. Knows nothing of Tenure but its address and a token.

  TENURE_URL            base address, e.g. http://127.0.0.1:8016
  TENURE_TOKEN          a token that may evaluate
  TENURE_ROLLOUT_FLAG   optional: key of a boolean flag in a rollout, randomised by targetingKey

Prints a line a case and "N passed, N failed"; exits 1 on a failure, 2 on a missing variable.
"""

import hashlib
import json
import logging
import os
import sys
from pathlib import Path

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

CLIENT = "python"
ROLLOUT_UNITS = 200
ROLLOUT_VARIANTS = ("treatment", "control", "off")

# The SDK logs every evaluation that answers with the code default; the cases below ask for some.
logging.getLogger("openfeature").setLevel(logging.CRITICAL)


def main():
    url, token = required("TENURE_URL"), required("TENURE_TOKEN")
    rollout_flag = os.environ.get("TENURE_ROLLOUT_FLAG")
    clients = Clients(url)
    tally = Tally()

    cases = json.loads(Path(__file__).with_name("cases.json").read_text("utf-8"))["cases"]
    for case in cases:
        details = evaluate(clients.with_token(case.get("token", token)), case)
        expect = case["expect"] | case.get(CLIENT, {})
        tally.report(case["name"], differences(expect, details))
    if rollout_flag:
        check_rollout(clients.with_token(token), rollout_flag, tally)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


class Clients:
    """One client a token: a provider carries its token in its headers."""

    def __init__(self, url):
        self.url = url
        self.known = {}

    def with_token(self, token):
        if token not in self.known:
            headers = {"Authorization": f"Bearer {token}"}
            api.set_provider(OFREPProvider(self.url, headers_factory=lambda: headers), token)
            self.known[token] = api.get_client(token)
        return self.known[token]


def evaluate(client, case):
    kind, default = case["type"], case["default"]
    ask = {
        "boolean": client.get_boolean_details,
        "string": client.get_string_details,
        "number": client.get_float_details if isinstance(default, float) else client.get_integer_details,
        "object": client.get_object_details,
    }[kind]
    return ask(case["flag"], default, context_of(case["context"]))


def context_of(context):
    attributes = {name: value for name, value in context.items() if name != "targetingKey"}
    return EvaluationContext(context.get("targetingKey"), attributes)


def differences(expect, details):
    """What of the answer is not as expected, in words; a field that is not expected is not looked at."""
    found = []

    def compare(field, expected, got):
        if expected != got or type(expected) is not type(got):
            found.append(f"{field}: expected {expected!r}, got {got!r}")

    compare("value", expect["value"], details.value)
    compare("error", expect.get("error"), text(details.error_code))
    if "variant" in expect:
        compare("variant", expect["variant"], details.variant)
    if "reason" in expect:
        compare("reason", expect["reason"], text(details.reason))
    for name, value in expect.get("metadata", {}).items():
        compare(f"metadata.{name}", value, details.flag_metadata.get(name))
    if found and details.error_message:
        found.append(f"the client said: {details.error_message}")
    return found


def check_rollout(client, flag, tally):
    """A unit keeps its variant, a variant has one value, and the digest lets two languages be compared."""
    problems = []
    digest = hashlib.sha256()
    counts = dict.fromkeys(ROLLOUT_VARIANTS, 0)
    values = {}
    for index in range(ROLLOUT_UNITS):
        unit = f"conformance-unit-{index:03}"
        first = client.get_boolean_details(flag, False, EvaluationContext(unit))
        again = client.get_boolean_details(flag, False, EvaluationContext(unit))
        if first.error_code:
            problems.append(f"{unit}: {text(first.error_code)} {first.error_message or ''}")
        if not isinstance(first.value, bool):
            problems.append(f"{unit}: value {first.value!r} is not boolean")
        if first.variant not in counts:
            problems.append(f"{unit}: variant {first.variant!r}")
        if text(first.reason) == "STATIC":
            problems.append(f"{unit}: reason STATIC would be cached by a client")
        if (again.variant, again.value) != (first.variant, first.value):
            problems.append(f"{unit}: {first.variant} at first, then {again.variant}")
        counts[first.variant] = counts.get(first.variant, 0) + 1
        if values.setdefault(first.variant, first.value) != first.value:
            problems.append(f"{unit}: {first.variant} has two values")
        digest.update(f"{unit}={first.variant}\n".encode())
    if "control" in values and "treatment" in values and values["control"] == values["treatment"]:
        problems.append("treatment and control serve the same value")
    if "control" in values and "off" in values and values["control"] != values["off"]:
        problems.append("control does not serve the old value")
    shown = ", ".join(f"{variant} {count}" for variant, count in counts.items())
    tally.report(f"rollout {flag}: {ROLLOUT_UNITS} units, {shown}", problems)

    nobody = client.get_boolean_details(flag, False, EvaluationContext())
    old = values.get("control", values.get("off", False))
    tally.report(
        f"rollout {flag}: without a unit, the old value",
        differences({"value": old, "reason": "DEFAULT"}, nobody),
    )
    print(f"assignments {digest.hexdigest()}")


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def report(self, name, problems):
        if not problems:
            self.passed += 1
            print(f"ok      {name}")
            return
        self.failed += 1
        print(f"FAILED  {name}")
        for problem in problems:
            print(f"          {problem}")


def text(value):
    """The SDK's enumerations carry their wire name; a reason may also be plain text."""
    return getattr(value, "value", value)


def required(name):
    value = os.environ.get(name)
    if not value:
        print(f"{name} is not set", file=sys.stderr)
        raise SystemExit(2)
    return value


if __name__ == "__main__":
    raise SystemExit(main())
