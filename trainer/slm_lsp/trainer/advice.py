"""What params : tokens and the gap say of a model trained from scratch, and what to do about it.

Knows: thresholds, which rest on the tables of docs/experiment.md. Must not know: how either figure was computed.
"""

from __future__ import annotations

TOO_LITTLE_TEXT = 1_000
"""Parameters for each training token above which there is too little text to learn code from."""
HARDLY_BEGUN = 0.5
"""Gap below which a model from scratch has hardly begun to learn its text."""
BY_HEART = 2.5
"""Gap above which it knows its own text by heart and other files much less."""
INSTEAD = "slm-lsp train without --phase starts from the base model and measures better"
"""What to do in every case."""


def advice_on(ratio: float | None, gap: float | None, *, scratch: bool) -> list[str]:
    """Warnings about a model, each with what to do; [] where there is nothing to say.

    `ratio` is parameters for each training token, `gap` validation less training loss in nats a token. A model that
    starts from the base model (`scratch` false) has learned from more than this text: neither figure says much of it.
    """
    if not scratch:
        return []
    found = []
    if ratio is not None and ratio > TOO_LITTLE_TEXT:
        found.append(f"{ratio:,.0f} parameters for each training token: give it more files; {INSTEAD}")
    if gap is not None and gap > BY_HEART:
        found.append(
            f"a gap of {gap:.2f}: it knows its text by heart, other files much less; give it more files; {INSTEAD}"
        )
    if gap is not None and gap < HARDLY_BEGUN:
        found.append(f"a gap of {gap:.2f}: small, because it has hardly begun to learn; train it longer; {INSTEAD}")
    return found
