"""Running a trained model on the CPU: tokenizers, checkpoints, the int8 graph and the engine that executes it.

Knows: files, numpy and ONNX Runtime. Must not know: torch, prompts, editors.
"""
