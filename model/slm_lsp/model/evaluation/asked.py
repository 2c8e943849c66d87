"""Points made elsewhere: one JSON object a line in, one prediction a line out.

Knows: the two line formats. Must not know: how a completer works, files, command lines.

In    {"id": any, "path": "a/b.py", "prefix": "...", "suffix": "...", "target": "..."}    target is optional
Out   {"id": as given, "text": "...", "line": "...", "shown": true, "confidence": 0.7, "ms": 9.1, "popup": ["..."]}
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from slm_lsp.model.errors import PointError
from slm_lsp.model.evaluation.judging import LABELS, Completes
from slm_lsp.model.evaluation.metrics import first_line


@dataclass(frozen=True)
class Asked:
    """A point of somebody else's."""

    id: Any
    """Given back as it is."""
    path: str
    """The file, as the completer is told it."""
    prefix: str
    """The text before the cursor."""
    suffix: str
    """The text after it."""
    target: str | None
    """What was really written there, where it is told; not looked at."""


def parse_asked(line: str) -> Asked:
    """The point of a line; raises PointError with everything that is wrong with it."""
    try:
        value = json.loads(line)
    except ValueError as error:
        raise PointError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise PointError("not a JSON object")
    faults = [f"no {name}" for name in ("id", "path", "prefix", "suffix") if name not in value]
    faults += [
        f"{name} must be a string" for name in ("path", "prefix", "suffix") if not isinstance(value.get(name, ""), str)
    ]
    if not isinstance(value.get("target", ""), str | None):
        faults.append("target must be a string")
    if faults:
        raise PointError("; ".join(faults))
    return Asked(value["id"], value["path"], value["prefix"], value["suffix"], value.get("target"))


def predict(completer: Completes, asked: Asked, *, gate: bool = True, popup: bool = True) -> dict[str, Any]:
    """What an editor would be given at a point, JSON-ready.

    Without the `gate`, the text is given even where an editor would be given none; `shown` still says so.
    """
    began = perf_counter()
    offer = completer.complete(asked.prefix, asked.suffix, path=asked.path)
    took = (perf_counter() - began) * 1000
    text = offer.text if offer and (offer.shown or not gate) else ""
    names = completer.identifiers(asked.prefix, asked.suffix, path=asked.path, limit=LABELS) if popup else ()
    return {
        "id": asked.id,
        "text": text,
        "line": first_line(text),
        "shown": bool(offer and offer.shown),
        "confidence": round(offer.confidence, 4) if offer else 0.0,
        "ms": round(took, 2),
        "popup": [entry.name for entry in names],
    }
