"""What params : tokens and the gap say of a model trained from scratch, and what to do instead.

Knows: thresholds, and what the tables of docs/experiment.md bear out. Must not know: how either figure was computed.
"""

from __future__ import annotations

FEW_TOKENS = 1_000
"""Parameters for each training token above which that is said: a description, no verdict on completions."""
HARDLY_BEGUN = 0.5
"""Gap below which a model from scratch has hardly begun: at so small a gap none has completed anything to speak of."""
BY_HEART = 2.5
"""Gap above which it is said that its own text is what it knows: a description, as above."""
INSTEAD = "to complete in this project, run slm-lsp train without --phase: the base model measures better"
"""What to do in every case: how much text a phase takes and when it ends is published, and not for options to say."""


def advice_on(ratio: float | None, gap: float | None, *, scratch: bool) -> list[str]:
    """Warnings about a model, each with what to do; [] where there is nothing to say.

    `ratio` is parameters for each training token, `gap` validation less training loss in nats a token. A model that
    starts from the base model (`scratch` false) has learned from more than this text: neither figure says much of it.
    """
    if not scratch:
        return []
    found = []
    if ratio is not None and ratio > FEW_TOKENS:
        found.append(f"{ratio:,.0f} parameters for each training token: it has seen little text, as published")
    if gap is not None and gap > BY_HEART:
        found.append(f"a gap of {gap:.2f}: it knows its own text far better than other text of the project")
    if gap is not None and gap < HARDLY_BEGUN:
        found.append(f"a gap of {gap:.2f}: small, because it has hardly begun to learn")
    return [f"{said}; {INSTEAD}" for said in found]
