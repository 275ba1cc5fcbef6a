from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from service import app, health
from service.models import Models
from service.requests import LIMITS, MAX_ARTICLES, MAX_CHARACTERS, MAX_DEPTH
from tests.apps import JSON, Start, error_of, together
from tests.doubles import ARTICLE, POISON, StubAnalyzer, lasting, stub_models

NOT_LOADED = Models({"baseline": stub_models().opened["baseline"]}, {"transformer": "the transformer model cannot be opened"})


def test_an_article_is_answered_with_offsets_into_the_text_as_posted(start: Start) -> None:
    response = start().post("/analyze", json={"text": ARTICLE, "id": "7"})
    answer = response.json()
    assert response.status_code == 200
    assert set(answer) == {"id", "model", "topic", "actors", "paragraphs", "stances"}
    assert (answer["id"], answer["model"]) == ("7", {"name": "compact", "version": "1.0.0"})
    mentions = [mention for paragraph in answer["paragraphs"] for mention in paragraph["mentions"]]
    assert len(mentions) == 6
    assert all(ARTICLE[mention["start"] : mention["end"]] == mention["text"] for mention in mentions)
    continuation = answer["paragraphs"][2]["statements"][0]["speaker"]
    assert (continuation["start"], continuation["end"], continuation["text"]) == (None, None, None)


def test_arabic_is_answered_readably_and_no_arabic_is_no_error(start: Start) -> None:
    client = start()
    assert "موسكو" in client.post("/analyze", json={"text": ARTICLE}).content.decode()
    assert client.post("/analyze", json={"text": "hello"}).json()["warnings"] == ["not_arabic"]


@pytest.mark.parametrize("text", ["قال \ud83d بيسكوف", "\ud800", "a\0b قال", "😀", "قال بيسكوف" + "\u0301" * 50, "\ufeffموسكو"])
def test_odd_characters_are_answered_in_valid_json(start: Start, text: str) -> None:
    response = start().post(
        "/analyze", content=json.dumps({"text": text, "id": text}), headers={"Content-Type": "application/json"}
    )
    answer = json.loads(response.content.decode("utf-8"))
    assert (response.status_code, answer["id"]) == (200, text)
    assert answer["paragraphs"][-1]["end"] == len(text)


def test_concurrent_requests_are_analysed_together_and_each_gets_its_own(start: Start) -> None:
    analyzer = StubAnalyzer("compact", seconds=0.2)
    client = start(stub_models(analyzer))
    analyzer.calls.clear()
    answers = together(client, [{"text": f"موسكو {i}", "id": str(i)} for i in range(8)])
    assert [answer.json()["id"] for answer in answers] == [str(i) for i in range(8)]
    assert sum(analyzer.calls) == 8
    assert len(analyzer.calls) < 8
    assert max(analyzer.calls) > 1


def test_an_idle_analyzer_is_never_waited_for(start: Start) -> None:
    client = start()
    together(client, [{"text": "موسكو"}] * 32)
    began = time.perf_counter()
    for _ in range(10):
        client.post("/analyze", json={"text": "موسكو"})
    assert time.perf_counter() - began < 2


def test_probes_answer_while_an_article_is_analysed(start: Start) -> None:
    analyzer = StubAnalyzer("compact", seconds=0.5)
    client = start(stub_models(analyzer))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.post, "/analyze", json={"text": "موسكو"})
        time.sleep(0.1)
        assert [client.get(probe).status_code for probe in ("/livez", "/readyz", "/healthz")] == [200, 200, 200]
        assert not answer.done()
        assert answer.result().status_code == 200


