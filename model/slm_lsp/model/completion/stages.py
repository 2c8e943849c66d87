"""The stages between a model and a suggestion that can be left out, to measure what each brings.

Knows: their names. Must not know: how any of them works.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from slm_lsp.model.errors import ConfigError


@dataclass(frozen=True)
class Stages:
    """Which stages are at work: all of them, but where one is being measured."""

    memory: bool = True
    """What model and memory expect is mixed; without, the model is alone."""
    drafts: bool = True
    """Tokens that the memory is sure of are computed in one pass; the text is the same, the time is not."""
    healing: bool = True
    """The half-typed end of the line is decoded again."""
    lines: bool = True
    """Several lines where a block or bracket asks for them."""
    fitting: bool = True
    """The text is cut to what fits between prefix and suffix."""
    names: bool = True
    """A text with names that nothing around it explains is taken for unlikely."""
    repeats: bool = True
    """A text that says again what stands around it is taken for unlikely."""
    forks: bool = True
    """In place of such a text, or where nothing is left of one, the next likely one is found."""

    @classmethod
    def without(cls, names: Iterable[str]) -> Stages:
        """All stages but these; raises ConfigError naming those that do not exist."""
        known = [field.name for field in fields(cls)]
        if unknown := [name for name in names if name not in known]:
            raise ConfigError("stages", [f"there is no stage {name!r}, only {', '.join(known)}" for name in unknown])
        return replace(cls(), **dict.fromkeys(names, False))
