"""Entry of `python -m slm_lsp.trainer`."""

from slm_lsp.trainer.cli import main

if __name__ == "__main__":
    main()
