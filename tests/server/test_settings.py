"""Settings: every shape a client may send, and what is said about bad values."""

from __future__ import annotations

import pytest

from slm_lsp.server.settings import Settings, parse_settings

WANTED = Settings(inline=False, model="mine", threads=4)


@pytest.mark.parametrize(
    "raw",
    [
        {"slmLsp": {"inline": {"enabled": False}, "model": "mine", "threads": 4}},
        {"inline": {"enabled": False}, "model": "mine", "threads": 4},
        {"slmLsp.inline.enabled": False, "slmLsp.model": "mine", "slmLsp.threads": 4},
        {"inline.enabled": False, "model": "mine", "threads": 4},
        {"slmLsp": {"inline.enabled": False, "model": "mine", "threads": 4, "trace": {"server": "off"}}},
    ],
)
def test_every_shape_is_understood(raw: object) -> None:
    assert parse_settings(raw, Settings()) == (WANTED, [])


@pytest.mark.parametrize("raw", [None, {}, {"slmLsp": {}}, {"python": {"analysis": 1}}])
def test_what_is_not_set_keeps_its_value(raw: object) -> None:
    assert parse_settings(raw, WANTED) == (WANTED, [])


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("inline.enabled", "yes", "true or false"),
        ("popup", True, '"auto" or "on" or "off"'),
        ("neighbor", 0, "true or false"),
        ("pythonPath", 3, "a string"),
        ("model", "", "a non-empty string"),
        ("model", 3, "a non-empty string"),
        ("suggest", "loud", '"balanced" or "quiet" or "eager"'),
        ("suggest", [], '"balanced" or "quiet" or "eager"'),
        ("threads", 0, "a whole number from 1 to 64"),
        ("threads", True, "a whole number from 1 to 64"),
        ("threads", 1.5, "a whole number from 1 to 64"),
        ("threads", None, "a whole number from 1 to 64"),
    ],
)
def test_a_bad_value_names_key_value_and_what_is_used(key: str, value: object, wanted: str) -> None:
    settings, [problem] = parse_settings({"slmLsp": {key: value}}, Settings())
    assert settings == Settings()
    assert problem.startswith(f"slmLsp.{key} must be {wanted}, not {value!r}; ")
    assert problem.endswith(" is used.")


def test_a_bad_value_does_not_spoil_the_good_ones() -> None:
    settings, problems = parse_settings({"threads": -1, "popup": "off", "pythonPath": ""}, Settings())
    assert settings == Settings(popup="off")
    assert len(problems) == 1


@pytest.mark.parametrize("raw", [[], "text", 3])
def test_settings_that_are_no_object_are_ignored_and_said_so(raw: object) -> None:
    settings, [problem] = parse_settings(raw, WANTED)
    assert settings == WANTED
    assert repr(raw) in problem


def test_a_value_in_place_of_a_section_is_named() -> None:
    settings, problems = parse_settings({"slmLsp": {"inline": False}}, Settings())
    assert settings == Settings()
    assert problems == ["slmLsp.inline must be an object, not False; set slmLsp.inline.enabled instead."]
