"""Makes the golden checkpoints, real models as small as can be: two layers that know one short program by heart.

    python tests/golden/make.py          the model of format 1 in today's formats, when a format has changed
    python tests/golden/make.py --anew   a new model, when the network has changed; then all formats before are lost

`tiny` is of format 1, `formatN` of format N, `formatN.pt` of format N of the `.pt` files; `expected.json` holds what
they all say. Their bytes are committed, so that tests of the server need no torch, and so that every later version
proves that it still reads them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from slm_lsp.model.config import ModelConfig
from slm_lsp.model.network import TinyGPT
from slm_lsp.model.network.weights import PT_FORMAT
from slm_lsp.model.runtime.checkpoint import Checkpoint, write_checkpoint
from slm_lsp.model.runtime.verification import FORMAT
from slm_lsp.trainer.corpus.select import SourceFile
from slm_lsp.trainer.corpus.tokenizer import train_tokenizer
from slm_lsp.trainer.export import export
from slm_lsp.trainer.loop import Budget, Run
from slm_lsp.trainer.optimizer import Recipe

HERE = Path(__file__).parent
PROGRAM = (HERE / "program.py").read_text()
GATE = {"min_confidence": 0.3, "mixture": [-2, 0, 0, 1, 4, 0, -8, 0, 0, 0]}
"""The memory counts where the model, which knows one program by heart, is at a loss."""
CARD = "# tiny\n\nKnows `program.py` by heart.\n"
PROMPT = "class NoteShelf:\n    def __init__(self"
"""What they are asked."""
SAID = 24
"""Tokens that they answer."""


def learn(folder: Path) -> None:
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
        run.model.eval(), folder, name="tiny", tokenizer=tokenizer, prompt="prefix",
        metrics={"loss": state.loss}, gate=GATE, card=CARD,
    )  # fmt: skip


def write_again(old: Checkpoint, folder: Path) -> None:
    """The same model in today's format."""
    write_checkpoint(
        folder, name=old.name, config=old.config, prompt=old.prompt, tensors=old.tensors(), graph=old.graph(),
        tokenizer=old.tokenizer(), metrics=old.metrics, gate=old.gate, card=CARD,
    )  # fmt: skip


def main() -> None:
    """Write every golden file that today's version can write."""
    if "--anew" in sys.argv:
        learn(HERE / "tiny")
    tiny = Checkpoint.open(HERE / "tiny")
    write_again(tiny, HERE / f"format{FORMAT}")
    network = TinyGPT.load(HERE / "tiny")
    network.save(HERE / f"format{PT_FORMAT}.pt")
    ids = tiny.tokenizer().encode(PROMPT)
    said = network.generate(ids, SAID)
    (HERE / "expected.json").write_text(json.dumps({"prompt": PROMPT, "asked": ids, "said": said}) + "\n")
    print(tiny.tokenizer().decode(said))


if __name__ == "__main__":
    main()
