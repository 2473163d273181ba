"""Evaluates a flag in a rollout and tells of it by OpenTelemetry alone: the official hook, the official exporters. Knows
nothing of Tenure but its address and tokens.

  TENURE_URL, TENURE_TOKEN              where flags are evaluated, and a token that may
  TENURE_ROLLOUT_FLAG                   key of a boolean flag in a rollout, randomised by targetingKey
  UNIT_PREFIX                           what the units' names begin with
  OTEL_EXPORTER_OTLP_ENDPOINT, _HEADERS, _PROTOCOL   as OpenTelemetry defines them: grpc or http/protobuf

Prints one line of JSON: how many units saw each variant, and how many outcomes were told of.
"""

import json
import os
import sys
from collections import Counter

from openfeature import api
from openfeature.contrib.hook.opentelemetry import TracingHook
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

UNITS = 60


def main():
    url, token, flag, prefix, protocol = (
        required(name)
        for name in ("TENURE_URL", "TENURE_TOKEN", "TENURE_ROLLOUT_FLAG", "UNIT_PREFIX", "OTEL_EXPORTER_OTLP_PROTOCOL")
    )
    exporter = {"grpc": Grpc, "http/protobuf": Http}[protocol]()
    spans = TracerProvider()
    spans.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(spans)

    headers = {"Authorization": f"Bearer {token}"}
    api.set_provider(OFREPProvider(url, headers_factory=lambda: headers))
    client = api.get_client()
    client.add_hooks([TracingHook()])

    seen, outcomes = Counter(), 0
    for number in range(UNITS):
        unit = f"{prefix}-{number}"
        with trace.get_tracer("shop").start_as_current_span("GET /checkout") as span:
            details = client.get_boolean_details(flag, False, EvaluationContext(unit))
            seen[details.variant] += 1
            if details.variant == "treatment":
                told = {"tenure.outcome.name": "visit", "tenure.outcome.value": 1, "tenure.unit.user": unit}
                span.add_event("tenure.outcome", told)
                outcomes += 1
    spans.shutdown()
    print(json.dumps({"seen": seen, "outcomes": outcomes}))
    return 0


def required(name):
    if not os.environ.get(name):
        print(f"set {name}; the first lines of this file say what for", file=sys.stderr)
        sys.exit(2)
    return os.environ[name]


if __name__ == "__main__":
    sys.exit(main())
