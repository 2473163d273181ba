// Providers and routes. Every page is a chunk of its own; the address holds the state that a link should carry.
import "@mantine/notifications/styles.css";

import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ComponentType, lazy, Suspense } from "react";
import { BrowserRouter, matchPath, Navigate, Route, Routes } from "react-router";
import { Problem } from "./api/problem.ts";
import { Boundary } from "./lib/Boundary.tsx";
import { EmptyState, Waiting } from "./lib/Page.tsx";
import { Shell } from "./shell/Shell.tsx";
import { theme } from "./theme.ts";

/** Every page by its address, each a chunk of its own. */
const PAGES: readonly (readonly [path: string, load: () => Promise<{ default: ComponentType }>])[] = [
  ["/", () => import("./pages/desk/Desk.tsx")],
  ["/portfolio", () => import("./pages/portfolio/Portfolio.tsx")],
  ["/cases/:id", () => import("./pages/case/CaseFile.tsx")],
  ["/cases/:id/rollout", () => import("./pages/rollout/Rollout.tsx")],
  ["/experiments", () => import("./pages/experiments/Experiments.tsx")],
  ["/experiments/intake", () => import("./pages/experiments/Intake.tsx")],
  ["/experiments/:id", () => import("./pages/experiments/ExperimentPage.tsx")],
  ["/flags", () => import("./pages/flags/Flags.tsx")],
  ["/flags/new", () => import("./pages/flags/FlagEditor.tsx")],
  ["/flags/:key", () => import("./pages/flags/FlagPage.tsx")],
  ["/flags/:key/edit", () => import("./pages/flags/FlagEditor.tsx")],
  ["/segments", () => import("./pages/flags/Segments.tsx")],
  ["/change-requests/:request?", () => import("./pages/flags/ChangeRequests.tsx")],
  ["/playground", () => import("./pages/flags/Playground.tsx")],
  ["/environments", () => import("./pages/flags/Environments.tsx")],
  ["/metrics", () => import("./pages/metrics/Metrics.tsx")],
  ["/platform-changes", () => import("./pages/platform-changes/PlatformChanges.tsx")],
  ["/warranties", () => import("./pages/warranties/Warranties.tsx")],
  ["/journal", () => import("./pages/journal/Journal.tsx")],
  ["/start", () => import("./pages/start/Start.tsx")],
  ["/settings/:part?", () => import("./pages/settings/Settings.tsx")],
];
const ROUTES = PAGES.map(([path, load]) => ({ path, Page: lazy(load) }));

// The page that was asked for is fetched while the session is: a page is at most two requests away, one behind the other.
void PAGES.find(([path]) => matchPath(path, window.location.pathname) !== null)?.[1]();

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      // A "no" is an answer: asking again changes nothing.
      retry: (failures, error) => !(error instanceof Problem && error.status < 500) && failures < 2,
    },
  },
});

export function App() {
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <Notifications position="bottom-right" />
      <QueryClientProvider client={queries}>
        <BrowserRouter>
          <Shell>
            <Suspense fallback={<Waiting lines={8} />}>
              <Routes>
                {ROUTES.map(({ path, Page }) => (
                  <Route
                    key={path}
                    path={path}
                    element={
                      <Boundary key={path}>
                        <Page />
                      </Boundary>
                    }
                  />
                ))}
                <Route path="/cases" element={<Navigate to="/portfolio" replace />} />
                <Route
                  path="*"
                  element={
                    <EmptyState title="There is no such page">
                      Choose one on the left, or search for it.
                    </EmptyState>
                  }
                />
              </Routes>
            </Suspense>
          </Shell>
        </BrowserRouter>
      </QueryClientProvider>
    </MantineProvider>
  );
}
