"""What the rows say of each claim: a table, and a sentence that is nothing but the table's figures.

Knows: the claims, which rows speak of them. Must not know: how rows came about, where tables are printed.

A table compares arms over the same projects and seeds alone: those for which every arm of it has a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slm_lsp.trainer.experiment.report import number, percent, table
from slm_lsp.trainer.experiment.study.arms import ARMS, STEPS
from slm_lsp.trainer.experiment.study.comparing import HEAD, Line, Pick, after, compared, end
from slm_lsp.trainer.experiment.study.rows import Look, Row
from slm_lsp.trainer.experiment.study.statistics import mean, spearman
from slm_lsp.trainer.phases import PHASES

RULE = (10, 100)
"""Parameters for each training token, as the golden rule wants them."""
DATA = ("data-1k", "data-2k", "data-5k", "data-10k", "data-15k", "data-22k")
PLAIN = tuple(arm.name for arm in ARMS if arm.start == "scratch" and arm.decay == 0)
"""The arms that differ in shape and text alone."""
PHASE_KINDS = tuple(phase.kind for phase in PHASES)


@dataclass(frozen=True)
class Told:
    """A claim and what the rows say of it."""

    sentence: str
    """In words, with figures."""
    table: str
    """Where they come from, in Markdown."""


NOTHING = Told("Not measured yet.", "")


def phases(rows: Sequence[Row]) -> Told:
    """The five phases, as published and here."""
    there = whole(rows, PHASE_KINDS)
    lines = compared(rows, *((kind, kind, end) for kind in there), ("base model, untrained", "base", end))
    if len(lines) < 3:
        return NOTHING
    cells = []
    for line in lines:
        phase = next((phase for phase in PHASES if phase.kind == line.label), None)
        cells.append([
            line.label, line.ratio, number(line.mean(_train)),
            number(line.mean(_validation)) if phase else "",  # the base model's is of another vocabulary
            number(line.gap), number(phase.published.gap) if phase else "", *line.scores,
        ])  # fmt: skip
    trained = lines[:-1]
    best = max(trained, key=lambda line: line.es)
    sentence = (
        f"The most similar completions are those of {best.label} (EM {percent(best.em)}, ES {best.es:.3f}); the base "
        f"model, which learned other projects, has EM {percent(lines[-1].em)}, ES {lines[-1].es:.3f}."
    )
    head = ("", "params : tokens", "training loss", "validation loss", "gap", "published gap", *HEAD)
    return Told(sentence, table(head, cells))


def golden_rule(rows: Sequence[Row]) -> Told:
    """Parameters should be 10 to 100 times the training tokens."""
    lines = sorted(compared(rows, *((name, name, after(STEPS)) for name in whole(rows))), key=ratio_of)
    if len(lines) < 2:
        return NOTHING
    cells = [
        [line.label, line.ratio, number(line.mean(lambda look: look.bits)), *line.scores] for line in lines
    ]  # fmt: skip
    best = max(lines, key=lambda line: line.es)
    inside = [line for line in lines if RULE[0] <= ratio_of(line) <= RULE[1]]
    beside = [line for line in lines if line not in inside]
    sentence = f"At {STEPS} steps each, {best.label} has the highest ES, with {best.ratio} parameters a token. " + (
        f"Within the rule EM is {percent(mean(line.em for line in inside))} on average, ES "
        f"{mean(line.es for line in inside):.3f}; outside it {percent(mean(line.em for line in beside))}, "
        f"{mean(line.es for line in beside):.3f}."
        if inside and beside
        else "The rows so far lie all on one side of the rule."
    )
    return Told(sentence, table(("arm", "params : tokens", "bits a byte", *HEAD), cells))


def gap_predicts(rows: Sequence[Row]) -> Told:
    """A small gap means a good model."""
    looks = _gpt2_looks(rows)
    ends = [(row, look) for row, look in looks if look == end(row)]
    cells = []
    for scope, models in (("finished models", ends), ("all looks", looks)):
        for name, value in (("gap", _gap), ("validation loss", _validation), ("training loss", _train)):
            within = mean(
                _correlation([pair for pair in models if pair[0].project == project], value, _es)
                for project in sorted({row.project for row, _ in models})
            )
            cells.append([
                name, scope, str(len(models)), _signed(_correlation(models, value, _em)),
                _signed(_correlation(models, value, _es)), _signed(within),
            ])  # fmt: skip
    told = [_correlation(ends, value, score) for value in (_gap, _validation) for score in (_em, _es)]
    if None in told:
        return NOTHING
    signed = [_signed(value) for value in told]
    sentence = (
        f"Over {len(ends)} finished models the rank correlation of the gap is {signed[0]} with EM and {signed[1]} with "
        f"ES, where the claim wants both far below 0; that of the validation loss is {signed[2]} and {signed[3]}."
    )
    head = ("rank correlation of", "over", "models", "with EM", "with ES", "with ES within a project")
    return Told(sentence, table(head, cells))


def data(rows: Sequence[Row]) -> Told:
    """Five times the data makes the gap 22 times smaller."""
    lines = compared(rows, *((arm, arm, after(STEPS)) for arm in whole(rows, DATA)))
    named = {line.label: line for line in lines}
    if not {"data-1k", "data-5k"} <= set(named):
        return NOTHING
    cells = [
        [
            line.label.removeprefix("data-").upper(), line.ratio, number(line.mean(lambda look: look.train)),
            number(line.mean(lambda look: look.validation)), number(line.gap), *line.scores,
        ]
        for line in lines
    ]  # fmt: skip
    one, five, most = named["data-1k"], named["data-5k"], lines[-1]
    first, fifth = one.gap, five.gap
    times = first / fifth if first and fifth else float("nan")
    sentence = (
        f"At {STEPS} steps each, five times the data makes the gap {times:.1f} times smaller ({number(first)} to "
        f"{number(fifth)}); EM goes from {percent(one.em)} to {percent(five.em)}, ES from {one.es:.3f} to "
        f"{five.es:.3f}. With {most.label.removeprefix('data-').upper()} tokens they are {percent(most.em)} and "
        f"{most.es:.3f}."
    )
    return Told(sentence, table(("tokens", "params : tokens", "training loss", "validation loss", "gap", *HEAD), cells))


def vocabulary(rows: Sequence[Row]) -> Told:
    """A vocabulary as large as GPT-2's is most of a tiny model, and costs it."""

    def because(why: str) -> Pick:
        return lambda row: next((look for look in row.looks if look.at == why), None)

    lines = compared(
        rows, ("GPT-2's 50,257", "data-15k", after(STEPS)),
        ("our 8,192, as many passes", "vocabulary-own", because("passes")),
        ("our 8,192, as much processor time", "vocabulary-own", because("time")),
    )  # fmt: skip
    if not lines:
        return NOTHING
    cells = [
        [
            line.label, f"{line.looks[0][0].parameters / 1e6:.2f}M", f"{line.mean(lambda look: look.step):.0f}",
            number(line.mean(lambda look: look.passes)), number(line.mean(lambda look: look.bits)), *line.scores,
        ]
        for line in lines
    ]  # fmt: skip
    sentence = (
        f"In equally many parameters our vocabulary has EM {percent(lines[1].em)}, ES {lines[1].es:.3f} after as many "
        f"passes and EM {percent(lines[2].em)}, ES {lines[2].es:.3f} after as much time; GPT-2's has EM "
        f"{percent(lines[0].em)}, ES {lines[0].es:.3f}."
    )
    return Told(sentence, table(("vocabulary", "parameters", "steps", "passes", "bits a byte", *HEAD), cells))


