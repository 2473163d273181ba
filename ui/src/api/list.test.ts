import { expect, test } from "vitest";
import { LIST_MAX, PAGE_MAX, type Place, whole } from "./list.ts";

/** A list of so many numbers, as the API pages it; what was asked is written down. */
async function read(length: number) {
  const asked: (string | undefined)[] = [];
  const answer = await whole(async ({ params: { query } }: Place) => {
    asked.push(query.after);
    const from = Number(query.after ?? 0);
    const to = Math.min(length, from + query.limit);
    const items = Array.from({ length: to - from }, (_, at) => from + at);
    return to < length ? { items, next: String(to) } : { items };
  });
  return { ...answer, asked };
}

test.each([
  [0, 1],
  [PAGE_MAX, 1],
  [PAGE_MAX + 1, 2],
  [LIST_MAX, LIST_MAX / PAGE_MAX],
])("a list of %d is whole after %d requests", async (length, requests) => {
  const { items, isCut, asked } = await read(length);
  expect(items).toEqual(Array.from({ length }, (_, at) => at));
  expect(asked).toHaveLength(requests);
  expect(isCut).toBe(false);
});

test("a longer list is cut, and says so", async () => {
  const { items, isCut } = await read(LIST_MAX + 1);
  expect(items).toHaveLength(LIST_MAX);
  expect(isCut).toBe(true);
});
