"""The weights that a run began with and those that it ended with, made one: what lies between is better than both.

Knows: two networks of one shape, a measure. Must not know: data, files, how either was trained.

A run that goes on from a finished model learns its data a second time and becomes surer of it than it should be; the
mean of both ends, in a share that held-out text chooses, is surer of what both know (Wortsman et al. 2022).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from slm_lsp.model.network import TinyGPT

SHARES = (0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0)
"""Of the run's end that are tried."""


def blended(start: TinyGPT, end: TinyGPT, share: float) -> TinyGPT:
    """A network whose weights are so much the end's, the rest the start's; both on the CPU."""
    before, after = start.state_dict(), end.state_dict()
    network = TinyGPT(end.config)
    network.load_state_dict({name: before[name].lerp(after[name], share) for name in after})
    return network.eval()


def best_blend(
    start: TinyGPT, end: TinyGPT, loss: Callable[[TinyGPT], float], shares: Sequence[float] = SHARES
) -> tuple[TinyGPT, float]:
    """The one of least loss, and the end's share in it."""
    share = min(shares, key=lambda share: loss(blended(start, end, share)))
    return blended(start, end, share), share
