"""Whether a repository has enough code for the phases that are asked for.

Knows: the phases' budgets of tokens, how many points a judgement needs. Must not know: training.
"""

from __future__ import annotations

from collections.abc import Sequence

from slm_lsp.data import vocabulary
from slm_lsp.model.errors import TrainingError
from slm_lsp.model.runtime.tokenizer import Tokenizer
from slm_lsp.trainer.judge import ENOUGH
from slm_lsp.trainer.phases import PHASES
from slm_lsp.trainer.split import Parts


def require_enough(parts: Parts, phases: Sequence[int], points: int) -> None:
    """Raise TrainingError, saying what can be done, where the files are too few or too small."""
    if points < ENOUGH or not parts.validation:
        raise TrainingError(
            f"too little code: the files set aside have {points} places to complete at, {ENOUGH} are needed to judge "
            "by; take a project of at least three files of some size"
        )
    tokenizer = Tokenizer.from_file(vocabulary("gpt2"))
    there = sum(len(tokenizer.encode(file.text)) for file in (*parts.train, *parts.validation))
    lacking = [number for number in phases if PHASES[number].tokens > there]
    if lacking:
        possible = ",".join(str(phase.number) for phase in PHASES if phase.tokens <= there)
        most = max(PHASES[number].tokens for number in lacking)
        advice = f"leave out what it is too small for: --phases {possible}" if possible else "take a larger one"
        raise TrainingError(
            f"too little code: phase {lacking[-1]} was published with {most:,} tokens, this project has {there:,} to "
            f"learn from; {advice}"
        )
