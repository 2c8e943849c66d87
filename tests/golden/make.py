"""Makes the golden checkpoint: `python tests/golden/make.py`, only when the checkpoint format changes.

A real model, as small as can be: two layers that know one short program by heart. Its bytes are committed, so that
tests of the server need no torch, and so that every later version proves that it still reads format 1.
"""

from __future__ import annotations

from pathlib import Path

import torch

from slm_lsp.model.config import ModelConfig
from slm_lsp.model.network import TinyGPT
from slm_lsp.trainer.corpus.select import SourceFile
from slm_lsp.trainer.corpus.tokenizer import train_tokenizer
from slm_lsp.trainer.export import export
from slm_lsp.trainer.loop import Budget, Run
from slm_lsp.trainer.optimizer import Recipe

HERE = Path(__file__).parent
PROGRAM = (HERE / "program.py").read_text()
GATE = {"min_confidence": 0.3, "mixture": [-2, 0, 0, 1, 4, 0, -8, 0, 0, 0]}
"""The memory counts where the model, which knows one program by heart, is at a loss."""


def main() -> None:
    """Train on the golden program until it is known by heart, and write the checkpoint."""
    torch.manual_seed(0)
    source = SourceFile(package="golden", path="program.py", text=PROGRAM, split="train", chroma=True)
    tokenizer = train_tokenizer([source], vocab_size=480)
    document = [tokenizer.special("file"), *tokenizer.encode("program.py\n" + PROGRAM), tokenizer.special("end")]
    config = ModelConfig(tokenizer.vocab_size, context=256, layers=2, width=32, heads=2, hidden=96)
    data = torch.tensor((document * 3)[: 2 * len(document)])

    def batches(step: int, progress: float) -> torch.Tensor:
        draw = torch.Generator().manual_seed(step)
        starts = torch.randint(len(data) - 129, (16,), generator=draw).tolist()
        return torch.stack([data[start : start + 129] for start in starts])

    run = Run(TinyGPT(config), batches, recipe=Recipe(decay=0.5), budget=Budget(steps=400))
    state = run.run()
    print(f"{len(document)} tokens, vocabulary {tokenizer.vocab_size}, loss {state.loss:.3f}")
    export(
        run.model.eval(), HERE / "tiny", name="tiny", tokenizer=tokenizer, prompt="prefix",
        metrics={"loss": state.loss}, gate=GATE, card="# tiny\n\nKnows `program.py` by heart.\n",
    )  # fmt: skip


if __name__ == "__main__":
    main()
