"""Fixtures of the trainer's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from workshop import Workshop


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    made = Workshop(tmp_path)
    for name, value in made.environment().items():
        if name != "PYTHONPATH":
            monkeypatch.setenv(name, value)
    return made
