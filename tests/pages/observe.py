"""What is to be true of the spans of docs/how-to/observe.md, and that nothing is traced after it."""

from __future__ import annotations

from collections.abc import Iterator

from tests.pages import Page

#: As the page shows them: the name of a span, the status of the call.
SPANS = [("POST", 503), ("POST", 200), ("POST", 200), ("PUT", 200), ("deliver yesterday", None)]


def around(page: Page) -> Iterator[None]:
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor  # noqa: PLC0415 - only with its extra
    from opentelemetry.instrumentation.requests import RequestsInstrumentor  # noqa: PLC0415 - the same
    from opentelemetry.instrumentation.threading import ThreadingInstrumentor  # noqa: PLC0415 - the same

    try:
        yield
        spans = page.exporter.get_finished_spans()
    finally:
        for instrumentor in (HTTPXClientInstrumentor, RequestsInstrumentor, ThreadingInstrumentor):
            instrumentor().uninstrument()
    assert [(span.name, span.attributes.get("http.status_code")) for span in spans] == SPANS
    *calls, run = spans
    assert {span.parent.span_id for span in calls} == {run.context.span_id}
    assert [str(outcome.status) for outcome in page.outcomes] == ["delivered", "delivered"]
    told = str([(span.name, dict(span.attributes), [event.attributes for event in span.events]) for span in spans])
    assert "a-key" not in told
    assert "ada@example.com" not in told
    shown = [line.split() for line in page.text.split("```text\n")[-1].split("\n```")[0].splitlines()]
    assert [line[0] for line in shown[:-1]] == [name for name, _ in SPANS[:-1]]
    assert [int(line[2]) for line in shown[:-1]] == [status for _, status in SPANS[:-1]]
