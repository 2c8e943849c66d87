"""Points made elsewhere: a line in, a prediction out, and what is said of a bad line."""

from __future__ import annotations

import json

import pytest

from doubles import PROGRAM, TINY
from slm_lsp.model.completion import Completer
from slm_lsp.model.errors import PointError
from slm_lsp.model.evaluation.asked import Asked, parse_asked, predict

LINE = "        result = self.collection.query("


def test_a_prediction_says_all_that_an_editor_would_be_given() -> None:
    cut = PROGRAM.index(LINE) + len(LINE)
    asked = Asked({"n": 1}, "program.py", PROGRAM[:cut], PROGRAM[PROGRAM.index("\n", cut) :], None)
    said = predict(Completer.load(TINY), asked)
    assert list(said) == ["id", "text", "line", "shown", "confidence", "ms", "popup"]
    assert said["id"] == {"n": 1}
    assert said["text"] == 'query_embeddings=[vector], n_results=count, include=["documents"])'
    assert said["line"] == said["text"]
    assert said["shown"] is True
    assert 0 < said["confidence"] <= 1
    assert said["popup"][0] == "query_embeddings"
    assert len(said["popup"]) <= 20
    assert predict(Completer.load(TINY), asked, popup=False)["popup"] == []
    json.dumps(said)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ('{"path": "a.py", "prefix": ""}', "no id; no suffix"),
        ('{"id": 1, "path": 2, "prefix": "", "suffix": ""}', "path must be a string"),
        ('{"id": 1, "path": "", "prefix": "", "suffix": "", "target": 3}', "target must be a string"),
    ],
)
def test_a_bad_line_is_told_everything_that_is_wrong_with_it(line: str, fault: str) -> None:
    with pytest.raises(PointError, match=fault):
        parse_asked(line)


def test_the_target_is_optional() -> None:
    assert parse_asked('{"id": null, "path": "a.py", "prefix": "x", "suffix": "y"}') == Asked(
        None, "a.py", "x", "y", None
    )
