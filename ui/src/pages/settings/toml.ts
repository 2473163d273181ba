// A policy as the TOML file that says the same: keys first, then a table for each group. Nothing that is null is written.

export function toml(value: Record<string, unknown>): string {
  return table(value, []).trimStart();
}

function table(value: Record<string, unknown>, path: readonly string[]): string {
  const given = Object.entries(value).filter(
    ([, one]) => one !== null && one !== undefined && !(isTable(one) && Object.keys(one).length === 0),
  );
  const plain = given.filter(([, one]) => !isTable(one));
  const groups = given.filter(([, one]) => isTable(one));
  const lines = plain.map(([key, one]) => `${name(key)} = ${written(one)}\n`).join("");
  const head = path.length > 0 && plain.length > 0 ? `\n[${path.map(name).join(".")}]\n` : "";
  return head + lines + groups.map(([key, one]) => table(one as Record<string, unknown>, [...path, key])).join("");
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function name(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key);
}

/** A date stands without quotes, as TOML has it. */
function written(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(written).join(", ")}]`;
  if (typeof value === "string") return /^\d{4}-\d{2}-\d{2}$/.test(value) ? value : JSON.stringify(value);
  return String(value);
}
