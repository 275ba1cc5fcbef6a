from __future__ import annotations

from pathlib import Path

import pytest

from training.speed.inputs import crowded, evenly, of_length, read_inputs


def words(text: str) -> int:
    return len(text.split())


def test_articles_are_taken_from_all_over() -> None:
    assert evenly(list(range(10)), 3) == [0, 3, 6]
    assert evenly([1, 2], 5) == [1, 2]


def test_seeds_alone_are_enough() -> None:
    inputs = read_inputs(None, 4, 20)
    assert len(inputs.articles) == len(inputs.openings) == 4
    assert inputs.source == "4 seeds"
    for article, opening in zip(inputs.articles, inputs.openings, strict=True):
        assert article.startswith(opening)
        assert len(opening.splitlines()) == 2 < len(article.splitlines())


def test_articles_of_dev_are_added_where_they_are_given(seed_data: Path) -> None:
    inputs = read_inputs(seed_data, 2, 3)
    assert len(inputs.articles) == 5
    assert inputs.source == "2 seeds and 3 articles of dev"


@pytest.mark.parametrize("n_tokens", [1, 10, 1000])
def test_a_length_is_reached_and_hardly_passed(n_tokens: int) -> None:
    text = of_length(["واحد اثنان\n\nثلاثة", "أربعة خمسة ستة"], n_tokens, words)
    assert n_tokens <= words(text) < n_tokens + 3


def test_names_do_not_change_the_length() -> None:
    articles = [crowded(s, a, 12, 80, words) for s, a in ((0, 0), (1, 1), (4, 6))]
    assert {words(article.text) for article in articles} == {12 * 80}
    assert {len(article.text.splitlines()) for article in articles} == {12}
    assert "قال" not in articles[0].text
    assert articles[2].text.count("قال") == 12 * 4
    assert articles[2].text.count("ممثلون عن") == 12 * 6