def memorization(rows: Sequence[Row]) -> Told:
    """Memorizing the domain is useful."""
    arms = [("base model, untrained", "base", end), ("from scratch, 15K tokens", "data-15k", after(STEPS))]
    arms += [
        (label, arm, end)
        for label, arm in (
            ("from scratch, all of the project", "data-all"),
            ("phase 3", "phase3"),
            ("base model adapted, 15K tokens", "base-15k"),
        )
        if whole(rows, [arm])
    ]
    lines = compared(rows, *arms)
    if not lines:
        return NOTHING
    shares = [(line, line.share(repeated=True), line.share(repeated=False)) for line in lines]
    cells = [
        [line.label, str(len(line.looks)), percent(again), percent(new), _difference(again, new)]
        for line, again, new in shares
    ]
    told = [f"{line.label}, {percent(again)} and {percent(new)}" for line, again, new in shares]
    sentence = f"EM on lines that the project repeats and on new ones: {'; '.join(told)}."
    return Told(sentence, table(("", "runs", "EM, repeated lines", "EM, new lines", "difference"), cells))


def overtraining(rows: Sequence[Row]) -> Told:
    """Training on past the lowest validation loss makes the model worse."""
    arm = next(arm for arm in ARMS if arm.name == "data-15k")
    lines = compared(rows, *((str(step), arm.name, after(step)) for step in arm.looks))
    if not lines:
        return NOTHING
    cells = [
        [
            line.label, number(line.mean(lambda look: look.passes)), number(line.mean(lambda look: look.train)),
            number(line.mean(lambda look: look.validation)), number(line.gap), *line.scores,
        ]
        for line in lines
    ]  # fmt: skip
    lowest = min(lines, key=lambda line: line.mean(lambda look: look.validation) or 0.0)
    best = max(lines, key=lambda line: line.es)
    sentence = (
        f"The validation loss is lowest after {lowest.label} steps (EM {percent(lowest.em)}, ES {lowest.es:.3f}); "
        f"completions are most similar after {best.label} (EM {percent(best.em)}, ES {best.es:.3f}), and after "
        f"{lines[-1].label} they have EM {percent(lines[-1].em)}, ES {lines[-1].es:.3f}."
    )
    return Told(sentence, table(("steps", "passes", "training loss", "validation loss", "gap", *HEAD), cells))


