// Providers and routes. What the page at the address needs is begun before anything is drawn; the address holds the state that a link should carry.
import "@mantine/notifications/styles.css";

import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { Suspense } from "react";
import { BrowserRouter, Navigate, Route, Routes } from "react-router";
import { Problem } from "./api/problem.ts";
import { Boundary } from "./lib/Boundary.tsx";
import { EmptyState, Waiting } from "./lib/Page.tsx";
import { begin, PAGES } from "./pages.ts";
import { Shell } from "./shell/Shell.tsx";
import { theme } from "./theme.ts";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      // A "no" is an answer: asking again changes nothing.
      retry: (failures, error) => !(error instanceof Problem && error.status < 500) && failures < 2,
    },
  },
});

begin(window.location, queries);

export function App() {
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <Notifications position="bottom-right" />
        <BrowserRouter>
          <Shell>
            <Suspense fallback={<Waiting lines={8} />}>
              <Routes>
                {PAGES.map(({ path, page }) => (
                  <Route
                    key={path}
                    path={path}
                    element={
                      <Boundary key={path}>
                        <page.Shown />
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
