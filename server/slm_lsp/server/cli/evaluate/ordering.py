"""The constants of the popup's order, fitted on the split `tune`: `python -m slm_lsp.server.cli.evaluate.ordering`.

Knows: points, candidates, what the order is made of. Must not know: how names are found.

Each point where the right name is among the candidates says that it should have come first: a conditional logit
(McFadden 1974), fitted by gradient ascent. The base model is asked with the open file alone, and with the workspace.

Shapes: N candidates of a point, F = 4 pieces of evidence, see ranking.evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from slm_lsp.data import textbook
from slm_lsp.model.completion import Stages
from slm_lsp.model.completion.ranking import INVENTED, evidence, fitting
from slm_lsp.model.evaluation import Remembering
from slm_lsp.model.evaluation.judging import next_identifier
from slm_lsp.model.evaluation.points import POPUP_KINDS
from slm_lsp.model.memory import textbook_of
from slm_lsp.server.cli.evaluate.measuring import analysis_of, lister_of, load_model
from slm_lsp.server.cli.evaluate.projects import AUTO_WORKSPACE, projects_of_split

STEPS = 400
"""Of the ascent."""
RATE = 0.05
"""Of the ascent."""
PULL = 1.0
"""Weight of the squared distance from the probability alone: as if a point had said so."""

Array = NDArray[np.float64]
Choice = tuple[Array, int]
"""The evidence (N, F) for the candidates of a point, and which of them is the right one."""


def choices(split: str, workspace: str | None) -> Iterator[Choice]:
    """Of all points of a split where a popup opens and the right name is a candidate."""
    completer = load_model("base", None, Stages())
    taught = textbook_of(completer.tokenizer, textbook())
    for project in projects_of_split(split, workspace, kinds=POPUP_KINDS, limit=None):
        memory = Remembering(completer, project.known, taught).memory
        with analysis_of() as analysis:
            lister = lister_of(analysis, project.root)
            for point in project.points:
                exist, around = fitting(point.prefix, point.suffix, lister(point.prefix, point.suffix, point.path))
                candidates = completer.identifiers(
                    point.prefix, point.suffix, path=point.path, memory=memory, limit=INVENTED, names=exist | around
                )
                names = [one.name for one in candidates]
                if (right := next_identifier(point)) in names:
                    values = [evidence(one, exist, around) for one in candidates]
                    yield np.array(values, dtype=np.float64), names.index(right)


def fit(samples: Sequence[Choice]) -> Array:
    """The weights (F,) under which the right names are likeliest."""
    prior = np.array([1.0, 0.0, 0.0, 0.0])
    weights, first, second = prior, np.zeros(4), np.zeros(4)
    for step in range(1, STEPS + 1 if samples else 1):
        slope = -PULL * (weights - prior)
        for values, right in samples:
            scores = values @ weights
            shares = np.exp(scores - scores.max())
            slope = slope + values[right] - (shares / shares.sum()) @ values
        first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope**2  # Adam: Kingma & Ba 2015
        weights = weights + RATE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-9)
    return weights


def main() -> None:
    """Print the constants: what each weighs beside the logarithm of the probability."""
    samples = [choice for workspace in (None, AUTO_WORKSPACE) for choice in choices("tune", workspace)]
    weights = fit(samples)
    demoted, special, seen = weights[1:] / weights[0]
    print(f"{len(samples)} choices: DEMOTED = {-demoted:.2f}, SPECIAL = {-special:.2f}, SEEN = {seen:.2f}")


if __name__ == "__main__":
    main()
