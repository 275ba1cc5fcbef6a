"""A real ``bentoml serve`` in a process of its own: what only shows there, such as logs, metrics and large bodies."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest

from service.metrics import STAGES
from tests.doubles import POISON
from tests.servers import Server, serving

SECRET = "سرّي-zqxjkv"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving("tests.served:Mawaqif", tmp_path_factory.mktemp("server")) as started:
        yield started


def test_what_bentoml_serves_is_served(server: Server) -> None:
    assert [server.send(route)[0] for route in ("/livez", "/readyz", "/healthz", "/metrics", "/docs.json")] == [200] * 5
    assert "مواقف" in server.send("/")[1].decode()


def test_batches_show_in_the_metrics(server: Server) -> None:
    with ThreadPoolExecutor(8) as pool:
        statuses = [status for status, _ in pool.map(lambda i: server.send("/analyze", {"text": f"موسكو {i}"}), range(40))]
    assert statuses == [200] * 40
    metrics = server.send("/metrics")[1].decode().splitlines()
    [n_articles] = [line for line in metrics if line.startswith("bentoml_service_adaptive_batch_size_sum{")]
    assert float(n_articles.split()[-1]) >= 40


@pytest.mark.parametrize("n_bytes", [2_000_000, 20_000_000])
def test_a_body_that_is_far_too_large_is_answered(server: Server, n_bytes: int) -> None:
    status, answer = server.send("/analyze", b'{"text": "' + b"x" * n_bytes + b'"}')
    assert (status, json.loads(answer)["error"]["code"]) == (413, "body_too_large")


def test_posted_text_reaches_no_log(server: Server) -> None:
    article = {"text": SECRET}
    sent = [
        server.send("/analyze", article),
        server.send("/analyze", {"text": [SECRET]}),
        server.send("/analyze", {"text": SECRET, "model": SECRET}),
        server.send("/analyze", {**article, "id": {SECRET: 1}}),
        server.send("/analyze", f'{{"text": "{SECRET}'.encode()),
        server.send("/analyze", SECRET.encode(), "text/plain"),
        server.send("/analyze", SECRET.encode(), "application/vnd.bentoml+pickle"),
        server.send("/analyze", SECRET.encode(), "multipart/form-data; boundary=x"),
        server.send("/analyze", {"text": SECRET * 100_000}),
        server.send("/analyze", {"text": f"{SECRET} {POISON}"}),
        server.send("/analyze_batch", {"articles": [article, {"text": f"{SECRET} {POISON}"}]}),
        server.send("/analyze_batch", {"articles": [article, SECRET]}),
        server.send("/nowhere", article),
        server.send("/" + quote(SECRET), article),
    ]
    assert [status for status, _ in sent] == [200, 400, 400, 400, 400, 415, 415, 415, 413, 500, 200, 400, 404, 404]
    assert not any(b"Traceback" in answer for _, answer in sent)
    log = server.log.read_text()
    assert "analysis of 1 article(s) failed: ValueError" in log
    assert not [form for form in (SECRET, "zqxjkv", ascii(SECRET)[1:-1]) if form in log]
    assert "zqxjkv" not in server.send("/metrics")[1].decode()


def test_our_metrics_say_what_happened(server: Server) -> None:
    assert server.send("/analyze", {"text": "قال بيسكوف إن واشنطن عدوانية"})[0] == 200
    assert server.send("/analyze", {"text": " "})[0] == 400
    metrics = server.send("/metrics")[1].decode()
    for line in (
        r"mawaqif_queue_articles 0\.0",
        r'mawaqif_batch_tokens_count\{model="transformer"\} [1-9]',
        r'mawaqif_refused_total\{code="blank_text"\} [1-9]',
        r'mawaqif_decisions_total\{kind="topic",model="transformer"\} [1-9]',
        r'mawaqif_decisions_total\{kind="stance",model="transformer"\} [1-9]',
        r'mawaqif_low_confidence_decisions_total\{kind="topic",model="transformer"\} 0\.0',
        *(rf'mawaqif_stage_seconds_count\{{stage="{stage}"\}} [1-9]' for stage in STAGES),
    ):
        assert re.search(rf"^{line}", metrics, re.MULTILINE), line


def test_each_request_is_a_line_of_json_with_the_id_of_its_answer(server: Server) -> None:
    reply = server.ask("/analyze", {"text": "موسكو"})
    for _ in range(100):  # it is written after the answer
        lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
        if found := [line for line in lines if line.get("request_id") == reply.headers["X-Request-ID"]]:
            break
        time.sleep(0.1)
    [line] = found
    assert (line["route"], line["status"], line["articles"], line["characters"]) == ("/analyze", 200, 1, 5)


def test_wrong_settings_stop_the_start_with_all_that_is_wrong(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match="did not start") as caught,
        serving("tests.served:Mawaqif", tmp_path, {"server": {"deadline_s": 0}, "quueue": {}}),
    ):
        pass
    assert "server.deadline_s: Input should be greater than 0" in str(caught.value)
    assert "quueue: Extra inputs are not permitted" in str(caught.value)
