// Settings: a page a part, each with an address of its own.
import { Tabs } from "@mantine/core";
import { Suspense } from "react";
import { useNavigate, useParams } from "react-router";
import { chunk } from "../../lib/chunk.tsx";
import { EmptyState, PageHeader, Section, Waiting } from "../../lib/Page.tsx";

const PARTS = [
  { name: "people", label: "People", page: chunk(() => import("./People.tsx")) },
  { name: "teams", label: "Teams", page: chunk(() => import("./Teams.tsx")) },
  { name: "codebases", label: "Codebases", page: chunk(() => import("./Codebases.tsx")) },
  { name: "policy", label: "Policy", page: chunk(() => import("./PolicyFile.tsx")) },
  { name: "tokens", label: "Tokens", page: chunk(() => import("./Tokens.tsx")) },
  { name: "webhooks", label: "Webhooks", page: chunk(() => import("./Webhooks.tsx")) },
  { name: "notifications", label: "How I am told", page: chunk(() => import("./Notifications.tsx")) },
] as const;

// The part that was asked for is fetched with this page, not after it.
PARTS.find(({ name }) => window.location.pathname === `/settings/${name}`)?.page.ahead();

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
              <found.page.Shown />
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
