"""Build the right Chroma client from environment variables, so that code never hard-codes where data lives.

    CHROMA_MODE=memory                           tests, notebooks
    CHROMA_MODE=disk    CHROMA_PATH=./data       one process, one machine
    CHROMA_MODE=http    CHROMA_URL=http://...    several processes
    CHROMA_MODE=cloud   CHROMA_API_KEY=...       hosted

Settings are read once, validated by pydantic, and turned into a client in exactly one place.
"""

import asyncio
import os
import tempfile
from enum import Enum
from pathlib import Path
from typing import Mapping, Optional
from urllib.parse import urlsplit

import chromadb
from chromadb.api import AsyncClientAPI
from chromadb.config import DEFAULT_DATABASE, DEFAULT_TENANT, Settings
from pydantic import BaseModel, SecretStr, ValidationError, model_validator


class Mode(str, Enum):
    MEMORY = "memory"
    DISK = "disk"
    HTTP = "http"
    CLOUD = "cloud"


class ChromaOptions(BaseModel):
    mode: Mode = Mode.MEMORY
    path: Optional[Path] = None
    url: Optional[str] = None
    token: Optional[SecretStr] = None
    api_key: Optional[SecretStr] = None
    tenant: str = DEFAULT_TENANT
    database: str = DEFAULT_DATABASE

    @model_validator(mode="after")
    def _needs(self) -> "ChromaOptions":
        required = {Mode.DISK: "path", Mode.HTTP: "url", Mode.CLOUD: "api_key"}.get(self.mode)
        if required and getattr(self, required) is None:
            raise ValueError(f"CHROMA_MODE={self.mode.value} needs CHROMA_{required.upper()}")
        return self

    def address(self) -> tuple[str, int, bool, Optional[dict[str, str]]]:
        """Host, port, whether to use TLS, and headers, from CHROMA_URL and CHROMA_TOKEN."""
        url = urlsplit(self.url)
        ssl = url.scheme == "https"
        headers = {"Authorization": f"Bearer {self.token.get_secret_value()}"} if self.token else None
        return url.hostname, url.port or (443 if ssl else 8000), ssl, headers

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "ChromaOptions":
        names = {f"CHROMA_{field.upper()}": field for field in cls.model_fields}
        return cls(**{names[key]: value for key, value in env.items() if key in names})


def make_client(options: ChromaOptions) -> chromadb.ClientAPI:
    settings = Settings(anonymized_telemetry=False)
    match options.mode:
        case Mode.MEMORY:
            return chromadb.EphemeralClient(
                settings=settings, tenant=options.tenant, database=options.database
            )
        case Mode.DISK:
            options.path.mkdir(parents=True, exist_ok=True)
            return chromadb.PersistentClient(
                path=options.path, settings=settings, tenant=options.tenant, database=options.database
            )
        case Mode.HTTP:
            host, port, ssl, headers = options.address()
            return chromadb.HttpClient(
                host=host,
                port=port,
                ssl=ssl,
                headers=headers,
                settings=settings,
                tenant=options.tenant,
                database=options.database,
            )
        case Mode.CLOUD:
            return chromadb.CloudClient(
                tenant=options.tenant,
                database=options.database,
                api_key=options.api_key.get_secret_value(),
                settings=settings,
            )


async def make_async_client(options: ChromaOptions) -> AsyncClientAPI:
    """There is one asynchronous client, and it speaks HTTP."""
    if options.mode is not Mode.HTTP:
        raise ValueError(f"no asynchronous client for CHROMA_MODE={options.mode.value}")
    host, port, ssl, headers = options.address()
    return await chromadb.AsyncHttpClient(
        host=host,
        port=port,
        ssl=ssl,
        headers=headers,
        settings=Settings(anonymized_telemetry=False),
        tenant=options.tenant,
        database=options.database,
    )


def smoke_test(client: chromadb.ClientAPI) -> int:
    """What every deployment should be able to do, whatever stands behind the client."""
    assert client.get_user_identity().tenant == client.tenant
    scratch = client.get_or_create_collection("smoke_test", embedding_function=None)
    scratch.upsert(ids=["ping"], embeddings=[[1.0, 0.0]], documents=["pong"])
    answer = scratch.get(ids=["ping"])["documents"]
    client.delete_collection(name="smoke_test")
    assert answer == ["pong"]
    return client.count_collections()


def main() -> None:
    assert ChromaOptions.from_env({}).mode is Mode.MEMORY
    print("memory:", smoke_test(make_client(ChromaOptions.from_env({}))), "collections")

    with tempfile.TemporaryDirectory() as folder:
        env = {"CHROMA_MODE": "disk", "CHROMA_PATH": f"{folder}/kb", "HOME": "/irrelevant"}
        with make_client(ChromaOptions.from_env(env)) as client:
            assert client.get_settings().is_persistent
            print("disk:", smoke_test(client), "collections in", Path(folder, "kb").name)

    # Half a configuration is refused before any client is built.
    for env, hint in [
        ({"CHROMA_MODE": "disk"}, "CHROMA_PATH"),
        ({"CHROMA_MODE": "http"}, "CHROMA_URL"),
        ({"CHROMA_MODE": "cloud"}, "CHROMA_API_KEY"),
        ({"CHROMA_MODE": "carrier-pigeon"}, "mode"),
    ]:
        try:
            ChromaOptions.from_env(env)
        except ValidationError as error:
            assert hint in str(error)
            print("refused:", error.errors()[0]["msg"])
        else:
            raise AssertionError(f"{env} should be refused")

    # An HTTP address nobody listens on: the client is validated when it is built, not when first used.
    silent = ChromaOptions(mode="http", url="http://127.0.0.1:9", token="s3cret")
    assert "s3cret" not in repr(silent)
    try:
        make_client(silent)
    except ValueError as error:
        print("http:", error)
    else:
        raise AssertionError("port 9 should be closed")

    for options, hint in [(silent, "connect"), (ChromaOptions(), "no asynchronous client")]:
        try:
            asyncio.run(make_async_client(options))
        except Exception as error:
            assert hint in str(error), error
        else:
            raise AssertionError("nobody should answer asynchronously either")

    # CloudClient reads CHROMA_API_KEY itself, and says so when there is none.
    os.environ.pop("CHROMA_API_KEY", None)
    try:
        chromadb.CloudClient(tenant="acme", database="prod")
    except ValueError as error:
        assert "CHROMA_API_KEY" in str(error)
        print("cloud:", str(error).split(". ")[0])
    else:
        raise AssertionError("no key, no cloud")


if __name__ == "__main__":
    main()
