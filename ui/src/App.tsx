// Providers and routes. Every page is a chunk of its own; the address holds the state that a link should carry.
import "@mantine/notifications/styles.css";

import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { BrowserRouter, Navigate, Route, Routes } from "react-router";
import { Problem } from "./api/problem.ts";
import { EmptyState, Waiting } from "./lib/Page.tsx";
import { Shell } from "./shell/Shell.tsx";
import { theme } from "./theme.ts";

const Desk = lazy(() => import("./pages/desk/Desk.tsx"));
const Portfolio = lazy(() => import("./pages/portfolio/Portfolio.tsx"));
const CaseFile = lazy(() => import("./pages/case/CaseFile.tsx"));
const Rollout = lazy(() => import("./pages/rollout/Rollout.tsx"));
const Experiments = lazy(() => import("./pages/experiments/Experiments.tsx"));
const ExperimentPage = lazy(() => import("./pages/experiments/ExperimentPage.tsx"));
const Intake = lazy(() => import("./pages/experiments/Intake.tsx"));
const Flags = lazy(() => import("./pages/flags/Flags.tsx"));
const Metrics = lazy(() => import("./pages/metrics/Metrics.tsx"));
const PlatformChanges = lazy(() => import("./pages/platform-changes/PlatformChanges.tsx"));
const Warranties = lazy(() => import("./pages/warranties/Warranties.tsx"));
const Journal = lazy(() => import("./pages/journal/Journal.tsx"));
const Start = lazy(() => import("./pages/start/Start.tsx"));
const Settings = lazy(() => import("./pages/settings/Settings.tsx"));

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
                <Route path="/" element={<Desk />} />
                <Route path="/portfolio" element={<Portfolio />} />
                <Route path="/cases" element={<Navigate to="/portfolio" replace />} />
                <Route path="/cases/:id" element={<CaseFile />} />
                <Route path="/cases/:id/rollout" element={<Rollout />} />
                <Route path="/experiments" element={<Experiments />} />
                <Route path="/experiments/intake" element={<Intake />} />
                <Route path="/experiments/:id" element={<ExperimentPage />} />
                <Route path="/flags" element={<Flags />} />
                <Route path="/metrics" element={<Metrics />} />
                <Route path="/platform-changes" element={<PlatformChanges />} />
                <Route path="/warranties" element={<Warranties />} />
                <Route path="/journal" element={<Journal />} />
                <Route path="/start" element={<Start />} />
                <Route path="/settings" element={<Settings />} />
                <Route path="/settings/:part" element={<Settings />} />
                <Route path="*" element={<EmptyState title="There is no such page">Choose one on the left, or search with Ctrl K.</EmptyState>} />
              </Routes>
            </Suspense>
          </Shell>
        </BrowserRouter>
      </QueryClientProvider>
    </MantineProvider>
  );
}
