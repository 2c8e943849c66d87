"""How weights move: Muon for the matrices of the blocks, AdamW for the rest, one schedule for both.

Knows: optimizers and learning rates. Must not know: data, files, progress bars.
Muon: Jordan et al. 2024. AdamW: Loshchilov & Hutter 2019. Warmup-stable-decay: Hu et al. 2024.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from slm_lsp.model.errors import ConfigError


@dataclass(frozen=True)
class Recipe:
    """Learning rates and their schedule over the progress of a run, from 0 to 1."""

    muon_lr: float = 0.02
    """Peak rate of the blocks' matrices."""
    adam_lr: float = 3e-3
    """Peak rate of the embedding and the norms."""
    weight_decay: float = 0.1
    """Decoupled decay of the matrices and the embedding, times the rate."""
    warmup: float = 0.02
    """Share of the run in which the rate rises linearly from 0."""
    decay: float = 0.4
    """Share of the run, at its end, in which the rate falls linearly to `floor`."""
    floor: float = 0.02
    """Rate at the end, as a share of the peak."""
    clip: float = 1.0
    """Largest norm of the gradient."""

    def __post_init__(self) -> None:
        faults = [
            f"{name} must be {'positive' if low else 'at least 0'}, not {getattr(self, name)!r}"
            for name, low in (("muon_lr", True), ("adam_lr", True), ("weight_decay", False), ("clip", True))
            if getattr(self, name) < 0 or (low and getattr(self, name) == 0)
        ]
        faults += [
            f"{name} must be between 0 and 1, not {getattr(self, name)!r}"
            for name in ("warmup", "decay", "floor")
            if not 0 <= getattr(self, name) <= 1
        ]
        if not faults and self.warmup + self.decay > 1:
            faults.append(f"warmup {self.warmup} and decay {self.decay} together exceed the run")
        if faults:
            raise ConfigError("recipe", faults)

    def scale(self, progress: float) -> float:
        """The rate at `progress`, as a share of the peak."""
        if progress < self.warmup:
            return max(progress / self.warmup, 0.01)
        if progress <= 1 - self.decay:
            return 1.0
        left = max(1 - progress, 0.0) / self.decay
        return self.floor + (1 - self.floor) * left


class Optimizer:
    """Muon and AdamW driven as one."""

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        self.recipe = recipe
        self._parameters = [p for p in model.parameters() if p.requires_grad]
        matrices = [p for name, p in model.named_parameters() if p.dim() == 2 and name.startswith("blocks.")]
        known = {id(p) for p in matrices}
        tables = [p for p in self._parameters if p.dim() == 2 and id(p) not in known]
        vectors = [p for p in self._parameters if p.dim() < 2]
        groups = [{"params": tables, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        self._muon = torch.optim.Muon(matrices, lr=recipe.muon_lr, weight_decay=recipe.weight_decay)
        self._adam = torch.optim.AdamW(groups, lr=recipe.adam_lr, betas=(0.9, 0.95), fused=True)

    def step(self, progress: float) -> float:
        """Clip the gradients, move the weights at the rate of `progress`; the gradient's norm before clipping."""
        norm = nn.utils.clip_grad_norm_(self._parameters, self.recipe.clip)
        scale = self.recipe.scale(progress)
        for optimizer, peak in ((self._muon, self.recipe.muon_lr), (self._adam, self.recipe.adam_lr)):
            for group in optimizer.param_groups:
                group["lr"] = peak * scale
            optimizer.step()  # type: ignore[no-untyped-call]
            optimizer.zero_grad(set_to_none=True)
        return float(norm)

    def state_dict(self) -> dict[str, object]:
        """Everything needed to go on exactly here."""
        return {"muon": self._muon.state_dict(), "adam": self._adam.state_dict()}

    def load_state_dict(self, state: dict[str, dict[str, object]]) -> None:
        """Go on from a `state_dict`."""
        self._muon.load_state_dict(state["muon"])
        self._adam.load_state_dict(state["adam"])
