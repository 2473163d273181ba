// The real server with the real pages, for the stories: started in an empty folder, claimed, and set up by its admin as `people.mjs` says.
// TENURE_BIN names the binary. Where it has no pages in it, or with TENURE_PAGES=dist, `ui/dist` is put in front of it, under the server's own policy.
import { spawn } from "node:child_process";
import { createReadStream, existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, request } from "node:http";
import { createServer as listenAnywhere } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";

export const PASSWORD = "correct horse battery";
const DIST = new URL("../dist/", import.meta.url).pathname;
const START_MAX_MS = 60_000;
const STOP_MAX_MS = 8_000;

/** Starts `tenure serve` (or what `args` say) and waits until it answers. */
export async function start({ args, ready = /serving on/ } = {}) {
  const binary = process.env.TENURE_BIN;
  if (!binary) throw new Error("name the server's binary in TENURE_BIN, such as target/debug/tenure");
  const folder = mkdtempSync(join(tmpdir(), "tenure-e2e-"));
  const port = await freePort();
  const child = spawn(
    binary,
    [...(args ?? ["serve"]), "--data-dir", join(folder, "data"), "--listen", `127.0.0.1:${port}`],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  // A story that falls over leaves no server behind.
  process.on("exit", () => child.kill("SIGKILL"));
  let printed = "";
  const heard = new Promise((resolve, reject) => {
    const hear = (bytes) => {
      printed += bytes;
      if (ready.test(printed)) resolve(undefined);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${printed}`)));
    setTimeout(() => reject(new Error(`the server did not start: ${printed}`)), START_MAX_MS).unref();
  });
  await heard;
  const api = `http://127.0.0.1:${port}`;
  const page = await (await fetch(api, { headers: { accept: "text/html" } })).text();
  const isBuiltIn = page.includes('id="root"') && process.env.TENURE_PAGES !== "dist";
  const front = isBuiltIn ? null : await inFront(port);
  return {
    api,
    url: front?.url ?? api,
    printed: () => printed,
    async stop() {
      front?.close();
      child.removeAllListeners("exit");
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child.on("exit", resolve));
        child.kill("SIGINT");
        await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, STOP_MAX_MS))]);
        child.kill("SIGKILL");
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Claims the server and gives back a function that speaks to its API as the admin. */
export async function claim(server, login = "admin@example.com") {
  const code = /--code (\S+)/.exec(server.printed())?.[1];
  const { token } = await call(server, null, "POST", "/api/v1/setup", { code, login, password: PASSWORD });
  return (method, path, body) => call(server, token, method, path, body);
}

/** One request of the API that must succeed. */
export async function call(server, token, method, path, body) {
  const answer = await fetch(server.api + path, {
    method,
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text === "" ? null : JSON.parse(text);
}

function freePort() {
  return new Promise((resolve) => {
    const probe = listenAnywhere().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
  ".json": "application/json",
};
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** The built pages, with everything of the API passed on. */
async function inFront(port) {
  if (!existsSync(`${DIST}index.html`)) throw new Error("build the pages first: npm run build");
  const passOn = /^\/(api|ofrep|sign-off|status|healthz|readyz|metrics|openapi\.json)(\/|\?|$)/;
  const front = createServer((asked, answer) => {
    const path = new URL(asked.url, "http://x").pathname;
    const isPage = asked.headers.accept?.includes("text/html") && !/^\/(sign-off|status|api)/.test(path);
    if (passOn.test(asked.url) && !isPage) {
      const onward = request(
        { port, host: "127.0.0.1", path: asked.url, method: asked.method, headers: asked.headers },
        (from) => {
          answer.writeHead(from.statusCode, from.headers);
          from.pipe(answer);
        },
      );
      onward.on("error", () => answer.destroy());
      answer.on("close", () => onward.destroy());
      asked.pipe(onward);
      return;
    }
    const file = path !== "/" && existsSync(DIST + path) ? DIST + path : `${DIST}index.html`;
    answer.writeHead(200, {
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
      "content-security-policy": POLICY,
    });
    createReadStream(file).pipe(answer);
  });
  await new Promise((resolve) => front.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${front.address().port}`,
    close() {
      front.closeAllConnections();
      front.close();
    },
  };
}
