"""The shop's settings, from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Where the shop keeps its things."""

    folder: Path
    collection: str = "books"
    language: str = "en"

    @classmethod
    def from_environment(cls) -> Settings:
        """The settings that SHOP_FOLDER, SHOP_COLLECTION and SHOP_LANGUAGE give."""
        folder = Path(os.environ.get("SHOP_FOLDER", "./shop"))
        collection = os.environ.get("SHOP_COLLECTION", "books")
        language = os.environ.get("SHOP_LANGUAGE", "en")
        if not collection.isidentifier():
            raise ValueError(f"SHOP_COLLECTION must be a name, not {collection!r}")
        return cls(folder, collection, language)
