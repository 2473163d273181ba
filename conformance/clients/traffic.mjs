// Customers for a rollout: each unit meets a boolean flag through the real OpenFeature server SDK and
// its OFREP provider, and some of them then do what the metric counts. Knows nothing of Tenure but its
// address, two tokens and the form of an outcome. The same seed gives the same customers.
//
//   TENURE_URL            base address
//   TENURE_TOKEN          a token that may evaluate
//   TENURE_INGEST_TOKEN   a token that may send events
//   FLAG                  key of the boolean flag
//   EVENT                 name of the outcome
//   CONTROL_RATE          share of units with the outcome, for every variant but treatment
//   TREATMENT_RATE        the same for treatment
//   UNITS=20000           number of units
//   FIRST_UNIT=0          number of the first one: a later run may go on where one stopped
//   SEED=1                draws other outcomes for the same units
//   CONCURRENCY=32        evaluations under way at once
//
// Progress goes to stderr, one JSON summary to stdout. Exits 1 when an evaluation or an outcome was
// refused for good, because the counts would then not be the ones asked for (after 20 such errors it
// stops: a wrong token does not get better); 2 on a bad variable.

import { setTimeout as sleep } from 'node:timers/promises';
import { OpenFeature } from '@openfeature/server-sdk';
import { OFREPProvider } from '@openfeature/ofrep-provider';

const BATCH_OUTCOMES_MAX = 500;
const ATTEMPTS_MAX = 6;
const ERRORS_MAX = 20;
const PROGRESS_INTERVAL_MS = 2000;

const url = required('TENURE_URL').replace(/\/+$/, '');
const evaluateToken = required('TENURE_TOKEN');
const ingestToken = required('TENURE_INGEST_TOKEN');
const flag = required('FLAG');
const event = required('EVENT');
const rates = { control: number('CONTROL_RATE', undefined, 0, 1), treatment: number('TREATMENT_RATE', undefined, 0, 1) };
const units = whole('UNITS', 20_000, 1, 10_000_000);
const firstUnit = whole('FIRST_UNIT', 0, 0, 1_000_000_000);
const seed = whole('SEED', 1, 0, Number.MAX_SAFE_INTEGER);
const concurrency = whole('CONCURRENCY', 32, 1, 1024);

// Node's fetch, which the provider calls, keeps its connections alive: one a worker.
const headers = [['Authorization', `Bearer ${evaluateToken}`]];
await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: url, headers }));
const client = OpenFeature.getClient();

const started = performance.now();
const variants = {};
const outcomes = {};
const errors = [];
let accepted = 0;
let sent = 0;
let evaluated = 0;
let pending = [];

const progress = setInterval(() => {
  const seconds = (performance.now() - started) / 1000;
  console.error(`${evaluated} of ${units} units, ${Math.round(evaluated / seconds)} a second, ${sent} outcomes sent`);
}, PROGRESS_INTERVAL_MS);
try {
  await Promise.all(Array.from({ length: Math.min(concurrency, units) }, (_, worker) => visit(worker)));
  await flush();
} finally {
  clearInterval(progress);
}
await OpenFeature.close();

const seconds = (performance.now() - started) / 1000;
console.log(
  JSON.stringify({
    flag,
    event,
    units,
    variants,
    outcomes,
    sent,
    accepted,
    errors: errors.length,
    first_errors: errors.slice(0, 5),
    seconds: Number(seconds.toFixed(2)),
  }),
);
process.exitCode = errors.length === 0 && accepted === sent ? 0 : 1;

/** One of the customers' lines: every `concurrency`-th unit. */
async function visit(worker) {
  for (let index = worker; index < units && errors.length < ERRORS_MAX; index += concurrency) {
    const unit = `user-${String(firstUnit + index).padStart(7, '0')}`;
    const variant = await meet(unit);
    evaluated += 1;
    if (variant === undefined) continue;
    variants[variant] = (variants[variant] ?? 0) + 1;
    const rate = variant === 'treatment' ? rates.treatment : rates.control;
    if (uniform(`${seed}:${event}:${unit}`) >= rate) continue;
    outcomes[variant] = (outcomes[variant] ?? 0) + 1;
    pending.push({ type: 'outcome', id: `${seed}:${event}:${unit}`, unit: { user: unit }, event, value: 1 });
    if (pending.length >= BATCH_OUTCOMES_MAX) await flush();
  }
}

/** The variant of a unit; undefined when the flag could not be had, which is written down. */
async function meet(unit) {
  for (let attempt = 1; ; attempt += 1) {
    const details = await client.getBooleanDetails(flag, false, { targetingKey: unit });
    if (details.errorCode === undefined) return details.variant || 'none';
    // A provider that was told to wait (429) answers every evaluation with an error until then.
    if (details.errorCode !== 'GENERAL' || attempt === ATTEMPTS_MAX) {
      errors.push(`${unit}: ${details.errorCode} ${details.errorMessage ?? ''}`);
      return undefined;
    }
    await sleep(100 * 2 ** attempt);
  }
}

/** Sends what has gathered. An outcome keeps its id, so that a batch sent again counts once. */
async function flush() {
  const batch = pending;
  pending = [];
  if (batch.length === 0) return;
  const body = batch.map((outcome) => `${JSON.stringify(outcome)}\n`).join('');
  for (let attempt = 1; ; attempt += 1) {
    const answer = await post(body);
    if (answer.ok) {
      const receipt = JSON.parse(answer.text);
      if (!Number.isInteger(receipt.accepted)) {
        throw new Error(`POST ${url}/api/v1/events: no whole number "accepted" in ${answer.text}`);
      }
      sent += batch.length;
      accepted += receipt.accepted;
      if (receipt.accepted !== batch.length) errors.push(`accepted ${receipt.accepted} of ${batch.length}: ${answer.text}`);
      return;
    }
    const worthAnother = answer.status === undefined || answer.status === 429 || answer.status >= 500;
    if (!worthAnother || attempt === ATTEMPTS_MAX) {
      sent += batch.length;
      errors.push(`${batch.length} outcomes: ${answer.status ?? 'no answer'} ${answer.text}`);
      return;
    }
    await sleep(answer.retryAfterMs ?? 100 * 2 ** attempt);
  }
}

async function post(body) {
  try {
    const response = await fetch(`${url}/api/v1/events`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${ingestToken}`, 'Content-Type': 'application/x-ndjson' },
      body,
    });
    const retryAfter = Number.parseFloat(response.headers.get('Retry-After') ?? '');
    return {
      ok: response.ok,
      status: response.status,
      text: await response.text(),
      retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1000 : undefined,
    };
  } catch (error) {
    return { ok: false, text: String(error.cause ?? error) };
  }
}

/** A number in [0, 1) that depends on the text alone: FNV-1a, then the finaliser of MurmurHash3. */
function uniform(text) {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

function required(name) {
  const value = process.env[name];
  return value ? value : refuse(`${name} is not set`);
}

function number(name, fallback, low, high) {
  const text = fallback === undefined ? required(name) : (process.env[name] ?? String(fallback));
  const value = Number(text);
  if (text.trim() === '' || !(value >= low && value <= high)) {
    refuse(`${name}=${text}: expected a number from ${low} to ${high}`);
  }
  return value;
}

function whole(name, fallback, low, high) {
  const value = number(name, fallback, low, high);
  return Number.isInteger(value) ? value : refuse(`${name}=${process.env[name]}: expected a whole number`);
}

function refuse(message) {
  console.error(message);
  process.exit(2);
}
