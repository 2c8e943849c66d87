"""The claims on what training does in time, and on what the publication left for later.

Knows: these claims, which rows speak of them. Must not know: how rows came about, where tables are printed.
"""

from __future__ import annotations

from collections.abc import Sequence

from slm_lsp.trainer.experiment.report import number, percent, table
from slm_lsp.trainer.experiment.study.arms import ARMS, STEPS, arm
from slm_lsp.trainer.experiment.study.comparing import HEAD, Line, Pick, after, compared, end
from slm_lsp.trainer.experiment.study.rows import Row
from slm_lsp.trainer.experiment.study.telling import NOTHING, Told, change, of_whole, points, train, validation

BASE, ADAPTED = "base model, untrained", "base model adapted, 15K tokens"
LAST = arm("data-15k").looks[-1]
"""Steps after which the longest training ends."""
COMPARISONS: tuple[tuple[str, tuple[tuple[str, str, Pick], ...]], ...] = (
    ("early stopping", (("to the end", "data-15k", after(LAST)), ("stopped", "data-15k", lambda row: row.best))),
    ("learning-rate schedule", (("constant", "data-15k", after(STEPS)), ("falling", "schedule", end))),
    ("more data", (("15K tokens", "data-15k", after(LAST)), ("all of the project", "data-all", end))),
    ("own tokenizer", (("GPT-2's", "data-15k", after(STEPS)), ("ours", "vocabulary-own", after(STEPS)))),
    ("fine-tuning", (
        ("from scratch", "data-15k", after(STEPS)), ("base, untrained", "base", end),
        ("base, adapted", "base-15k", end),
    )),
)  # fmt: skip
"""The future work of the publication: what it would change, before and after."""


def memorization(rows: Sequence[Row]) -> Told:
    """Memorizing the domain is useful."""
    lines = of_whole(
        rows, (BASE, "base", end), ("from scratch, 15K tokens", "data-15k", after(STEPS)),
        ("from scratch, all of the project", "data-all", end), ("phase 3", "phase3", end), (ADAPTED, "base-15k", end),
    )  # fmt: skip
    if len(lines) < 2:
        return NOTHING
    shares = {line.label: (line.share(repeated=True), line.share(repeated=False)) for line in lines}
    cells = [
        [line.label, str(len(line.looks)), percent(again), percent(new), _difference(again, new)]
        for line, (again, new) in zip(lines, shares.values(), strict=True)
    ]
    told = [f"{label}, {percent(again)} and {percent(new)}" for label, (again, new) in shares.items()]
    sentence = f"EM on lines that the project repeats and on new ones: {'; '.join(told)}."
    if {BASE, ADAPTED} <= set(shares):
        added = [_difference(*pair) for pair in zip(shares[ADAPTED], shares[BASE], strict=True)]
        sentence += f" Adapting the base model changes it by {added[0]} on repeated lines, by {added[1]} on new ones."
    return Told(sentence, table(("", "runs", "EM, repeated lines", "EM, new lines", "difference"), cells))


def overtraining(rows: Sequence[Row]) -> Told:
    """Training on past the lowest validation loss makes the model worse."""
    lines = compared(rows, *((str(step), "data-15k", after(step)) for step in arm("data-15k").looks))
    if not lines:
        return NOTHING
    cells = [
        [
            line.label, number(line.mean(lambda look: look.passes)), number(line.mean(train)),
            number(line.mean(validation)), number(line.gap), *line.scores,
        ]
        for line in lines
    ]  # fmt: skip
    lowest = min(lines, key=lambda line: line.mean(validation) or 0.0)
    best, last = max(lines, key=lambda line: line.es), lines[-1]
    sentence = f"The validation loss is lowest after {lowest.label} steps, completions are most similar after "
    sentence += f"{best.label}. " if best is not lowest else "as many. "
    sentence += (
        f"From step {lowest.label} to the last, {last.label}: {change(lowest, last)}."
        if lowest is not last
        else "Nothing was measured past these."
    )
    return Told(sentence, table(("steps", "passes", "training loss", "validation loss", "gap", *HEAD), cells))


def future(rows: Sequence[Row]) -> Told:
    """What the publication left for later."""
    cells, said = [], []
    for name, wanted in COMPARISONS:
        lines = compared(rows, *wanted)
        if lines:
            said.append(f'{name}, "{lines[-1].label}" against "{lines[-2].label}": {change(lines[-2], lines[-1])}')
        for place, line in enumerate(lines):
            cells.append([name if place == 0 else "", line.label, *line.scores, percent(_with_memory(line))])
    if not cells:
        return NOTHING
    sentence = f"What each changes: {'; '.join(said)}."
    lines = of_whole(rows, *((one.name, one.name, end) for one in ARMS if one.memory))
    served = {line.label: em for line in lines if (em := _with_memory(line)) is not None}
    copied = served.pop("copier", None)
    if copied is not None and served:
        copier = next(line for line in lines if line.label == "copier")
        cells.append(["retrieval alone", "copier, no model", *copier.scores, percent(copied)])
        sentence += (
            f" Over {len(copier.looks)} runs, with the project's other files as a memory, {len(served)} models "
            f"({', '.join(served)}) have EM {percent(min(served.values()))} to {percent(max(served.values()))}; the "
            f"copier, which has no model, {percent(copied)}."
        )
    return Told(sentence, table(("", "", *HEAD, "EM with memory"), cells))


def _with_memory(line: Line) -> float | None:
    return line.mean(lambda look: look.served.em if look.served else None)


def _difference(one: float | None, other: float | None) -> str:
    return points(None if one is None or other is None else one - other)
