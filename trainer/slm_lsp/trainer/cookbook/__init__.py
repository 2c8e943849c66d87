"""Looking after the cookbook: what of chromadb's API its programs show, how alike they are, its README."""
