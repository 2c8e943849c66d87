"""Suggest support macros with OpenAIEmbeddingFunction, including shortened dimensions, key handling and the Azure variant.

The `openai` package is replaced by a stand-in with the same surface, so the program runs offline; delete the block
between the rulers and it talks to the real service.
"""
import os
import sys
import types
import warnings
from unittest.mock import patch

import chromadb
from chromadb.utils.embedding_functions import OpenAIEmbeddingFunction

# ---------------------------------------------------------------- stand-in for the openai package
REQUESTS = []


class _Embeddings:
    KEYWORDS = ["refund", "money", "invoice", "password", "login", "ship", "parcel", "cancel", "subscription", "tax"]
    FULL = 64

    def create(self, *, model, input, dimensions=None):
        REQUESTS.append({"model": model, "inputs": len(input), "dimensions": dimensions})
        rows = []
        for text in input:
            low = text.lower()
            row = [float(low.count(word)) for word in self.KEYWORDS] + [0.001] * (self.FULL - len(self.KEYWORDS))
            # the -3 models are trained so that a prefix of the vector is a good vector
            rows.append(types.SimpleNamespace(embedding=row[: dimensions or self.FULL]))
        return types.SimpleNamespace(data=rows)


class _OpenAI:
    def __init__(self, **params):
        self.params = params
        self.embeddings = _Embeddings()


class _AzureOpenAI(_OpenAI):
    pass


openai_stub = types.ModuleType("openai")
openai_stub.OpenAI, openai_stub.AzureOpenAI = _OpenAI, _AzureOpenAI
sys.modules["openai"] = openai_stub
# ---------------------------------------------------------------------------------------------------

MACROS = {
    "refund-granted": "Your refund is on its way, the money arrives within five days.",
    "reset-password": "Use the reset link if your password or login does not work.",
    "where-is-it": "You can follow your parcel with the shipping number once we ship it.",
    "end-subscription": "To cancel a subscription open settings, then billing, then cancel.",
    "vat-invoice": "An invoice with your tax number can be downloaded from the billing page.",
}


def key_handling():
    """The key comes from the environment; only the variable's name is ever stored."""
    try:
        OpenAIEmbeddingFunction(api_key_env_var="HELPDESK_OPENAI_KEY")
    except ValueError as error:
        assert "HELPDESK_OPENAI_KEY environment variable is not set" in str(error)
    else:
        raise AssertionError("no key in the environment")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        direct = OpenAIEmbeddingFunction(api_key="sk-typed-into-the-source")
    # Old tutorials pass api_key=...; it works until the collection is reopened elsewhere.
    assert any("will not be persisted" in str(w.message) for w in caught)
    assert "sk-typed-into-the-source" not in str(direct.get_config())


def build(client):
    openai_ef = OpenAIEmbeddingFunction(
        api_key_env_var="HELPDESK_OPENAI_KEY",
        model_name="text-embedding-3-small",
        dimensions=16,
        organization_id="org-helpdesk",
        default_headers={"X-Team": "support"},
    )
    macros = client.create_collection("macros", embedding_function=openai_ef)
    macros.add(
        ids=list(MACROS),
        documents=list(MACROS.values()),
        metadatas=[{"uses": 0, "locale": "en"} for _ in MACROS],
    )
    assert openai_ef.client.params["organization"] == "org-helpdesk"
    return macros


def suggest(macros, ticket):
    best = macros.query(query_texts=[ticket], n_results=1)["ids"][0][0]
    uses = macros.get(ids=best)["metadatas"][0]["uses"]
    macros.update(ids=best, metadatas={"uses": uses + 1})  # metadata only: no embedding is paid for
    return best


def azure():
    missing = {"api_version": "2024-02-01", "deployment_id": None, "api_base": "https://contoso.example"}
    try:
        OpenAIEmbeddingFunction(api_key_env_var="HELPDESK_OPENAI_KEY", api_type="azure", **missing)
    except ValueError as error:
        assert "deployment_id must be specified" in str(error)
    else:
        raise AssertionError("incomplete Azure settings were accepted")
    ready = OpenAIEmbeddingFunction(
        api_key_env_var="HELPDESK_OPENAI_KEY",
        api_type="azure",
        api_version="2024-02-01",
        api_base="https://contoso.example",
        deployment_id="embeddings-prod",
        model_name="text-embedding-3-large",
    )
    assert isinstance(ready.client, _AzureOpenAI)
    assert ready.client.params["azure_deployment"] == "embeddings-prod"
    return ready


def main():
    os.environ.pop("OPENAI_API_KEY", None)  # it would win over api_key_env_var
    key_handling()
    with patch.dict(os.environ, {"HELPDESK_OPENAI_KEY": "sk-test"}):
        client = chromadb.EphemeralClient()
        macros = build(client)
        assert macros.configuration_json["hnsw"]["space"] == "cosine"
        assert REQUESTS == [{"model": "text-embedding-3-small", "inputs": 5, "dimensions": 16}]
        assert macros.peek(limit=2)["embeddings"].shape == (2, 16)

        assert suggest(macros, "I want my money back, when is the refund?") == "refund-granted"
        assert suggest(macros, "login broken, password wrong") == "reset-password"
        assert suggest(macros, "please cancel my subscription") == "end-subscription"
        assert suggest(macros, "parcel?") == "where-is-it"
        requests = len(REQUESTS)
        assert requests == 5  # one for add, four for queries, none for the updates

        # Another process: the stored configuration rebuilds the function from the environment.
        reopened = client.get_collection("macros")
        stored = reopened.configuration_json["embedding_function"]
        assert stored["name"] == "openai" and stored["config"]["api_key_env_var"] == "HELPDESK_OPENAI_KEY"
        popular = reopened.get(where={"uses": {"$gt": 0}}, include=["metadatas"])
        assert len(popular["ids"]) == 4
        assert reopened.query(query_texts=["tax invoice"], n_results=1)["ids"] == [["vat-invoice"]]

        # A stored model name is final: text-embedding-3-large would not fit the stored vectors.
        try:
            macros.modify(configuration={"embedding_function": azure()})
        except ValueError as error:
            print("refused:", error)
        else:
            raise AssertionError("the model was swapped under a filled collection")
    print(f"{len(REQUESTS)} requests, {sum(r['inputs'] for r in REQUESTS)} texts embedded")


if __name__ == "__main__":
    main()
