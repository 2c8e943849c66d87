"""A checkpoint to be damaged, with and without its hashes kept right."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from doubles import GOLDEN
from slm_lsp.model.runtime.checkpoint import Checkpoint, write_checkpoint
from slm_lsp.model.runtime.verification import seal

NEWEST = GOLDEN / "format2"
"""The golden checkpoint of the format that is written."""
JSON_FILES = ("config.json", "metrics.json", "gate.json", "tokenizer.json")
FILES = (*JSON_FILES, "model.safetensors", "graph.onnx", "README.md")


class Victim:
    """A copy of a golden checkpoint."""

    def __init__(self, folder: Path, origin: Path = NEWEST) -> None:
        shutil.copytree(origin, folder)
        self.folder = folder
        self.whole = {name: (folder / name).read_bytes() for name in FILES}
        self.checkpoint = Checkpoint.open(folder)

    def put(self, name: str, data: bytes) -> None:
        """Damage one file."""
        (self.folder / name).write_bytes(data)

    def mend(self) -> None:
        """Undo all damage to the bytes of files."""
        for name, data in self.whole.items():
            self.put(name, data)

    def config(self, change: Callable[[dict[str, Any]], None], *, sealed: bool = True) -> None:
        """Change config.json, and give it the right hash of itself, or leave the old one."""
        config = json.loads(self.whole["config.json"])
        change(config)
        if sealed and "sha256" in config:
            config["sha256"] = seal(config)
        self.put("config.json", json.dumps(config).encode())

    def forge(self, name: str, data: bytes) -> None:
        """Replace a file by another one whose hash is right."""
        self.put(name, data)
        self.config(lambda config: config["files"].update({name: hashlib.sha256(data).hexdigest()}))

    def is_the_same(self) -> bool:
        """Whether what can be read now is the model that it was. Raises what opening it raises."""
        read, was = Checkpoint.open(self.folder), self.checkpoint
        same = read.tensors().keys() == was.tensors().keys()
        same = same and all((tensor == was.tensors()[name]).all() for name, tensor in read.tensors().items())
        return same and (read.config, read.prompt, read.gate, read.graph()) == (
            was.config, was.prompt, was.gate, was.graph()
        )  # fmt: skip


def write_another(folder: Path, name: str = "other") -> Checkpoint:
    """A checkpoint of the same shape with other weights and another name."""
    old = Checkpoint.open(NEWEST)
    tensors = {name: tensor[::-1].copy() for name, tensor in old.tensors().items()}
    return write_checkpoint(
        folder, name=name, config=old.config, prompt="fim", tensors=tensors, graph=old.graph() + b"\x92\x01\x00",
        tokenizer=old.tokenizer(), metrics={"loss": 2}, gate={}, card="# other\n",
    )  # fmt: skip


@contextmanager
def unprivileged() -> Iterator[Path]:
    """A folder that all may enter; while inside, permissions hold for us even if we are root."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        root = Path(name)
        root.chmod(0o777)
        was = os.geteuid()
        try:
            if was == 0:
                os.seteuid(65534)
            yield root
        finally:
            os.seteuid(was)
