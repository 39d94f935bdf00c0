"""A collector of OpenTelemetry in Python, and a traced client of the gateway.

Prints the collector's port, reads the gateway's URL from standard input, makes requests as a traced service does, by
OpenAI's client inside spans of OpenTelemetry's SDK, then waits for the end of standard input and prints all that it got,
decoded by OpenTelemetry's own protobuf definitions. Which names the conventions have is told by their own package.
"""

import base64
import http.server
import json
import sys
import threading

import openai
from google.protobuf.json_format import MessageToDict
from opentelemetry.propagate import inject
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics
from opentelemetry.semconv.attributes import error_attributes, http_attributes, server_attributes

KINDS = {"/v1/traces": ExportTraceServiceRequest, "/v1/metrics": ExportMetricsServiceRequest}

# Bytes, which are base64 in protobuf's JSON.
IDS = ["traceId", "spanId", "parentSpanId"]

got = {path: [] for path in KINDS}


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        assert self.headers["content-type"] == "application/x-protobuf", self.headers["content-type"]
        message = KINDS[self.path]()
        message.ParseFromString(body)
        got[self.path].append(MessageToDict(message))
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def value(of):
    """The one value of an attribute, whatever its type; 64-bit integers are strings in protobuf's JSON."""
    (kind, value), = of["value"].items()
    return int(value) if kind == "intValue" else value


def attributes(of):
    return {each["key"]: value(each) for each in of.get("attributes", [])}


def spans():
    for export in got["/v1/traces"]:
        for of_resource in export["resourceSpans"]:
            for scope in of_resource["scopeSpans"]:
                for span in scope["spans"]:
                    yield {
                        **{key: base64.b64decode(span.get(key, "")).hex() for key in IDS},
                        "name": span["name"],
                        "kind": span["kind"],
                        "status": span.get("status", {}).get("code"),
                        "nanoseconds": int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"]),
                        "attributes": attributes(span),
                        "resource": attributes(of_resource["resource"]),
                    }


def histograms():
    for export in got["/v1/metrics"]:
        for of_resource in export["resourceMetrics"]:
            for scope in of_resource["scopeMetrics"]:
                for metric in scope["metrics"]:
                    for point in metric["histogram"]["dataPoints"]:
                        yield {
                            "name": metric["name"],
                            "unit": metric["unit"],
                            "count": int(point["count"]),
                            "sum": point["sum"],
                            "attributes": attributes(point),
                        }


def names(*modules):
    return sorted(
        value for module in modules for name, value in vars(module).items() if name.isupper() and isinstance(value, str)
    )


def asked(gateway, tracer, model, stream):
    """One request inside a span of the client's own."""
    client = openai.OpenAI(base_url=gateway, api_key="sk-none", max_retries=0)
    with tracer.start_as_current_span("asks") as span:
        headers = {}
        inject(headers)
        messages = [{"role": "user", "content": "a secret prompt"}]
        try:
            answer = client.chat.completions.create(
                model=model, messages=messages, stream=stream, extra_headers=headers
            )
            if stream:
                list(answer)
            status = 200
        except openai.APIStatusError as error:
            status = error.status_code
        context = span.get_span_context()
        return {
            "model": model,
            "status": status,
            "traceId": f"{context.trace_id:032x}",
            "spanId": f"{context.span_id:016x}",
        }


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    gateway = sys.stdin.readline().strip()
    tracer = TracerProvider().get_tracer("client")
    requests = [
        asked(gateway, tracer, "chat", stream=False),
        asked(gateway, tracer, "chat", stream=True),
        asked(gateway, tracer, "failing", stream=False),
    ]
    print("asked", flush=True)
    sys.stdin.read()
    known = {
        "attributes": names(gen_ai_attributes, error_attributes, http_attributes, server_attributes),
        "metrics": names(gen_ai_metrics),
        "providers": [each.value for each in gen_ai_attributes.GenAiProviderNameValues],
        "operations": [each.value for each in gen_ai_attributes.GenAiOperationNameValues],
    }
    json.dump({"requests": requests, "spans": list(spans()), "histograms": list(histograms()), "known": known}, sys.stdout)


main()
