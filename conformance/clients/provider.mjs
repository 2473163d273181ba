// Evaluates cases through a real OpenFeature provider for servers. Knows nothing of Tenure but where it is.
//
//   CASES      a file of {"cases": [{"name", "flag", "type", "default", "context", "expect"}]}
//   MODE       ofrep, rpc or in-process
//   URL        for ofrep: the server's address
//   TOKEN      for ofrep: a token that may evaluate
//   HOST_PORT  for rpc and in-process: host:port of a listener that asks for no credential
//   CA_FILE    for rpc and in-process: the authority of the listener's certificate; in the clear without it
//
// Prints one JSON object a case, {"name", "problems"}; a case without problems passed.

import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { OpenFeature } from '@openfeature/server-sdk';
import { FlagdProvider } from '@openfeature/flagd-provider';
import { OFREPProvider } from '@openfeature/ofrep-provider';

const { CASES, MODE, URL: url, TOKEN, HOST_PORT, CA_FILE } = process.env;
const { cases } = JSON.parse(readFileSync(CASES, 'utf8'));

await OpenFeature.setProviderAndWait(provider());
const client = OpenFeature.getClient();
for (const item of cases) {
  console.log(JSON.stringify({ name: item.name, problems: problems(item.expect, await evaluate(item)) }));
}
await OpenFeature.close();
process.exit(0);

function provider() {
  if (MODE === 'ofrep') {
    return new OFREPProvider({ baseUrl: url, headers: [['Authorization', `Bearer ${TOKEN}`]] });
  }
  const [host, port] = HOST_PORT.split(':');
  const tls = CA_FILE ? { tls: true, certPath: CA_FILE } : { tls: false };
  return new FlagdProvider({
    host, port: Number(port), resolverType: MODE, cache: 'disabled', deadlineMs: 5_000, ...tls,
  });
}

function evaluate({ flag, type, default: fallback, context }) {
  switch (type) {
    case 'boolean':
      return client.getBooleanDetails(flag, fallback, context);
    case 'string':
      return client.getStringDetails(flag, fallback, context);
    case 'integer':
    case 'float':
      return client.getNumberDetails(flag, fallback, context);
    default:
      return client.getObjectDetails(flag, fallback, context);
  }
}

/** What of the answer is not as expected, in words; what is not expected is not looked at. */
function problems(expect, details) {
  const found = [];
  const compare = (field, expected, got) => {
    if (!isDeepStrictEqual(expected, got)) {
      found.push(`${field}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`);
    }
  };
  if ('value' in expect) compare('value', expect.value, details.value);
  if ('reason' in expect) compare('reason', expect.reason, details.reason);
  if (expect.errorCode) compare('error code', expect.errorCode, details.errorCode);
  if ('variant' in expect) compare('variant', expect.variant, details.variant);
  const metadata = details.flagMetadata ?? {};
  for (const [name, value] of Object.entries(expect.metadata ?? {})) compare(`metadata.${name}`, value, metadata[name]);
  if (expect.noMetadata) compare('metadata', {}, metadata);
  if (found.length > 0 && details.errorMessage) found.push(`the client said: ${details.errorMessage}`);
  return found;
}
