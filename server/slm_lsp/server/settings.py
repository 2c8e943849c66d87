"""What a user can set, under the prefix `slmLsp.` in every editor.

Knows: the settings, their defaults and how to read them from a client. Must not know: what they switch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

Level = Literal["eager", "balanced", "quiet"]
"""How much is shown; the same as completion.filter.Level, which cannot be imported before `initialize` is answered."""
LEVELS: tuple[Level, ...] = ("balanced", "quiet", "eager")
Popup = Literal["auto", "on", "off"]
"""Whether the popup is filled; "auto" beside another Python server with the best few names alone."""
POPUPS: tuple[Popup, ...] = ("auto", "on", "off")
PREFIX = "slmLsp."
MOST_THREADS = 64


@dataclass(frozen=True)
class Settings:
    """The settings in force."""

    inline: bool = field(default=True, metadata={"key": "inline.enabled"})
    """`slmLsp.inline.enabled`: offer ghost text while typing."""
    popup: Popup = field(default="auto", metadata={"key": "popup", "one_of": POPUPS})
    """`slmLsp.popup`: offer names in the completion popup: "on", "off", or "auto", which offers only the best few of
    them where there is a neighbor."""
    neighbor: bool = field(default=False, metadata={"key": "neighbor"})
    """`slmLsp.neighbor`: whether another Python server fills the same popup; for editors' clients to say."""
    python_path: str = field(default="", metadata={"key": "pythonPath", "empty": True})
    """`slmLsp.pythonPath`: the project's interpreter; where it is empty, the active or the folder's environment's."""
    trusted: bool = field(default=True, metadata={"key": "trusted"})
    """`slmLsp.trusted`: whether an interpreter that lies in the workspace may be run; for editors' clients to say."""
    model: str = field(default="auto", metadata={"key": "model"})
    """`slmLsp.model`: "auto" (the one in use for the workspace, else the base), "base", or a model's name."""
    suggest: Level = field(default="balanced", metadata={"key": "suggest", "one_of": LEVELS})
    """`slmLsp.suggest`: "balanced" is silent where it is not sure, "quiet" unless it nearly is, "eager" never."""
    memory: bool = field(default=True, metadata={"key": "memory.enabled"})
    """`slmLsp.memory.enabled`: follow what was written in the open files and in the workspace, seconds ago too."""
    threads: int = field(default=1, metadata={"key": "threads"})
    """`slmLsp.threads`: processor threads that compute a suggestion, 1 to 64; small models want 1."""


def parse_settings(raw: object, base: Settings) -> tuple[Settings, list[str]]:
    """Read what a client sent (initializationOptions, or the settings of a didChangeConfiguration).

    Takes the whole settings tree or the section `slmLsp` alone, nested or with dotted keys. What is not set
    keeps its value in `base`; keys we do not know belong to the editor's side and are left alone. Never
    raises: returns the settings, and for each bad value a sentence that names key, value and what is used.
    """
    if raw is None:
        return base, []
    if not isinstance(raw, Mapping):
        return base, [f"The settings of slm-lsp must be an object, not {raw!r}; all of them are ignored."]
    known = {entry.metadata["key"]: entry for entry in fields(Settings)}
    values: dict[str, Any] = {}
    problems = []
    for key, value in _flat(raw):
        if (entry := known.get(key)) is None:
            if inside := [name for name in known if name.startswith(f"{key}.")]:
                problems.append(f"{PREFIX}{key} must be an object, not {value!r}; set {PREFIX}{inside[0]} instead.")
            continue
        if wanted := _fault(value, getattr(base, entry.name), entry.metadata):
            used = getattr(base, entry.name)
            problems.append(f"{PREFIX}{key} must be {wanted}, not {value!r}; {used!r} is used.")
        else:
            values[entry.name] = value
    return replace(base, **values), problems


def _flat(raw: Mapping[Any, Any], path: str = "") -> Iterator[tuple[str, object]]:
    for key, value in raw.items():
        full = f"{path}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{full}.")
        else:
            yield full.removeprefix(PREFIX), value


def _fault(value: object, default: object, rules: Mapping[str, Any]) -> str:
    """What the value should have been, or nothing when it is good."""
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "true or false"
    if isinstance(default, int):
        good = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_THREADS
        return "" if good else f"a whole number from 1 to {MOST_THREADS}"
    if one_of := rules.get("one_of", ()):
        return "" if value in one_of else " or ".join(f'"{name}"' for name in one_of)
    if rules.get("empty"):
        return "" if isinstance(value, str) else "a string"
    return "" if isinstance(value, str) and value else "a non-empty string"
