import { expect, test } from "vitest";
import { FIRST, LIST_MAX, PAGE_MAX, type Place, whole } from "./list.ts";

/** A list of so many numbers, as the API pages it; what was asked, and what was there meanwhile, is written down. */
async function read(length: number) {
  const asked: (string | undefined)[] = [];
  const parts: number[] = [];
  const answer = await whole(
    async ({ params: { query } }: Place) => {
      asked.push(query.after);
      const from = Number(query.after ?? 0);
      const to = Math.min(length, from + query.limit);
      const items = Array.from({ length: to - from }, (_, at) => from + at);
      return to < length ? { items, next: String(to) } : { items };
    },
    ({ items, isPart }) => {
      expect(isPart).toBe(true);
      parts.push(items.length);
    },
  );
  return { ...answer, asked, parts };
}

test.each([
  [0, 1, []],
  [FIRST, 1, []],
  [FIRST + 1, 2, [FIRST]],
  [FIRST + PAGE_MAX + 1, 3, [FIRST, FIRST + PAGE_MAX]],
])("a list of %d is whole after %d requests, and grows meanwhile", async (length, requests, grown) => {
  const { items, isCut, isPart, asked, parts } = await read(length);
  expect(items).toEqual(Array.from({ length }, (_, at) => at));
  expect(asked).toHaveLength(requests);
  expect(parts).toEqual(grown);
  expect(isCut).toBe(false);
  expect(isPart).toBe(false);
});

test.each([
  [LIST_MAX, false],
  [LIST_MAX + 1, true],
])("of a list of %d the most there may be are read, and whether it is cut is said: %s", async (length, cut) => {
  const { items, isCut, isPart } = await read(length);
  expect(items).toHaveLength(LIST_MAX);
  expect(isCut).toBe(cut);
  expect(isPart).toBe(false);
});
