// Evaluates a flag in a rollout and tells of it by OpenTelemetry alone: the official hook, the official exporters. Knows
// nothing of Tenure but its address and tokens.
//
//   TENURE_URL, TENURE_TOKEN              where flags are evaluated, and a token that may
//   TENURE_ROLLOUT_FLAG                   key of a boolean flag in a rollout, randomised by targetingKey
//   UNIT_PREFIX                           what the units' names begin with
//   OTEL_EXPORTER_OTLP_ENDPOINT, _HEADERS, _PROTOCOL   as OpenTelemetry defines them: grpc, http/protobuf or http/json
//
// Prints one line of JSON: how many units saw each variant, and how many outcomes were told of.

import { EventHook } from '@openfeature/open-telemetry-hooks';
import { OFREPProvider } from '@openfeature/ofrep-provider';
import { OpenFeature } from '@openfeature/server-sdk';
import { logs } from '@opentelemetry/api-logs';
import { OTLPLogExporter as Grpc } from '@opentelemetry/exporter-logs-otlp-grpc';
import { OTLPLogExporter as Json } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as Protobuf } from '@opentelemetry/exporter-logs-otlp-proto';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';

const UNITS = 60;

const { TENURE_URL, TENURE_TOKEN, TENURE_ROLLOUT_FLAG, UNIT_PREFIX, OTEL_EXPORTER_OTLP_PROTOCOL } = process.env;
const exporters = { grpc: Grpc, 'http/protobuf': Protobuf, 'http/json': Json };
const Exporter = exporters[OTEL_EXPORTER_OTLP_PROTOCOL];
if (!TENURE_URL || !TENURE_TOKEN || !TENURE_ROLLOUT_FLAG || !UNIT_PREFIX || !Exporter) {
  console.error('set the variables that the first lines of this file name');
  process.exit(2);
}

const loggerProvider = new LoggerProvider({ processors: [new BatchLogRecordProcessor(new Exporter())] });
logs.setGlobalLoggerProvider(loggerProvider);

const provider = new OFREPProvider({ baseUrl: TENURE_URL, headers: [['Authorization', `Bearer ${TENURE_TOKEN}`]] });
await OpenFeature.setProviderAndWait(provider);
const client = OpenFeature.getClient().addHooks(new EventHook());

const seen = {};
let outcomes = 0;
for (let unit = 0; unit < UNITS; unit += 1) {
  const targetingKey = `${UNIT_PREFIX}-${unit}`;
  const { variant } = await client.getBooleanDetails(TENURE_ROLLOUT_FLAG, false, { targetingKey });
  seen[variant] = (seen[variant] ?? 0) + 1;
  if (variant === 'treatment') {
    logs.getLogger('shop').emit({
      eventName: 'tenure.outcome',
      attributes: { 'tenure.outcome.name': 'visit', 'tenure.outcome.value': 1, 'tenure.unit.user': targetingKey },
    });
    outcomes += 1;
  }
}
await loggerProvider.shutdown();
console.log(JSON.stringify({ seen, outcomes }));
