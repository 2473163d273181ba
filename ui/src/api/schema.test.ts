// The client's types are those of the API's description as it stands: `npm run api` writes them anew.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

test("the generated client is fresh", { timeout: 120_000 }, () => {
  const made = join(mkdtempSync(join(tmpdir(), "tenure-api-")), "schema.d.ts");
  execFileSync("node_modules/.bin/openapi-typescript", ["../openapi.json", "--output", made, "--alphabetize"]);
  expect(readFileSync("src/api/schema.d.ts", "utf8") === readFileSync(made, "utf8"), "run `npm run api`").toBe(true);
});
