"""What is known of ChromaDB: the installed version's API, and what a workspace does with it.

Knows: the form of these facts, and their form in JSON. Must not know: how they are found, or what they are used for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

FORMAT = 1
"""Of the facts in JSON; facts of another format are read anew."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a function or method."""

    name: str
    annotation: str
    """As it is written; empty without one."""
    default: str | None
    """As it is written; None where an argument is required."""
    doc: str
    """One line; empty where nothing is said."""


@dataclass(frozen=True)
class Signature:
    """What a function or method takes, or that a name is an attribute."""

    parameters: tuple[Parameter, ...]
    """Those that can be passed by name, in order."""
    doc: str
    """One line."""
    is_attribute: bool = False
    """Whether it is a property or attribute, which nobody calls."""


Methods = Mapping[str, Signature]
Values = tuple[str, ...]


@dataclass(frozen=True)
class Installed:
    """What one version of chromadb offers and accepts."""

    version: str
    owners: Mapping[str, Methods]
    """Methods and attributes by owner: `chromadb` (its factories), `client`, `async_client`, `admin`, `async_admin`,
    `collection`, `async_collection`, `embedding_functions` and `classes` (their constructors)."""
    include: Mapping[str, Values]
    """What `include` may hold, by method."""
    where: Values
    """Operators behind a metadata key."""
    logical: Values
    """Operators in place of a metadata key."""
    where_document: Values
    """Operators of a `where_document`."""
    configuration: Mapping[str, Mapping[str, Mapping[str, Values]]]
    """`create` or `update` -> section -> key -> its values; no values: any. Empty where a configuration is no dict."""
    hnsw_metadata: Mapping[str, Values]
    """Keys such as `hnsw:space` in a collection's metadata, and their values; no values: any."""
    results: Mapping[str, Values]
    """Keys of what `get` and `query` return."""


@dataclass(frozen=True)
class Used:
    """What a workspace, or one file of it, does with ChromaDB. Counts tell how often."""

    collections: Mapping[str, int] = field(default_factory=dict)
    """Names of collections."""
    keys: Mapping[str, int] = field(default_factory=dict)
    """Keys of records' metadata, in what is written and in filters."""
    collection_keys: Mapping[str, int] = field(default_factory=dict)
    """Keys of collections' own metadata."""
    exports: Mapping[str, str] = field(default_factory=dict)
    """Module-level names and functions -> which owner's methods they, or what they return, have."""


@dataclass(frozen=True)
class Facts:
    """All that offers are made from."""

    installed: Installed
    used: Used = field(default_factory=Used)


def to_json(installed: Installed) -> dict[str, Any]:
    """The facts as JSON knows them."""
    return {"format": FORMAT, **asdict(installed)}


def from_json(raw: Any) -> Installed:
    """The facts that `to_json` wrote. Raises ValueError for anything else."""
    try:
        if raw["format"] != FORMAT:
            raise ValueError(f"format {raw['format']!r}, not {FORMAT}")
        return Installed(
            version=raw["version"],
            owners={owner: _methods(methods) for owner, methods in raw["owners"].items()},
            where=tuple(raw["where"]),
            logical=tuple(raw["logical"]),
            where_document=tuple(raw["where_document"]),
            configuration={
                use: {section: _values(keys) for section, keys in sections.items()}
                for use, sections in raw["configuration"].items()
            },
            include=_values(raw["include"]),
            hnsw_metadata=_values(raw["hnsw_metadata"]),
            results=_values(raw["results"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"these are not the facts of a chromadb: {error!r}") from error


def _methods(raw: Any) -> Methods:
    return {
        name: Signature(tuple(Parameter(**each) for each in one["parameters"]), one["doc"], one["is_attribute"])
        for name, one in raw.items()
    }


def _values(raw: Any) -> dict[str, Values]:
    return {key: tuple(values) for key, values in raw.items()}
