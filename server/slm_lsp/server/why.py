"""Why nothing was shown: what became of the latest request, in words for a person.

Knows: outcomes, and what a person can do about each. Must not know: how an outcome came about.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from slm_lsp.server.tally import Outcome


@dataclass(frozen=True)
class Why:
    """What became of the latest request of a kind."""

    uri: str
    """The document, as the editor calls it."""
    line: int
    """Of the cursor, from 0."""
    character: int
    """Of the cursor, from 0, in the units that editor and server agreed on."""
    outcome: Outcome
    """What became of it."""
    reason: str
    """The same in a sentence or two."""


REASONS: Mapping[Outcome, str] = {
    Outcome.SHOWN: "A suggestion was found and sent to the editor.",
    Outcome.NOTHING: "The model expects nothing here beyond what already stands behind the cursor.",
    Outcome.LOW_CONFIDENCE: 'The model was not sure enough; set slmLsp.suggest to "eager" to see everything.',
    Outcome.CANCELLED: "You typed on, or moved the cursor, before the answer was ready; the next request took over.",
    Outcome.NO_MODEL: "No model can be used. Run `slm-lsp status` in a terminal: it names what is damaged.",
    Outcome.NOT_OPEN: "The editor has not opened this document with slm-lsp; close it and open it again.",
    Outcome.NOT_PYTHON: "slm-lsp completes Python, and the editor says that this document is not Python.",
    Outcome.OFF: "It is switched off in the settings, under slmLsp.",
    Outcome.FAILED: "slm-lsp made a mistake; the editor's log of the language server says which. Please report it.",
    Outcome.COMMENT: "The cursor is in a comment, where suggestions only come when you ask for one.",
    Outcome.STRING: "The cursor is in a string, where suggestions only come when you ask for one.",
    Outcome.DELETION: "You have just deleted text; suggestions come back when you type or ask for one.",
    Outcome.DISMISSED: "You dismissed this suggestion here; it stays away until you close the document or ask for one.",
    Outcome.LOADING: "The model is being loaded; suggestions come in a moment, with the next character you type.",
}
"""What can be said of an outcome when nothing more is known of the case."""
REFUSED = "What the model expects here is no name that ChromaDB takes for a collection."
"""Why a suggestion was dropped that would have been shown."""


def too_unsure(confidence: float, least: float, level: str) -> str:
    """The sentence for a suggestion that was not shown.

    `confidence` is the suggestion's, `least` what the filter asks for at this level, both from 0 to 1.
    """
    if not 0 <= confidence < least <= 1:
        return REASONS[Outcome.LOW_CONFIDENCE]
    # Rounded apart, so that the two never look the same.
    sure, wanted = math.floor(confidence * 100), math.ceil(least * 100)
    return (
        f"The model was only {sure}% sure; slmLsp.suggest = {level} shows from {wanted}%. "
        'Set it to "eager" to see everything.'
    )


def seen_in(source: tuple[str, int] | None) -> str:
    """The sentence for a suggestion that stands in memory too, at this path and line; empty for one that does not."""
    return f"{REASONS[Outcome.SHOWN]} The same was seen in {source[0]}:{source[1]}." if source else ""


def no_model(errors: Mapping[str, str]) -> str:
    """The sentence for a request that no model could serve, with what is wrong with each model by name."""
    if not errors:
        return REASONS[Outcome.NO_MODEL]
    faults = "; ".join(f"{name}: {error}" for name, error in errors.items())
    return f"No model can be used ({faults}). Run `slm-lsp status` in a terminal: it names what is damaged."


def switched_off(kind: str) -> str:
    """The sentence for a feature that is off: "inline" or "popup"."""
    if kind == "popup":
        return 'slmLsp.popup is set to "off"; set it to "auto" or "on" to get names in the popup.'
    return f"slmLsp.{kind}.enabled is set to false; set it to true to get suggestions."


def not_python(language: str | None) -> str:
    """The sentence for a document in another language, as the editor names it."""
    if not language:
        return REASONS[Outcome.NOT_PYTHON]
    return f"slm-lsp completes Python, and the editor says that this document is {language}."
