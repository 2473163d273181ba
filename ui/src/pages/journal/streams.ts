// Which page shows what a stream of the journal is about; none for those without a page of their own.
const PAGES: Readonly<Record<string, (id: string) => string>> = {
  case: (id) => `/cases/${encodeURIComponent(id)}`,
  experiment: (id) => `/experiments/${encodeURIComponent(id)}`,
  run: (id) => `/experiments/${encodeURIComponent(id)}/run`,
  flag: (id) => `/flags/${encodeURIComponent(id)}`,
  metric: (id) => `/metrics?edit=${encodeURIComponent(id)}`,
  codebase: () => "/settings/codebases",
  team: () => "/settings/teams",
  role: () => "/settings/people",
  policy: () => "/settings/policy",
  platform: () => "/platform-changes",
};

export function pageOf(stream: string): string | null {
  const slash = stream.indexOf("/");
  const [kind, id] = slash < 0 ? [stream, ""] : [stream.slice(0, slash), stream.slice(slash + 1)];
  return PAGES[kind]?.(id) ?? null;
}
