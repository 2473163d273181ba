// Says that a list is longer than what was read of it, or than could be.
import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { LIST_MAX } from "../api/list.ts";
import { isCut, isPart } from "../api/queries.ts";
import { count } from "./number.ts";
import { ErrorState } from "./Page.tsx";

export function Cut<T>({ of, what }: { of: Parameters<typeof isCut<T>>[0]; what: string }) {
  const cut = useQuery(isCut(of)).data;
  const rest = useQuery(isPart(of));
  if (rest.data === true && rest.isError)
    return <ErrorState error={rest.error} retry={() => void rest.refetch()} />;
  if (cut !== true) return null;
  return (
    <Text size="sm" mt="xs" role="status" c="var(--late)">
      These are the first {count(LIST_MAX)} {what}; the API has all of them, page by page.
    </Text>
  );
}
