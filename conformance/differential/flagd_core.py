"""Evaluates random flags with PyPI `openfeature-flagd-core` 2 and with Tenure, and prints where they differ.

    pip install 'openfeature-flagd-core>=2,<3'
    python flagd_core.py [--flags N] [--contexts N] [--seed N] [--batch COMMAND...]

COMMAND is given a file of flags as its last argument and answers lines on standard input as `tenure evaluate --batch`
does; by default `cargo run -q -p tenure-flags --example batch --`. Exit status 1 if there is an unexplained difference.

The rules use what both implementations define alike. They are known to differ, and are not compared, in:
  - JavaScript's coercions, where we follow jsonlogic.com (see jsonlogic.mjs) and flagd-core its Python library: the empty
    text as 0, null in `cat` and in `+`, `var` with a default on a null, equality of arrays, `%` of negatives, division by 0;
  - integers beyond 64 bits, which JSON readers here take for doubles and Python for integers of any size;
  - weights written with a point (`50.0`): a whole number to us, as to every JSON reader without an integer type;
  - integer flags written with a point (`10.0`): an integer to us, as above;
  - a boolean flag asked for as a float: a type mismatch to us, while in Python True is a number;
  - faults: flagd-core refuses the whole document, we only the flag; flagd-core notices an unknown operation when it runs,
    we when the flag is compiled;
  - a `$ref` inside `$evaluators`, which flagd-core replaces only if it stands after the rule that it names.
"""

import argparse
import copy
import json
import logging
import random
import subprocess
import sys
import tempfile

from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import OpenFeatureError

logging.disable(logging.CRITICAL)

