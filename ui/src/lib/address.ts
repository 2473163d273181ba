// The state of a page that a link should carry stands in its address: read from it, and written back in place.
import { useCallback } from "react";
import { useSearchParams } from "react-router";

export type SetParameter = (name: string, value: string | null) => void;

/** The address's parameters, and the way to set one of them; an empty one leaves the address. */
export function useAddress(): [query: URLSearchParams, set: SetParameter] {
  const [query, setQuery] = useSearchParams();
  const set = useCallback<SetParameter>(
    (name, value) =>
      setQuery(
        (before) => {
          const next = new URLSearchParams(before);
          if (value === null || value === "") next.delete(name);
          else next.set(name, value);
          return next;
        },
        { replace: true },
      ),
    [setQuery],
  );
  return [query, set];
}

/** The environment that a page of flags shows. */
export const environmentIn = (query: URLSearchParams): string => query.get("environment") ?? "production";