def test_a_batch_keeps_its_order_and_each_article_its_model(start: Start) -> None:
    articles = [{"text": f"خبر {i}", "id": str(i), "model": ("transformer", "baseline")[i % 2]} for i in range(MAX_ARTICLES)]
    answer = start().post("/analyze_batch", json={"articles": articles}).json()
    assert [analysis["id"] for analysis in answer["analyses"]] == [str(i) for i in range(MAX_ARTICLES)]
    assert [analysis["model"]["name"] for analysis in answer["analyses"]] == ["compact", "baseline"] * (MAX_ARTICLES // 2)


def test_a_batch_answers_what_its_articles_would_get_alone(start: Start) -> None:
    client = start()
    articles = [{"text": ARTICLE, "id": "a"}, {"text": "hello"}, {"text": "روسيا", "model": "baseline"}]
    alone = [client.post("/analyze", json=article).json() for article in articles]
    assert client.post("/analyze_batch", json={"articles": articles}).json() == {"analyses": alone}


def test_a_bad_article_is_refused_before_any_work(start: Start) -> None:
    analyzer = StubAnalyzer("compact")
    client = start(stub_models(analyzer))
    analyzer.calls.clear()
    response = client.post("/analyze_batch", json={"articles": [{"text": "خبر"}] * 3 + [{"text": " "}]})
    assert error_of(response) == (400, "blank_text", "articles[3].text")
    assert analyzer.calls == []


@pytest.mark.parametrize(
    ("method", "route", "content", "headers", "expected"),
    [
        ("POST", "/analyze", b"{", JSON, (400, "malformed_json", None)),
        ("POST", "/analyze", b"", JSON, (400, "malformed_json", None)),
        ("POST", "/analyze", b"[" * 100_000, JSON, (400, "nested_too_deeply", None)),
        ("POST", "/analyze", b"[" * (MAX_DEPTH + 1), JSON, (400, "nested_too_deeply", None)),
        ("POST", "/analyze", b"[" * MAX_DEPTH, JSON, (400, "malformed_json", None)),
        ("POST", "/analyze", b'{"text": NaN}', JSON, (400, "malformed_json", None)),
        ("POST", "/analyze", b'{"text": 1}', JSON, (400, "wrong_type", "text")),
        ("POST", "/analyze", b'{"text": ""}', JSON, (400, "blank_text", "text")),
        ("POST", "/analyze", b'{"text": "x", "model": "y"}', JSON, (400, "unknown_model", "model")),
        ("POST", "/analyze", b'{"text": "%s"}' % (b"x" * (MAX_CHARACTERS + 1)), JSON, (413, "text_too_long", "text")),
        ("POST", "/analyze", b" " * (LIMITS.article_bytes + 1), JSON, (413, "body_too_large", None)),
        ("POST", "/analyze", b"{}", {"Content-Type": "text/plain"}, (415, "not_json", None)),
        ("POST", "/analyze", b"{}", {"Content-Type": "multipart/form-data"}, (415, "not_json", None)),
        ("POST", "/analyze", b"\x80\x04.", {"Content-Type": "application/vnd.bentoml+pickle"}, (415, "not_json", None)),
        ("POST", "/analyze", b"{}", {**JSON, "Content-Encoding": "gzip"}, (415, "encoded_body", None)),
        ("POST", "/analyze_batch", b'{"articles": []}', JSON, (400, "empty_batch", "articles")),
        ("POST", "/analyze_batch", b'{"articles": [%s1]}' % (b"1," * MAX_ARTICLES), JSON, (413, "too_many_articles", "articles")),
        ("GET", "/model?model=x", b"", {}, (400, "unknown_model", "model")),
        ("GET", "/analyze", b"", {}, (405, "method_not_allowed", None)),
        ("POST", "/", b"", {}, (405, "method_not_allowed", None)),
        ("GET", "/nowhere", b"", {}, (404, "not_found", None)),
        ("POST", "/nowhere", b"x" * 100_000, {}, (404, "not_found", None)),
    ],
)
def test_errors_have_one_shape(
    start: Start, method: str, route: str, content: bytes, headers: dict[str, str], expected: tuple[int, str, str | None]
) -> None:
    assert error_of(start().request(method, route, content=content, headers=headers)) == expected


def test_a_body_of_unknown_length_is_refused_while_it_is_read(start: Start) -> None:
    content = (b" " * (LIMITS.article_bytes // 4) for _ in range(20))
    assert error_of(start().post("/analyze", content=content, headers=JSON)) == (413, "body_too_large", None)


def test_the_largest_text_is_answered(start: Start) -> None:
    text = "\n".join(["قال بيسكوف إن واشنطن " * 40] * 200)[: MAX_CHARACTERS - 1] + "😀"
    response = start().post("/analyze", content=json.dumps({"text": text}), headers=JSON)
    assert response.status_code == 200
    assert response.json()["paragraphs"][-1]["end"] == len(text)


def test_a_text_that_breaks_the_analyzer_breaks_no_other_and_reaches_no_log(start: Start, log: pytest.LogCaptureFixture) -> None:
    analyzer = StubAnalyzer("compact", seconds=0.1)
    client = start(stub_models(analyzer))
    answers = together(client, [{"text": f"موسكو {i}"} for i in range(6)] + [{"text": f"سرّي {POISON}"}])
    assert [answer.status_code for answer in answers] == [200] * 6 + [500]
    assert error_of(answers[-1]) == (500, "analysis_failed", None)
    assert "ValueError at doubles.py:" in log.text
    assert "سرّي" not in log.text


def test_an_article_of_a_batch_that_fails_fails_alone(start: Start) -> None:
    client = start()
    articles = [{"text": "موسكو", "id": "a"}, {"text": POISON, "id": "b"}, {"text": "واشنطن"}]
    response = client.post("/analyze_batch", json={"articles": articles})
    first, second, third = response.json()["analyses"]
    assert response.status_code == 200
    assert [entry["actors"][0]["name"] for entry in (first, third)] == ["روسيا", "الولايات المتحدة"]
    assert set(second) == {"id", "error"}
    assert (second["id"], second["error"]["code"], second["error"]["field"]) == ("b", "analysis_failed", "articles[1]")


def test_refused_text_reaches_no_log(start: Start, log: pytest.LogCaptureFixture) -> None:
    client = start()
    for body in [{"text": ["سرّي"]}, {"text": "سرّي", "model": "سرّي"}, {"text": "سرّي", "id": 1}, ["سرّي"]]:
        assert client.post("/analyze", json=body).status_code == 400
    assert client.post("/analyze", content='{"سرّي"'.encode(), headers=JSON).status_code == 400
    assert "سرّي" not in log.text
    assert not [record for record in log.records if record.levelno >= logging.WARNING]


def test_too_many_requests_are_told_to_come_back(start: Start) -> None:
    client = start(stub_models(StubAnalyzer("compact", seconds=0.3)), {"server": {"max_requests": 2}})
    answers = together(client, [{"text": "موسكو"}] * 6)
    refused = [answer for answer in answers if answer.status_code != 200]
    assert 0 < len(refused) < 6
    assert all(error_of(answer) == (429, "too_many_requests", None) for answer in refused)
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)


def test_more_text_than_can_be_held_is_told_to_come_back(start: Start) -> None:
    limits = {"max_characters": 80_000, "max_articles": 1, "max_held_megabytes": 2}
    analyzer = StubAnalyzer("compact", seconds=0.5)
    client = start(stub_models(analyzer), {"limits": limits})
    body = json.dumps({"text": "x", "note": "x" * 900_000})
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: client.post("/analyze", content=body, headers=JSON), range(4)))
    assert sorted({reply.status_code for reply in replies}) == [200, 503]
    refused = [reply for reply in replies if reply.status_code == 503]
    assert {error_of(reply)[1] for reply in refused} == {"overloaded"}
    assert all(int(reply.headers["Retry-After"]) > 0 for reply in refused)
    assert client.post("/analyze", content=body, headers=JSON).status_code == 200


