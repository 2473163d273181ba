// Whether the server behind these pages answers about environments, segments and change requests; an older one serves flags only.
import { useQuery } from "@tanstack/react-query";
import { Problem } from "../../api/problem.ts";
import { environments } from "../../api/queries.ts";

export function useAuthoring(): boolean {
  const { error } = useQuery(environments);
  return !(error instanceof Problem && error.status === 404);
}