TEXTS = ["", "a", "abc", "DE", "beta", "user@example.com", "z" * 30, "é", "日本", "😀"]
NUMBERS = [0, 1, -1, 7, 18, 23, 24, 255, 256, 65536, 2**31, 2**53, -(2**31), 0.5, -2.5, 1.1, 1e20, 3.5e38, 5e-324]
VERSIONS = ["1.0.0", "v1.2.3", "2", "2.1", "1.0.0-alpha.1", "1.0.0-beta", "1.0.0+b1", "10.0.0", "x", "1.0.0.0", "01.0.0"]
VARIANTS = ["one", "two", "three"]
ATTRIBUTES = ["plan", "age", "country", "version", "beta", "user.id", "user.tags", "targetingKey", "absent"]
VALUES = {
    "boolean": [True, False, True],
    "string": ["x", "", "z"],
    "integer": [1, 0, -7],
    "float": [0.5, 0.25, -1.75],
    "object": [{"a": 1}, {}, {"b": [1, {"c": None}]}],
}
DEFAULTS = {"boolean": False, "string": "code", "integer": 99, "float": 9.9, "object": {"code": True}}


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, items):
        return self.random.choice(items)

    def nested(self, depth=2):
        kind = self.random.random()
        if depth == 0 or kind < 0.6:
            return self.pick(TEXTS + NUMBERS + [True, False, None])
        if kind < 0.8:
            return [self.nested(depth - 1) for _ in range(self.random.randrange(4))]
        return {self.pick(["a", "bb", "é", "ccc", ""]): self.nested(depth - 1) for _ in range(self.random.randrange(4))}

    def context(self):
        context = {
            "plan": self.pick(["free", "pro", "enterprise"]),
            "age": self.pick([0, 17, 18, 40, 65.5]),
            "country": self.pick(["DE", "FR", "US"]),
            "version": self.pick(VERSIONS + [1, 2.1]),
            "beta": self.pick([True, False]),
            "user": {"id": self.pick(TEXTS + NUMBERS), "tags": ["a", "beta", "z"][: self.random.randrange(4)]},
            "bucket": self.nested(),
            "targetingKey": f"user-{self.random.randrange(10**6)}",
        }
        if self.random.random() < 0.15:
            del context["targetingKey"]
        if self.random.random() < 0.3:
            del context[self.pick(["plan", "age", "country", "version", "beta", "bucket"])]
        return context

    def condition(self, depth):
        simple = [
            lambda: {"==": [{"var": "plan"}, self.pick(["free", "pro"])]},
            lambda: {"!==": [{"var": "country"}, self.pick(["DE", "US"])]},
            lambda: {self.pick(["<", "<=", ">", ">="]): [{"var": ["age", 30]}, self.pick([17, 18, 40.5])]},
            lambda: {"<": [10, {"var": ["age", 5]}, 50]},
            lambda: {"in": [{"var": "country"}, ["DE", "FR"]]},
            lambda: {"in": ["beta", {"var": "user.tags"}]},
            lambda: {"in": [{"var": ["plan", "free"]}, "pro enterprise"]},
            lambda: {"in": [{"var": "targetingKey"}, [f"user-{n}" for n in range(20)]]},
            lambda: {"missing": [self.pick(ATTRIBUTES), self.pick(ATTRIBUTES)]},
            lambda: {"missing_some": [1, ["absent", self.pick(ATTRIBUTES)]]},
            lambda: {self.pick(["starts_with", "ends_with"]): [{"var": self.pick(["plan", "age", "user.id"])}, self.pick(TEXTS)]},
            lambda: {"sem_ver": [{"var": "version"}, self.pick(["=", "!=", "<", "<=", ">", ">=", "^", "~", "=="]), self.pick(VERSIONS)]},
            lambda: {"some": [{"var": "user.tags"}, {"==": [{"var": ""}, "beta"]}]},
            lambda: {"all": [{"var": "user.tags"}, {"in": [{"var": ""}, ["a", "z"]]}]},
            lambda: {"none": [{"filter": [{"var": "user.tags"}, {"!=": [{"var": ""}, "a"]}]}, {"==": [{"var": ""}, "z"]}]},
            lambda: {">": [{"reduce": [{"map": [{"var": "user.tags"}, 2]}, {"+": [{"var": "current"}, {"var": "accumulator"}]}, 0]}, 3]},
            lambda: {"==": [{"substr": [{"var": ["plan", "none"]}, self.pick([0, 1, -2]), self.pick([2, -1])]}, "pr"]},
            lambda: {">": [{"var": "$flagd.timestamp"}, self.pick([0, 4_000_000_000])]},
            lambda: {"==": [{"var": "$flagd.flagKey"}, "flag-1"]},
            lambda: {"$ref": self.pick(["is_adult", "is_german"])},
            lambda: {"var": "beta"},
            lambda: self.fractional(0),
        ]
        if depth == 0 or self.random.random() < 0.6:
            return self.pick(simple)()
        operator = self.pick(["and", "or", "!", "!!"])
        count = 1 if operator in ("!", "!!") else self.random.randrange(1, 4)
        return {operator: [self.condition(depth - 1) for _ in range(count)]}

    def fractional(self, depth):
        bucketing = self.pick([
            [],
            [],
            [{"var": "bucket"}],
            [{"var": "user.id"}],
            [{"var": "user"}],
            [{"var": "absent"}],
            [{"cat": ["salt:", {"var": ["targetingKey", "nobody"]}]}],
            [{"cat": [{"var": "$flagd.flagKey"}, {"var": ["plan", "none"]}]}],
            [None],
        ])
        weight = lambda: self.pick(4 * [[], [1], [25], [50]] + [[0], [-5], [2**31 - 1], [0.5], ["1"], [True], [self.weight()]])
        names = 4 * VARIANTS + [True, False, None, {"var": "plan"}]
        return {"fractional": bucketing + [[self.pick(names)] + weight() for _ in range(self.random.randrange(1, 5))]}

    def weight(self):
        return {"if": [self.condition(0), 100, 0]}

    def outcome(self, depth):
        if depth > 0 and self.random.random() < 0.3:
            return {"if": [self.condition(1), self.outcome(depth - 1), self.outcome(depth - 1)]}
        return self.pick(3 * VARIANTS + [None, self.pick(["absent", True, None]), self.fractional(0), self.fractional(0)])

    def flag(self):
        kind = self.pick(list(VALUES))
        flag = {
            "state": "DISABLED" if self.random.random() < 0.05 else "ENABLED",
            "variants": dict(zip(VARIANTS, VALUES[kind])),
            "defaultVariant": self.pick(3 * VARIANTS + [None, "absent"]),
        }
        if self.random.random() < 0.1:
            del flag["defaultVariant"]
        if self.random.random() < 0.9:
            count = self.random.randrange(1, 4)
            branches = [self.pick([self.condition, lambda _: self.outcome(1)])(2) if n % 2 else self.condition(2) for n in range(2 * count)]
            flag["targeting"] = self.pick([
                lambda: {"if": [part for n in range(count) for part in (self.condition(2), self.outcome(2))] + [self.outcome(1)]},
                lambda: {"if": branches},
                lambda: self.fractional(1),
                lambda: {},
            ])()
        if self.random.random() < 0.3:
            flag["metadata"] = {"owner": "growth", "revision": 3}
        expected = kind if self.random.random() < 0.9 else self.pick(list(VALUES))
        if (kind, expected) == ("boolean", "float"):
            expected = kind
        return flag, expected

    def document(self, count):
        flags, types = {}, {}
        for index in range(count):
            flags[f"flag-{index}"], types[f"flag-{index}"] = self.flag()
        evaluators = {
            "is_adult": {">=": [{"var": ["age", 0]}, 18]},
            "is_german": {"==": [{"var": "country"}, "DE"]},
        }
        return {"$evaluators": evaluators, "metadata": {"flagSetId": "random"}, "flags": flags}, types


