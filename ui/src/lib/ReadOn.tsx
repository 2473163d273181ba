// The next page of what is read a page at a time, where there is one.
import { Button } from "@mantine/core";
import type { UseInfiniteQueryResult } from "@tanstack/react-query";

export function ReadOn({
  of: { hasNextPage, fetchNextPage, isFetchingNextPage },
}: {
  of: Pick<UseInfiniteQueryResult, "hasNextPage" | "fetchNextPage" | "isFetchingNextPage">;
}) {
  if (!hasNextPage) return null;
  return (
    <Button size="xs" onClick={() => void fetchNextPage()} loading={isFetchingNextPage}>
      Read on
    </Button>
  );
}
