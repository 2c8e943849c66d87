"""What the rows say of each claim: a table, and a sentence that is nothing but the table's figures.

Knows: the claims on shapes, text and gaps, which rows speak of them. Must not know: how rows came about, where tables
are printed.

A table compares arms over the same projects and seeds alone: those for which every arm of it has a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from slm_lsp.trainer.experiment.report import number, percent, table
from slm_lsp.trainer.experiment.study.arms import ARMS, STEPS, arm
from slm_lsp.trainer.experiment.study.comparing import HEAD, Line, Pick, after, compared, end
from slm_lsp.trainer.experiment.study.learning import future, memorization, overtraining
from slm_lsp.trainer.experiment.study.rows import Look, Row
from slm_lsp.trainer.experiment.study.statistics import mean, spearman
from slm_lsp.trainer.experiment.study.telling import (
    NOTHING,
    Claim,
    Told,
    change,
    em,
    es,
    gap,
    of_whole,
    signed,
    train,
    validation,
    whole,
)
from slm_lsp.trainer.phases import PHASES

RULE = (10, 100)
"""Parameters for each training token, as the golden rule wants them."""
DATA = ("data-1k", "data-2k", "data-5k", "data-10k", "data-15k", "data-22k")
PHASE_KINDS = tuple(phase.kind for phase in PHASES)
BETTER = (("phase2", "phase1"), ("phase3", "phase4"))
"""Phases that are published as better than another one."""


def phases(rows: Sequence[Row]) -> Told:
    """The five phases, as published and here."""
    base = "base model, untrained"
    lines = of_whole(rows, *((kind, kind, end) for kind in PHASE_KINDS), (base, "base", end))
    trained = [line for line in lines if line.label != base]
    if len(trained) < 2:
        return NOTHING
    best = max(trained, key=lambda line: line.es)
    said = [f"The most similar completions are those of {best.label} (EM {percent(best.em)}, ES {best.es:.3f})."]
    said += [
        f"The base model, which learned other projects, has EM {percent(line.em)}, ES {line.es:.3f}."
        for line in lines
        if line.label == base
    ]
    named = {line.label: line for line in trained}
    said += [
        f"From {worse} to {better}, published as better: {change(named[worse], named[better])}."
        for better, worse in BETTER
        if {better, worse} <= set(named)
    ]
    head = ("", "params : tokens", "passes", "training loss", "validation loss", "gap", "published gap", *HEAD)
    return Told(" ".join(said), table(head, [_phase_cells(line) for line in lines]))


def _phase_cells(line: Line) -> list[str]:
    phase = next((phase for phase in PHASES if phase.kind == line.label), None)
    if phase is None:  # the base model's loss is of another vocabulary
        return [line.label, line.ratio, *[""] * 5, *line.scores]
    return [
        line.label, line.ratio, number(line.mean(lambda look: look.passes)), number(line.mean(train)),
        number(line.mean(validation)), number(line.gap), number(phase.published.gap), *line.scores,
    ]  # fmt: skip


def golden_rule(rows: Sequence[Row]) -> Told:
    """Parameters should be 10 to 100 times the training tokens."""
    lines = sorted(compared(rows, *((name, name, after(STEPS)) for name in whole(rows))), key=ratio_of)
    ours = [line for line in lines if arm(line.label).vocabulary != "gpt2"]  # vocabularies are another claim's
    if len(ours) < 2:
        return NOTHING
    cells = [
        [
            line.label, arm(line.label).vocabulary, line.ratio, number(line.mean(lambda look: look.bits)),
            *line.scores,
        ]
        for line in lines
    ]  # fmt: skip
    best = max(ours, key=lambda line: line.es)
    inside = [line for line in ours if RULE[0] <= ratio_of(line) <= RULE[1]]
    beside = [line for line in ours if line not in inside]
    sentence = (
        f"Among the {len(ours)} arms with our vocabulary (chroma8k), after {STEPS} steps each, {best.label} has the "
        f"highest ES, with {best.ratio} parameters a token. "
    ) + (
        f"Those within the rule on average have EM {percent(mean(line.em for line in inside))}, ES "
        f"{mean(line.es for line in inside):.3f}; those outside it {percent(mean(line.em for line in beside))}, "
        f"{mean(line.es for line in beside):.3f}."
        if inside and beside
        else "They lie all on one side of the rule."
    )
    scores: tuple[tuple[str, Callable[[Line], float | None]], ...] = (
        ("bits a byte", lambda line: line.mean(lambda look: look.bits)), ("ES", lambda line: line.es),
    )  # fmt: skip
    for name, score in scores:
        correlation = spearman([(ratio_of(line), score(line) or 0.0) for line in ours])
        if correlation is not None:
            sentence += f" Rank correlation of params : tokens with {name}: {signed(correlation)}."
    return Told(sentence, table(("arm", "vocabulary", "params : tokens", "bits a byte", *HEAD), cells))


def gap_predicts(rows: Sequence[Row]) -> Told:
    """A small gap means a good model."""
    looks = _gpt2_looks(rows)
    even = [(row, look) for row, look in looks if look.step == STEPS]
    cells = []
    for scope, models in ((f"after {STEPS} steps", even), ("all looks", looks)):
        for name, value in (("gap", gap), ("validation loss", validation), ("training loss", train)):
            within = mean(
                _correlation([pair for pair in models if pair[0].project == project], value, es)
                for project in sorted({row.project for row, _ in models})
            )
            cells.append([
                name, scope, str(len(models)), signed(_correlation(models, value, em)),
                signed(_correlation(models, value, es)), signed(within),
            ])  # fmt: skip
    told = [_correlation(even, value, score) for value in (gap, validation) for score in (em, es)]
    if None in told:
        return NOTHING
    here = [signed(value) for value in told]
    way = [signed(_correlation(looks, value, es)) for value in (gap, validation, train)]
    sentence = (
        f"Over {len(even)} models after {STEPS} steps the rank correlation of the gap is {here[0]} with EM and "
        f"{here[1]} with ES, where the claim wants both far below 0; that of the validation loss is {here[2]} and "
        f"{here[3]}. Over all looks, those on the way too, ES has {way[0]} with the gap, {way[1]} with the validation "
        f"loss, {way[2]} with the training loss."
    )
    head = ("rank correlation of", "over", "models", "with EM", "with ES", "with ES within a project")
    return Told(sentence, table(head, cells))


def data(rows: Sequence[Row]) -> Told:
    """Five times the data makes the gap 22 times smaller."""
    lines = compared(rows, *((name, name, after(STEPS)) for name in whole(rows, DATA)))
    named = {line.label: line for line in lines}
    if not {"data-1k", "data-5k"} <= set(named):
        return NOTHING
    cells = [
        [
            line.label.removeprefix("data-").upper(), line.ratio, number(line.mean(train)),
            number(line.mean(validation)), number(line.gap), *line.scores,
        ]
        for line in lines
    ]  # fmt: skip
    one, five, most = named["data-1k"], named["data-5k"], lines[-1]
    first, fifth = one.gap, five.gap
    times = first / fifth if first and fifth else float("nan")
    sentence = (
        f"At {STEPS} steps each, five times the data makes the gap {times:.1f} times smaller ({number(first)} to "
        f"{number(fifth)}): {change(one, five)}. From 1K to {most.label.removeprefix('data-').upper()} tokens: "
        f"{change(one, most)}."
    )
    ends = of_whole(rows, ("phase1", "phase1", end), ("phase2", "phase2", end))
    if len(ends) == 2:
        passes = [number(line.mean(lambda look: look.passes)) for line in ends]
        sentence += (
            f" Our phases 1 and 2 come to the published gaps after {passes[0]} and {passes[1]} passes over their text."
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
        ("our 8,192, as many steps", "vocabulary-own", after(STEPS)),
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
    gpt2, passes, time, steps = lines
    sentence = (
        f"From GPT-2's vocabulary to ours in as many parameters: after as many passes {change(gpt2, passes)}; after as "
        f"many steps {change(gpt2, steps)}; after as much processor time {change(gpt2, time)}. The processor's time "
        "was taken while each row was computed: where rows of the two are from different runs of the study, or the "
        "machine had other work, the line on time is provisional."
    )
    return Told(sentence, table(("vocabulary", "parameters", "steps", "passes", "bits a byte", *HEAD), cells))


CLAIMS: dict[str, Claim] = {
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


def ratio_of(line: Line) -> float:
    """Mean parameters for each training token."""
    return mean(row.ratio for row, _ in line.looks) or 0.0


def _gpt2_looks(rows: Sequence[Row]) -> list[tuple[Row, Look]]:
    """Every look at a model from scratch with GPT-2's vocabulary, over the projects and seeds that all arms have.

    Only their losses compare: of one vocabulary, and on the same files, as those of a phase are not.
    """
    arms = whole(rows, [one.name for one in ARMS if one.start == "scratch" and one.vocabulary == "gpt2"])
    keys = {row.key for line in compared(rows, *((name, name, end) for name in arms)) for row, _ in line.looks}
    return [(row, look) for row in rows if row.key in keys for look in row.looks if look.gap is not None]


def _correlation(
    looks: Sequence[tuple[Row, Look]], value: Callable[[Look], float | None], score: Callable[[Look], float]
) -> float | None:
    pairs = [(found, score(look)) for _, look in looks if (found := value(look)) is not None]
    return spearman(pairs)
