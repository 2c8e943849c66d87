"""Files to corpus to tokens to model to measured report. Must not know: LSP, editors."""