def answer_of_core(core, key, kind, context):
    attributes = {name: value for name, value in context.items() if name != "targetingKey"}
    evaluation_context = EvaluationContext(context.get("targetingKey"), attributes)
    resolve = getattr(core, f"resolve_{kind}_value")
    try:
        details = resolve(key, DEFAULTS[kind], evaluation_context)
    except OpenFeatureError as error:
        return {"error": str(error.error_code.value)}
    value = None if details.variant is None else details.value
    return {"value": value, "variant": details.variant, "reason": str(details.reason.value)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flags", type=int, default=500)
    parser.add_argument("--contexts", type=int, default=20, help="per flag")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", nargs="+", default=["cargo", "run", "-q", "-p", "tenure-flags", "--example", "batch", "--"])
    options = parser.parse_args()

    generator = Generator(options.seed)
    document, types = generator.document(options.flags)
    core = FlagdCore()
    core.set_flags(copy.deepcopy(document))
    questions = [(key, types[key], generator.context()) for key in types for _ in range(options.contexts)]

    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(document, file)
        file.flush()
        lines = [json.dumps({"flag": key, "type": kind, "context": context}) for key, kind, context in questions]
        run = subprocess.run(options.batch + [file.name], input="\n".join(lines), capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    if len(answers) != len(questions):
        sys.exit(f"{len(answers)} answers to {len(questions)} questions\n{run.stderr}")

    different, tally = 0, {}
    for (key, kind, context), ours in zip(questions, answers):
        theirs = answer_of_core(core, key, kind, context)
        ours.pop("flag")
        ours.pop("message", None)
        tally[theirs.get("error", theirs.get("reason"))] = tally.get(theirs.get("error", theirs.get("reason")), 0) + 1
        if ours != theirs:
            different += 1
            if different <= 10:
                print(json.dumps(document["flags"][key]), json.dumps(context), f"  flagd-core {theirs}", f"  tenure     {ours}", sep="\n")
    print(f"{len(questions)} evaluations of {len(types)} flags, {different} different; flagd-core answered {tally}")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