def future(rows: Sequence[Row]) -> Told:
    """What the publication left for later."""
    last = next(arm for arm in ARMS if arm.name == "data-15k").looks[-1]
    comparisons: tuple[tuple[str, tuple[tuple[str, str, Pick], ...]], ...] = (
        ("early stopping", (("to the end", "data-15k", after(last)), ("stopped", "data-15k", lambda row: row.best))),
        ("learning-rate schedule", (("constant", "data-15k", after(STEPS)), ("falling", "schedule", end))),
        ("more data", (("15K tokens", "data-15k", after(last)), ("all of the project", "data-all", end))),
        ("own tokenizer", (("GPT-2's", "data-15k", after(STEPS)), ("ours", "vocabulary-own", after(STEPS)))),
        ("fine-tuning", (
            ("from scratch", "data-15k", after(STEPS)), ("base, untrained", "base", end),
            ("base, adapted", "base-15k", end),
        )),
    )  # fmt: skip
    cells = []
    for name, wanted in comparisons:
        for line in compared(rows, *wanted):
            em = line.mean(lambda look: look.served.em if look.served else None)
            cells.append([name, line.label, *line.scores, percent(em)])
            name = ""
    if not cells:
        return NOTHING
    copier = compared(rows, ("project's copier", "copier", end), ("", "base", end))
    if copier:
        em = copier[0].mean(lambda look: look.served.em if look.served else None)
        cells.append(["retrieval alone", "copier, no model", *copier[0].scores, percent(em)])
    return Told("", table(("", "", *HEAD, "EM with memory"), cells))


CLAIMS: dict[str, Callable[[Sequence[Row]], Told]] = {
    "phases": phases,
    "golden rule": golden_rule,
    "gap": gap_predicts,
    "data": data,
    "vocabulary": vocabulary,
    "memorization": memorization,
    "overtraining": overtraining,
    "future work": future,
}
"""What docs/experiment.md tells, by the names of its marks."""


def whole(rows: Sequence[Row], arms: Sequence[str] = PLAIN) -> list[str]:
    """Those of the arms that have a row on every project of the first seed: the study does these first."""
    first = min((row.seed for row in rows), default=0)
    there = [row for row in rows if row.seed == first]
    projects = {row.project for row in there}
    return [name for name in arms if projects and projects == {row.project for row in there if row.arm == name}]


def ratio_of(line: Line) -> float:
    """Mean parameters for each training token."""
    return mean(row.ratio for row, _ in line.looks) or 0.0


def _gpt2_looks(rows: Sequence[Row]) -> list[tuple[Row, Look]]:
    """Every model from scratch with GPT-2's vocabulary: only their losses compare."""
    arms = {arm.name for arm in ARMS if arm.start in ("scratch", "phase") and arm.vocabulary == "gpt2"}
    return [(row, look) for row in rows if row.arm in arms for look in row.looks if look.gap is not None]


def _gap(look: Look) -> float | None:
    return look.gap


def _validation(look: Look) -> float | None:
    return look.validation


def _train(look: Look) -> float | None:
    return look.train


def _em(look: Look) -> float:
    return look.alone.em


def _es(look: Look) -> float:
    return look.alone.es


def _correlation(
    looks: Sequence[tuple[Row, Look]], value: Callable[[Look], float | None], score: Callable[[Look], float]
) -> float | None:
    pairs = [(found, score(look)) for _, look in looks if (found := value(look)) is not None]
    return spearman(pairs)


def _difference(one: float | None, other: float | None) -> str:
    return "" if one is None or other is None else f"{100 * (one - other):+.1f} points"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.2f}"
