"""`python -m slm_lsp.server`: the same as the command `slm-lsp`. Knows nothing else."""

from __future__ import annotations

from slm_lsp.server.cli import main

if __name__ == "__main__":
    main()