@pytest.mark.parametrize("queue", [{"max_articles": 3}, {"max_characters": 3 * 16}])
def test_a_full_queue_is_told_to_come_back_and_whom_it_holds_is_answered(start: Start, queue: dict[str, int]) -> None:
    analyzer = StubAnalyzer("compact", seconds=0.5)
    client = start(stub_models(analyzer), {"queue": queue})
    replies = together(client, [{"text": "موسكو والكرملين"}] * 5)
    assert sorted(reply.status_code for reply in replies) == [200] * 3 + [503] * 2
    assert {error_of(reply)[1] for reply in replies if reply.status_code == 503} == {"overloaded"}
    batch = {"articles": [{"text": "موسكو والكرملين"}] * 4}
    assert client.post("/analyze_batch", json=batch).status_code == 200, "nobody is in its way"


def test_the_deadline_is_kept_and_the_next_request_answered(start: Start, log: pytest.LogCaptureFixture) -> None:
    analyzer = StubAnalyzer("compact")
    client = start(stub_models(analyzer), {"server": {"deadline_s": 0.3}})
    analyzer.seconds, analyzer.calls = 0.8, []
    assert error_of(client.post("/analyze", json={"text": "موسكو"})) == (504, "deadline_exceeded", None)
    assert error_of(client.post("/analyze", json={"text": "موسكو"})) == (504, "deadline_exceeded", None)
    analyzer.seconds = 0
    time.sleep(1)
    assert client.post("/analyze", json={"text": "موسكو"}).status_code == 200
    assert len(analyzer.calls) == 2, "whom nobody waits for any more is not analysed"
    assert not [record for record in log.records if record.levelno >= logging.ERROR]


