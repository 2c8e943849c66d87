"""Running a trained model on the CPU: tokenizers, checkpoints, the int8 graph and the engine that executes it.

Knows: files, numpy and ONNX Runtime. Must not know: torch, prompts, editors.
"""

import os

# From 1.29 on ONNX Runtime tells its makers what it is used for, unless it is told not to before it is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
