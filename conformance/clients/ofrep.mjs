// Evaluates the cases of cases.json, and optionally a flag in a rollout, through the real OpenFeature
// server SDK and its OFREP provider. Knows nothing of Tenure but its address and a token.
//
//   TENURE_URL            base address, e.g. http://127.0.0.1:8016
//   TENURE_TOKEN          a token that may evaluate
//   TENURE_ROLLOUT_FLAG   optional: key of a boolean flag in a rollout, randomised by targetingKey
//
// Prints a line a case and "N passed, N failed"; exits 1 on a failure, 2 on a missing variable.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { OpenFeature } from '@openfeature/server-sdk';
import { OFREPProvider } from '@openfeature/ofrep-provider';

const CLIENT = 'javascript';
const ROLLOUT_UNITS = 200;
const ROLLOUT_VARIANTS = ['treatment', 'control', 'off'];

const url = required('TENURE_URL').replace(/\/+$/, '');
const token = required('TENURE_TOKEN');
const rolloutFlag = process.env.TENURE_ROLLOUT_FLAG;

const clients = new Map();
let passed = 0;
let failed = 0;

const { cases } = JSON.parse(readFileSync(new URL('cases.json', import.meta.url), 'utf8'));
for (const item of cases) {
  const client = await clientWith(item.token ?? token);
  const details = await evaluate(client, item);
  report(item.name, differences({ ...item.expect, ...item[CLIENT] }, details));
}
if (rolloutFlag) {
  await checkRollout(await clientWith(token), rolloutFlag);
}
console.log(`${passed} passed, ${failed} failed`);
await OpenFeature.close();
process.exitCode = failed === 0 ? 0 : 1;

/** One client a token: a provider carries its token in its headers. */
async function clientWith(bearer) {
  const headers = [['Authorization', `Bearer ${bearer}`]];
  if (!clients.has(bearer)) {
    await OpenFeature.setProviderAndWait(bearer, new OFREPProvider({ baseUrl: url, headers }));
    clients.set(bearer, OpenFeature.getClient(bearer));
  }
  return clients.get(bearer);
}

function evaluate(client, { flag, type, default: fallback, context }) {
  switch (type) {
    case 'boolean':
      return client.getBooleanDetails(flag, fallback, context);
    case 'string':
      return client.getStringDetails(flag, fallback, context);
    case 'number':
      return client.getNumberDetails(flag, fallback, context);
    case 'object':
      return client.getObjectDetails(flag, fallback, context);
    default:
      throw new Error(`cases.json: unknown type "${type}" of flag "${flag}"`);
  }
}

/** What of the answer is not as expected, in words; a field that is not expected is not looked at. */
function differences(expect, details) {
  const found = [];
  const compare = (field, expected, got) => {
    if (!isDeepStrictEqual(expected, got)) {
      found.push(`${field}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`);
    }
  };
  compare('value', expect.value, details.value);
  compare('error', expect.error, details.errorCode);
  if ('variant' in expect) compare('variant', expect.variant, details.variant);
  if ('reason' in expect) compare('reason', expect.reason, details.reason);
  for (const [name, value] of Object.entries(expect.metadata ?? {})) {
    compare(`metadata.${name}`, value, details.flagMetadata?.[name]);
  }
  if (found.length > 0 && details.errorMessage) {
    found.push(`the client said: ${details.errorMessage}`);
  }
  return found;
}

/** A unit keeps its variant, a variant has one value, and the digest lets two languages be compared. */
async function checkRollout(client, flag) {
  const problems = [];
  const digest = createHash('sha256');
  const counts = Object.fromEntries(ROLLOUT_VARIANTS.map((variant) => [variant, 0]));
  const values = {};
  for (let index = 0; index < ROLLOUT_UNITS; index += 1) {
    const unit = `conformance-unit-${String(index).padStart(3, '0')}`;
    const first = await client.getBooleanDetails(flag, false, { targetingKey: unit });
    const again = await client.getBooleanDetails(flag, false, { targetingKey: unit });
    if (first.errorCode) problems.push(`${unit}: ${first.errorCode} ${first.errorMessage ?? ''}`);
    if (typeof first.value !== 'boolean') problems.push(`${unit}: value ${JSON.stringify(first.value)} is not boolean`);
    if (!(first.variant in counts)) problems.push(`${unit}: variant ${JSON.stringify(first.variant)}`);
    if (first.reason === 'STATIC') problems.push(`${unit}: reason STATIC would be cached by a client`);
    if (again.variant !== first.variant || again.value !== first.value) {
      problems.push(`${unit}: ${first.variant} at first, then ${again.variant}`);
    }
    counts[first.variant] = (counts[first.variant] ?? 0) + 1;
    values[first.variant] ??= first.value;
    if (values[first.variant] !== first.value) problems.push(`${unit}: ${first.variant} has two values`);
    digest.update(`${unit}=${first.variant}\n`);
  }
  if ('control' in values && 'treatment' in values && values.control === values.treatment) {
    problems.push('treatment and control serve the same value');
  }
  if ('control' in values && 'off' in values && values.control !== values.off) {
    problems.push('control does not serve the old value');
  }
  const shown = Object.entries(counts).map(([variant, count]) => `${variant} ${count}`);
  report(`rollout ${flag}: ${ROLLOUT_UNITS} units, ${shown.join(', ')}`, problems);

  const nobody = await client.getBooleanDetails(flag, false, {});
  const old = values.control ?? values.off ?? false;
  report(`rollout ${flag}: without a unit, the old value`, differences({ value: old, reason: 'DEFAULT' }, nobody));
  console.log(`assignments ${digest.digest('hex')}`);
}

function report(name, problems) {
  if (problems.length === 0) {
    passed += 1;
    console.log(`ok      ${name}`);
    return;
  }
  failed += 1;
  console.log(`FAILED  ${name}`);
  for (const problem of problems) console.log(`          ${problem}`);
}

function required(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set`);
    process.exit(2);
  }
  return value;
}
