"""The network in torch: what the trainer trains and the runtime executes quantized. The only torch import in `model`.

Knows: float arithmetic. Must not know: text, editors, training loops.
"""

from slm_lsp.model.network.gpt import TinyGPT

__all__ = ["TinyGPT"]
