"""jedi, asked for the names at a cursor and for what they are.

Knows: jedi and its many ways to fail. Must not know: processes, LSP, models. Runs in the child alone.
"""

from __future__ import annotations

import builtins
import keyword
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

import jedi

KEPT = 8
"""Lists of which the names can still be described."""
SECONDS_OF_KINDS = 0.03
"""How long it may take to find out the kinds of the names of one list: an imported one's costs an inference."""
SECONDS_OF_WARMING = 2.0
"""How long warming may keep everybody else waiting."""
MOST_WARMED = 40
"""Names of a file that are looked at to warm up."""
LONGEST = 4_000
"""Characters of a description."""
WORDS = frozenset(
    (*keyword.kwlist, *keyword.softkwlist, "__file__", "__name__", "__doc__", "__path__", "__annotations__")
)
"""Names that need no definition."""


class Listing:
    """Answers about source texts. Everything here may raise anything that jedi does."""

    def __init__(self) -> None:
        jedi.settings.case_insensitive_completion = False
        self._environments: dict[str | None, Any] = {}
        self._projects: dict[str, Any] = {}
        self._kept: OrderedDict[int, dict[str, Any]] = OrderedDict()

    def names(self, number: int, source: str, line: int, column: int, **where: str | None) -> list[tuple[str, str]]:
        """Names and jedi's word for their kinds at a line (from 1) and column; keyword arguments end with "=".

        The kind is "" where finding out takes too long. The names can be described later by `number`.
        """
        completions = self._script(source, **where).complete(line, column)
        if not source.split("\n")[line - 1][:column].endswith("."):
            completions = [one for one in completions if not _is_scaffolding(one)]
        self._kept[number] = {one.name: one for one in reversed(completions)}
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        end = time.perf_counter() + SECONDS_OF_KINDS
        kinds: dict[int, str] = {}
        for index in sorted(range(len(completions)), key=lambda index: completions[index].in_builtin_module()):
            kinds[index] = _kind(completions[index]) if time.perf_counter() < end else ""
        return [(one.name, kinds[index]) for index, one in enumerate(completions)]

    def describe(self, number: int, name: str) -> tuple[str, str]:
        """The signature and the documentation of a name in an earlier list; "" for what is not known."""
        one = self._kept.get(number, {}).get(name)
        if one is None:
            return "", ""
        if name.endswith("="):
            return str(one.description).removeprefix("param "), ""
        signatures = one.get_signatures()
        signature = signatures[0].to_string() if signatures else str(one.description)
        return signature[:LONGEST], str(one.docstring(raw=True))[:LONGEST]

    def warm(self, source: str, **where: str | None) -> None:
        """Have jedi read what a file imports, for at most SECONDS_OF_WARMING or one name more."""
        end = time.perf_counter() + SECONDS_OF_WARMING
        for name in self._script(source, **where).get_names()[:MOST_WARMED]:
            if time.perf_counter() > end:
                break
            for value in name.infer()[:1]:
                value.defined_names() if value.type in ("class", "module") else None

    def _script(self, source: str, *, path: str | None, root: str | None, python: str | None) -> Any:
        if root and root not in self._projects:
            self._projects[root] = jedi.Project(root)
        return jedi.Script(
            source,
            path=Path(path) if path else None,
            project=self._projects[root] if root else None,
            environment=self._environment(python),
        )

    def _environment(self, python: str | None) -> Any:
        """The environment of an interpreter, our own where that cannot be run."""
        if python not in self._environments:
            environment = jedi.InterpreterEnvironment()
            if python:
                try:
                    environment = jedi.create_environment(python, safe=False)
                except Exception:  # also OSError and what unpickling raises: whatever it is, it cannot be used
                    environment = self._environment(None)
            self._environments[python] = environment
        return self._environments[python]


def _is_scaffolding(completion: Any) -> bool:
    """Whether it is a name that only the stubs of the built-in names use among themselves."""
    name = completion.name
    return completion.in_builtin_module() and not (hasattr(builtins, name) or name in WORDS or name.endswith("="))


def _kind(completion: Any) -> str:
    if completion.name.endswith("="):
        return "param"
    try:
        return str(completion.type)
    except Exception:  # one odd name must not cost the whole list
        return ""
