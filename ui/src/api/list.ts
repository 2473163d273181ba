// Lists of the API come in pages; the pages of the web show them whole.

/** The most items of one page of the API. */
export const PAGE_MAX = 1_000;
/** The most items of a list that are read; a page says so where there are more (`lib/Cut.tsx`). */
export const LIST_MAX = 10_000;

export interface List<T> {
  items: T[];
  /** Whether there are more than were read. */
  isCut: boolean;
}
export interface Page<T> {
  items: T[];
  next?: string | null;
}
export type Place = { params: { query: { limit: number; after?: string } } };

/** A list, page by page until its end: one request where it is not longer than a page. */
export async function whole<T>(page: (place: Place) => Promise<Page<T>>): Promise<List<T>> {
  const items: T[] = [];
  let next: string | null = null;
  do {
    const { items: more, next: after }: Page<T> = await page({
      params: { query: { limit: PAGE_MAX, ...(next === null ? {} : { after: next }) } },
    });
    items.push(...more);
    next = after ?? null;
  } while (next !== null && items.length < LIST_MAX);
  return { items, isCut: next !== null };
}
