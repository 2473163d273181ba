// The pages that are about flags, each with an address of its own, beside one another.
import { Tabs } from "@mantine/core";
import { useLocation, useNavigate } from "react-router";

const PAGES = [
  ["/flags", "Flags"],
  ["/segments", "Segments"],
  ["/change-requests", "Change requests"],
  ["/playground", "Playground"],
  ["/environments", "Environments"],
] as const;

export function FlagTabs() {
  const { pathname } = useLocation();
  const go = useNavigate();
  const here = PAGES.find(([path]) => pathname.startsWith(path))?.[0] ?? null;
  return (
    <Tabs
      value={here}
      onChange={(path) => path !== null && void go(path)}
      mb="lg"
      variant="outline"
      activateTabWithKeyboard={false}
    >
      <Tabs.List aria-label="About flags">
        {PAGES.map(([path, label]) => (
          <Tabs.Tab key={path} value={path}>
            {label}
          </Tabs.Tab>
        ))}
      </Tabs.List>
    </Tabs>
  );
}
