"""The language server: what its features share.

Knows: the settings in force, the worker, the model choice, the tallies, and how a request passes through
them. Must not know: any single feature.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Literal, TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import default_converter

from slm_lsp.model.errors import Cancelled, CheckpointError
from slm_lsp.model.library import ModelLibrary
from slm_lsp.server import __version__
from slm_lsp.server.choice import ModelChoice
from slm_lsp.server.documents import Document, Documents
from slm_lsp.server.protocol import SlmLspProtocol
from slm_lsp.server.settings import Settings
from slm_lsp.server.tally import Outcome, Tally
from slm_lsp.server.worker import Worker

if TYPE_CHECKING:
    from pygls.server import ServerErrors

    from slm_lsp.model.completion import Completer

T = TypeVar("T")
Kind = Literal["inline", "popup"]
"""What is asked for: ghost text or the popup. A newer request takes over from an older one of its kind."""


class SlmLspServer(LanguageServer):
    """A language server that completes Python with a tiny GPT."""

    def __init__(self, library: ModelLibrary | None = None) -> None:
        super().__init__("slm-lsp", __version__, protocol_cls=SlmLspProtocol, converter_factory=default_converter)
        self.settings = Settings()
        """In force now."""
        self.initial_settings = self.settings
        """From the client's initializationOptions: what a setting falls back to."""
        self.choice = ModelChoice(library or ModelLibrary())
        self.tallies: dict[Kind, Tally] = {"inline": Tally(), "popup": Tally()}
        self.accepted = 0
        """Suggestions the user took."""
        self.worker = Worker()
        self.shut_down = False
        """Whether the client has asked for the shutdown."""
        self._reported: set[str] = set()

    @property
    def documents(self) -> Documents:
        """The documents the client has open."""
        workspace = self.workspace
        assert isinstance(workspace, Documents)
        return workspace

    def place_of(self, document: Document | None) -> Path | None:
        """Where to look for the model of a document: where it lies, else the root of the workspace."""
        return (document and document.local_path) or next(iter(self.documents.roots), None)

    def name_of(self, document: Document) -> str:
        """What the model is told a document is called: its path in the workspace, else its file name."""
        path = document.local_path
        for root in self.documents.roots:
            if path and path.is_relative_to(root):
                return path.relative_to(root).as_posix()
        return document.filename or ""

    async def serve(
        self,
        kind: Kind,
        uri: str,
        enabled: bool,
        answer: Callable[[Document], Awaitable[tuple[Outcome, list[T]]]],
    ) -> list[T]:
        """The items of an answer, or none, with the outcome counted.

        There are none for documents that are not open or not Python, when the feature is off, when a newer
        request took over, and when no model can be used.
        """
        began, outcome, items = perf_counter(), Outcome.FAILED, list[T]()
        document = self.documents.opened(uri)
        try:
            if document is None:
                outcome = Outcome.NOT_OPEN
            elif not document.is_python:
                outcome = Outcome.NOT_PYTHON
            elif not enabled:
                outcome = Outcome.OFF
            else:
                outcome, items = await answer(document)
        except Cancelled:
            outcome = Outcome.CANCELLED
        except asyncio.CancelledError:
            outcome = Outcome.CANCELLED
            raise
        except CheckpointError:
            outcome = Outcome.NO_MODEL
        finally:
            self.tallies[kind].ended(outcome, perf_counter() - began)
            self.report_model_errors()
        return items

    async def compute(
        self, kind: Kind, document: Document | None, ask: Callable[[Completer, Callable[[], bool]], T]
    ) -> T:
        """Ask the model of a document on the worker's thread.

        Raises Cancelled when a newer request took over, CheckpointError when no model can be used.
        """
        place, settings = self.place_of(document), self.settings

        def work(cancelled: Callable[[], bool]) -> T:
            completer = self.choice.completer_for(place, settings.model, settings.threads)
            return ask(completer, cancelled)

        return await self.worker.run(kind, work)

    def report_model_errors(self) -> None:
        """Tell the user about each model that cannot be used, once."""
        for name, error in self.choice.errors.items():
            if error not in self._reported:
                self._reported.add(error)
                self.warn(f"slm-lsp cannot use the model {name!r}: {error}")

    def warn(self, message: str) -> None:
        """Show the user a warning."""
        self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, message))

    def report_server_error(self, error: Exception, source: ServerErrors) -> None:
        """Write an internal error to the client's log; a pop-up for each would be worse than the error."""
        message = f"slm-lsp: {source.__name__}: {error}"
        self.window_log_message(types.LogMessageParams(types.MessageType.Error, message))