def test_without_the_transformer_the_service_lives_but_is_not_ready(start: Start) -> None:
    client = start(NOT_LOADED)
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 503
    response = client.post("/analyze", json={"text": "موسكو"})
    assert error_of(response) == (503, "model_unavailable", "model")
    assert "Retry-After" in response.headers
    assert error_of(client.get("/model")) == (503, "model_unavailable", "model")
    assert client.post("/analyze", json={"text": "موسكو", "model": "baseline"}).status_code == 200


def test_a_transformer_that_cannot_analyse_is_not_ready(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "PROBE_TEXT", POISON)
    monkeypatch.setattr(health, "PROBE_TEXT", POISON)
    assert start().get("/readyz").status_code == 503


def test_a_transformer_that_stops_answering_is_not_ready_until_it_answers_again(start: Start) -> None:
    analyzer = StubAnalyzer("compact")
    client = start(stub_models(analyzer), {"readiness": {"stall_after_s": 0.2, "probe_every_s": 0.1, "probe_timeout_s": 0.3}})
    assert client.get("/readyz").status_code == 200
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.post, "/analyze", json={"text": lasting(100)})
        time.sleep(0.1)
        assert client.get("/readyz").status_code == 200, "busy is not stuck"
        time.sleep(0.4)
        assert client.get("/readyz").status_code == 503
        assert client.get("/livez").status_code == 200
        assert answer.result().status_code == 200
    assert client.get("/readyz").status_code == 200


def test_a_transformer_that_fails_on_everything_is_not_ready_and_one_bad_text_changes_nothing(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = start()
    assert client.post("/analyze", json={"text": POISON}).status_code == 500
    assert client.get("/readyz").status_code == 200
    monkeypatch.setattr(health, "PROBE_TEXT", POISON)
    assert client.post("/analyze", json={"text": POISON}).status_code == 500
    assert client.get("/readyz").status_code == 503
    monkeypatch.undo()
    monkeypatch.setattr(health, "PROBE_TEXT", "موسكو")
    assert client.get("/readyz").status_code == 200


def test_model_cards(start: Start) -> None:
    client = start()
    assert client.get("/model").json() == {"name": "compact"}
    assert client.get("/model", params={"model": "baseline"}).json() == {"name": "baseline"}


def test_the_documentation_describes_what_is_served(start: Start) -> None:
    documentation = start().get("/docs.json").json()
    paths, schemas = documentation["paths"], documentation["components"]["schemas"]
    assert {"/analyze", "/analyze_batch", "/model", "/livez", "/readyz", "/healthz", "/metrics"} <= set(paths)
    assert set(paths["/analyze"]["post"]["responses"]) == {
        "200", "400", "401", "413", "415", "429", "500", "503", "504",
    }  # fmt: skip
    references = set(_references(documentation))
    assert references <= {f"#/components/schemas/{name}" for name in schemas}
    assert schemas["ArticleBody"]["required"] == ["text"]
    assert set(schemas["AnalysisAnswer"]["required"]) == {"id", "model", "topic", "actors", "paragraphs", "stances"}


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from _references(child)


def test_nothing_is_served_that_is_not_in_the_contract(start: Start) -> None:
    routes = {route["route"] for route in start().get("/schema.json").json()["routes"]}
    assert routes == {"/analyze", "/analyze_batch"}


def test_the_service_needs_neither_torch_nor_transformers() -> None:
    code = "import sys, service.app; print({'torch', 'transformers', 'sklearn'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"
