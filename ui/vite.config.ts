// How the pages are built, and how they are served while they are written: everything of the API is passed on to a running server.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const server = process.env.TENURE_URL ?? "http://127.0.0.1:8016";
// A token may stand in for a session while pages are written. It never reaches the browser.
const token = process.env.TENURE_TOKEN;
const passOn = {
  target: server,
  changeOrigin: true,
  headers: token === undefined ? undefined : { authorization: `Bearer ${token}` },
};
const proxy = Object.fromEntries(
  ["/api", "/ofrep", "/sign-off", "/healthz", "/readyz", "/metrics"].map((path) => [path, passOn]),
);

export default defineConfig({
  plugins: [react()],
  build: { target: "es2023", assetsInlineLimit: 0, modulePreload: { polyfill: false }, manifest: true },
  server: { proxy },
  preview: { proxy },
  test: { include: ["src/**/*.test.{ts,tsx}"] },
} as Parameters<typeof defineConfig>[0]);
