// Runs random JsonLogic rules with npm `json-logic-js` 2, the implementation behind jsonlogic.com, and with Tenure, and
// prints where they differ.
//
//     npm install json-logic-js@2
//     node jsonlogic.mjs [rules] [seed] [command...]
//
// The command reads {"rule", "data"} a line and answers {"value"} a line; by default it is
// `cargo run -q -p tenure-flags --example rules`. Exit status 1 if there is a difference.
//
// Known to differ, and not generated:
//   - `substr` and `length` count characters here, UTF-16 units there; texts order by code point here;
//   - an absent operand, and the empty result of `and` and `or`, is null here, undefined there;
//   - an unknown operation is found here when the rule is compiled, there when it is reached.

import { spawnSync } from "node:child_process";
import jsonLogic from "json-logic-js";

const count = Number(process.argv[2] ?? 20_000);
const command = process.argv.length > 4 ? process.argv.slice(4) : "cargo run -q -p tenure-flags --example rules".split(" ");
const SHOWN_MAX = 10;

const SCALARS = [
  null, true, false, 0, 1, 2, -1, -3, 3.5, 10, 100, 0.1, 0.2, "", "0", "1", "2", " 3 ", "-0.5", "1e3", "3px", "true",
  "a", "b", "abc", "x.y", "é", "hello world",
];
const PATHS = [
  "", "a", "b", "c", "d", "d.e", "d.f", "d.e.f", "l", "l.0", "l.1", "l.5", "l.length", "o", "s", "s.length", "absent",
];
const ELEMENT_PATHS = ["", "q", "k", "current", "accumulator", "accumulator.x"];
const OPERATORS = {
  var: 1, missing: 1, missing_some: 1, if: 2, "?:": 1, "==": 2, "===": 1, "!=": 1, "!==": 1, "!": 1, "!!": 1, or: 2,
  and: 2, ">": 1, ">=": 1, "<": 1, "<=": 1, max: 1, min: 1, "+": 1, "-": 1, "*": 1, "/": 1, "%": 1, map: 1, filter: 1,
  reduce: 1, all: 1, none: 1, some: 1, merge: 1, in: 2, cat: 2, substr: 1, log: 1,
};
const WEIGHTED = Object.entries(OPERATORS).flatMap(([operator, weight]) => Array(weight).fill(operator));

// A small generator that is the same everywhere (xorshift32).
let state = Number(process.argv[3] ?? 1) * 2654435761 >>> 0 || 1;
function below(limit) {
  state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
  return (state >>> 0) % limit;
}
const chance = (percent) => below(100) < percent;
const pick = (items) => items[below(items.length)];
const many = (least, most, make) => Array.from({ length: least + below(most - least + 1) }, make);

function data() {
  return {
    a: pick(SCALARS), b: pick(SCALARS), c: pick(SCALARS),
    d: { e: pick(SCALARS), f: pick(SCALARS) },
    l: many(0, 3, () => pick(SCALARS)),
    o: [{ q: 1, k: pick(SCALARS) }, { q: 2, k: pick(SCALARS) }],
    s: pick(["", "abc", "héllo", "user@example.com"]),
  };
}

function rule(depth, paths = PATHS) {
  if (depth <= 0 || chance(15)) {
    return chance(50) ? pick(SCALARS) : { var: chance(80) ? pick(paths) : [pick(paths), pick(SCALARS)] };
  }
  const operator = pick(WEIGHTED);
  return { [operator]: operands(operator, depth, paths) };
}

function operands(operator, depth, paths) {
  const operand = () => rule(depth - 1, paths);
  const body = () => rule(depth - 1, ELEMENT_PATHS);
  switch (operator) {
    case "var":
      return pick([pick(paths), [pick(paths)], [pick(paths), operand()], [], { cat: ["d", ".", "e"] }, 1]);
    case "missing":
      return pick([many(1, 3, () => pick(paths)), { merge: [pick(paths), pick(paths)] }]);
    case "missing_some":
      return [below(3), many(1, 3, () => pick(paths))];
    case "if": case "?:":
      return many(1, 5, operand);
    case "<": case "<=":
      return many(2, 3, operand);
    case "!": case "!!":
      return chance(50) ? [operand()] : pick([true, 0, "", { var: "a" }, "x"]);
    case "and": case "or":
      return many(1, 4, operand);
    case "-":
      return many(1, 2, operand);
    case "*":
      return many(1, 3, operand);
    case "+": case "cat": case "min": case "max": case "merge":
      return many(0, 4, operand);
    case "map": case "filter": case "all": case "none": case "some":
      return [list(depth, paths), body()];
    case "reduce":
      return chance(80) ? [list(depth, paths), body(), operand()] : [list(depth, paths), body()];
    case "in":
      return [operand(), chance(50) ? list(depth, paths) : operand()];
    case "substr":
      return [operand(), ...many(1, 2, () => below(7) - 3)];
    case "log":
      return operand();
    default:
      return [operand(), operand()];
  }
}

function list(depth, paths) {
  return pick([
    () => ({ var: "l" }),
    () => ({ var: "o" }),
    () => many(0, 3, () => rule(depth - 2, paths)),
    () => rule(depth - 1, paths),
  ])();
}

// What the reference says; `log` would write among our own lines.
function expected({ rule, data }) {
  const log = console.log;
  console.log = () => {};
  try {
    return text(jsonLogic.apply(rule, data));
  } finally {
    console.log = log;
  }
}

// JSON with sorted members; undefined, NaN and infinities are null.
function text(value) {
  const sorted = (_, part) =>
    part && typeof part === "object" && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part;
  return JSON.stringify(value ?? null, sorted);
}

const cases = Array.from({ length: count }, () => ({ rule: rule(1 + below(4)), data: data() }));
const run = spawnSync(command[0], command.slice(1), {
  input: cases.map((one) => JSON.stringify(one)).join("\n"), encoding: "utf8", maxBuffer: 2 ** 30,
});
const answers = run.stdout.trim().split("\n");
if (run.status !== 0 || answers.length !== count) {
  console.error(run.stderr || `${answers.length} answers to ${count} rules`);
  process.exit(2);
}
let different = 0;
cases.forEach((one, index) => {
  const answer = JSON.parse(answers[index]);
  const ours = "error" in answer ? `error: ${answer.error}` : text(answer.value);
  const theirs = expected(one);
  if (ours !== theirs && ++different <= SHOWN_MAX) {
    console.log(`${JSON.stringify(one.rule)}\n  over ${JSON.stringify(one.data)}\n  json-logic-js ${theirs}\n  tenure        ${ours}`);
  }
});
console.log(`${count} rules, ${different} different`);
process.exit(different ? 1 : 0);
