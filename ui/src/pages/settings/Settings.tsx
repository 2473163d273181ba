// Settings: a page a part, each with an address of its own.
import { Tabs } from "@mantine/core";
import { lazy, Suspense } from "react";
import { useNavigate, useParams } from "react-router";
import { EmptyState, PageHeader, Section, Waiting } from "../../lib/Page.tsx";

const PARTS = [
  { name: "people", label: "People", page: lazy(() => import("./People.tsx")) },
  { name: "teams", label: "Teams", page: lazy(() => import("./Teams.tsx")) },
  { name: "codebases", label: "Codebases", page: lazy(() => import("./Codebases.tsx")) },
  { name: "policy", label: "Policy", page: lazy(() => import("./PolicyFile.tsx")) },
  { name: "tokens", label: "Tokens", page: lazy(() => import("./Tokens.tsx")) },
  { name: "webhooks", label: "Webhooks", page: lazy(() => import("./Webhooks.tsx")) },
  { name: "notifications", label: "How I am told", page: lazy(() => import("./Notifications.tsx")) },
] as const;

export default function Settings() {
  const { part = "people" } = useParams();
  const go = useNavigate();
  const found = PARTS.find(({ name }) => name === part);
  return (
    <>
      <PageHeader title="Settings" tab={`${found?.label ?? "Settings"}, settings`} />
      <Tabs
        value={part}
        onChange={(value) => value !== null && void go(`/settings/${value}`)}
        mb="lg"
        variant="outline"
        keepMounted={false}
        activateTabWithKeyboard={false}
      >
        <Tabs.List aria-label="Parts of the settings">
          {PARTS.map(({ name, label }) => (
            <Tabs.Tab key={name} value={name}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {found ? (
          <Tabs.Panel value={found.name} pt="md">
            <Suspense fallback={<Waiting lines={6} />}>
              <found.page />
            </Suspense>
          </Tabs.Panel>
        ) : (
          <Section>
            <EmptyState title="There is no such part">Choose one above.</EmptyState>
          </Section>
        )}
      </Tabs>
    </>
  );
}
