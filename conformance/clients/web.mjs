// Evaluates cases through the real OpenFeature provider for browsers, in a headless Chromium.
//
//   CASES     a file of {"cases": [{"name", "flag", "type", "default", "context", "expect"}]}
//   URL       the server's address; it must allow every origin
//   TOKEN     a token that may evaluate
//   CHROMIUM  the browser's program
//   CHANGE    optional: {"url", "token", "definition", "flag", "value"}: put the definition while the page is open; the page
//             must learn of it by its event stream and then see the value
//
// Prints one JSON object a case, {"name", "problems"}; a case without problems passed.

import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const { CASES, URL: url, TOKEN, CHROMIUM, CHANGE } = process.env;
const { cases } = JSON.parse(readFileSync(CASES, 'utf8'));

// The page's modules, as the packages ship them for browsers.
const packages = join(import.meta.dirname, 'node_modules/@openfeature');
const provider = join(packages, 'ofrep-web-provider');
const own = join(provider, 'node_modules/@openfeature/ofrep-core');
const modules = {
  '@openfeature/core': join(packages, 'core/dist/esm/index.js'),
  '@openfeature/web-sdk': join(packages, 'web-sdk/dist/esm/index.js'),
  '@openfeature/ofrep-web-provider': join(provider, 'index.esm.js'),
  '@openfeature/ofrep-core': join(existsSync(own) ? own : join(packages, 'ofrep-core'), 'index.esm.js'),
};
const imports = Object.fromEntries(Object.keys(modules).map((name) => [name, `/${name}`]));
const page = `<!doctype html><script type="importmap">${JSON.stringify({ imports })}</script>`;
const server = createServer((request, response) => {
  const file = modules[request.url.slice(1)];
  response.setHeader('content-type', file ? 'text/javascript' : 'text/html');
  response.end(file ? readFileSync(file) : page);
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
try {
  const tab = await browser.newPage();
  tab.on('pageerror', (error) => console.error(`the page failed: ${error}`));
  await tab.goto(`http://127.0.0.1:${server.address().port}/`);
  const told = await tab.evaluate(evaluateAll, { cases, url, token: TOKEN });
  for (const { name, details } of told) {
    const { expect } = cases.find((item) => item.name === name);
    console.log(JSON.stringify({ name, problems: problems(expect, details) }));
  }
  if (CHANGE) console.log(JSON.stringify(await change(tab, JSON.parse(CHANGE))));
} finally {
  await browser.close();
  server.close();
}

/** Runs in the page. */
async function evaluateAll({ cases, url, token }) {
  const { OpenFeature } = await import('@openfeature/web-sdk');
  const { OFREPWebProvider } = await import('@openfeature/ofrep-web-provider');
  const headers = [['Authorization', `Bearer ${token}`]];
  await OpenFeature.setContext({ targetingKey: 'somebody' });
  await OpenFeature.setProviderAndWait(new OFREPWebProvider({ baseUrl: url, pollInterval: 0, cacheMode: 'disabled', headers }));
  const client = OpenFeature.getClient();
  const ask = { boolean: 'getBooleanDetails', string: 'getStringDetails', object: 'getObjectDetails' };
  const told = [];
  for (const { name, flag, type, default: fallback, context } of cases) {
    await OpenFeature.setContext(context);
    told.push({ name, details: client[ask[type] ?? 'getNumberDetails'](flag, fallback) });
  }
  return told;
}

/** A change while the page is open: it arrives, and is seen. */
async function change(tab, { url, token, definition, flag, value }) {
  await tab.evaluate(async () => {
    const { OpenFeature, ProviderEvents } = await import('@openfeature/web-sdk');
    globalThis.changed = new Promise((resolve) => {
      OpenFeature.getClient().addHandler(ProviderEvents.ConfigurationChanged, resolve);
    });
  });
  const put = await fetch(url, {
    method: 'PUT', body: JSON.stringify(definition),
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  });
  if (!put.ok) return { name: 'change', problems: [`the change was refused: ${await put.text()}`] };
  const seen = await tab.evaluate(async (flag) => {
    const { OpenFeature } = await import('@openfeature/web-sdk');
    const late = new Promise((resolve) => { setTimeout(resolve, 20_000, 'late'); });
    if ((await Promise.race([globalThis.changed, late])) === 'late') return 'the page was not told';
    return OpenFeature.getClient().getStringValue(flag, 'the default');
  }, flag);
  return { name: 'change', problems: seen === value ? [] : [`expected ${value}, got ${seen}`] };
}

/** What of the answer is not as expected, in words; what is not expected is not looked at. */
function problems(expect, details) {
  const found = [];
  const compare = (field, expected, got) => {
    if (JSON.stringify(expected) !== JSON.stringify(got)) {
      found.push(`${field}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`);
    }
  };
  if ('value' in expect) compare('value', sorted(expect.value), sorted(details.value));
  if ('reason' in expect) compare('reason', expect.reason, details.reason);
  if (expect.errorCode) compare('error code', expect.errorCode, details.errorCode);
  if ('variant' in expect) compare('variant', expect.variant, details.variant);
  const metadata = details.flagMetadata ?? {};
  for (const [name, value] of Object.entries(expect.metadata ?? {})) compare(`metadata.${name}`, value, metadata[name]);
  if (expect.noMetadata) compare('metadata', {}, metadata);
  if (found.length > 0 && details.errorMessage) found.push(`the client said: ${details.errorMessage}`);
  return found;
}

/** The same JSON with the members of objects in order. */
function sorted(value) {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(sorted);
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name])]));
}
