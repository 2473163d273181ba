// Lists of the API come in pages; the pages of the web show the first of them at once, and all of them when they are here.

/** The most items of one page of the API. */
export const PAGE_MAX = 1_000;
/** The items that are asked for first: more than a screen shows, few enough to be there before the reader has looked. */
export const FIRST = 100;
/** The most items of a list that are read; a page says so where there are more (`lib/Cut.tsx`). */
export const LIST_MAX = 10_000;

export interface List<T> {
  items: T[];
  /** Whether there are more than were read. */
  isCut: boolean;
  /** Whether the rest is still on its way. */
  isPart: boolean;
}
export interface Page<T> {
  items: T[];
  next?: string | null;
}
export type Place = { params: { query: { limit: number; after?: string } } };

/** A list, page by page until its end: one request where it is short. `grown` is told how far it is while there is more to come. */
export async function whole<T>(
  page: (place: Place) => Promise<Page<T>>,
  grown: (part: List<T>) => void = () => undefined,
): Promise<List<T>> {
  let items: T[] = [];
  let next: string | null = null;
  for (;;) {
    const limit = next === null ? FIRST : Math.min(PAGE_MAX, LIST_MAX - items.length);
    const { items: more, next: after }: Page<T> = await page({
      params: { query: { limit, ...(next === null ? {} : { after: next }) } },
    });
    items = [...items, ...more];
    next = after ?? null;
    if (next === null || items.length >= LIST_MAX) return { items, isCut: next !== null, isPart: false };
    grown({ items, isCut: false, isPart: true });
  }
}
