"""An installed chromadb's facts, read from its source files.

Knows: where chromadb 0.4 to 1.5 keeps what. Must not know: where it is installed, how facts are kept. It never imports
chromadb: that takes a second, and the server must serve environments other than its own.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import Path

from slm_lsp.server.chroma.facts import Installed, Methods, Parameter, Signature, Values
from slm_lsp.server.chroma.source import (
    Function,
    Source,
    attribute_name,
    is_plain_method,
    last_name,
    lineage,
    signature,
    strings,
)

_CLASSES = (
    "api/client.py",
    "api/async_client.py",
    "api/shared_system_client.py",
    "api/models/Collection.py",
    "api/models/AsyncCollection.py",
    "api/models/CollectionCommon.py",
    "api/__init__.py",
    "api/async_api.py",
)
"""Where clients and collections are, with their ancestors."""
_TYPES = ("api/types.py", "base_types.py", "types.py")
_EMBEDDING = "utils/embedding_functions"
_OWNERS = {
    "client": ("Client", "ClientAPI"),
    "async_client": ("AsyncClient", "AsyncClientAPI"),
    "admin": ("AdminClient", "AdminAPI"),
    "async_admin": ("AsyncAdminClient", "AsyncAdminAPI"),
    "collection": ("Collection",),
    "async_collection": ("AsyncCollection",),
}
"""Owner -> the class of it, by preference."""
_CONSTRUCTED = ("HNSWConfiguration", "CollectionConfiguration", "Settings")
_INNER = {"from_system", "model_config"}
"""Public by name alone."""


def read(package: Path) -> Installed:
    """The facts of the chromadb whose package folder this is.

    What a version does not have, or has where nobody expects it, is missing from them. Raises FileNotFoundError if
    there is no chromadb.
    """
    if not (package / "__init__.py").is_file():
        raise FileNotFoundError(f"no chromadb at {package}")
    source = Source(package)
    logical, where = _where_operators(source)
    return Installed(
        version=version_of(source),
        owners=_owners(source),
        include=_include(source),
        where=where,
        logical=logical,
        where_document=_document_operators(source),
        configuration=_configuration(source),
        hnsw_metadata=_hnsw_metadata(source),
        results={use: _fields(source, f"{use.title()}Result") for use in ("get", "query")},
    )


def version_of(source: Source) -> str:
    """The package's version, as it says itself; empty if it does not."""
    return "".join(strings(source.value("__init__.py", "__version__"))[:1])


def _owners(source: Source) -> dict[str, Methods]:
    classes = source.classes(_CLASSES)
    owners: dict[str, Methods] = {"chromadb": _module(source)}
    for owner, names in _OWNERS.items():
        owners[owner] = next((_methods(name, classes) for name in names if name in classes), {})
    owners["embedding_functions"] = _embedding_functions(source)
    owners["classes"] = _constructors(source)
    return owners


def _module(source: Source) -> Methods:
    """The module's factories, and the classes that it hands on."""
    factories = {
        name: signature(function)
        for name, function in source.functions("__init__.py").items()
        if name.endswith("Client")
    }
    named = [
        alias.asname or alias.name
        for node in source.module("__init__.py").body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if not alias.asname
    ]
    named += [name for name in source.functions("__init__.py") if not name.startswith("_") and name != "is_in_colab"]
    named += ["__version__", *(name for name in ("api", "config", "errors", "utils") if source.has(name))]
    inner = (*factories, "CloudClientArg", "Path", "Dict", "Optional", "Union", "is_thin_client")
    others = {name: Signature((), "", is_attribute=True) for name in named if name not in inner}
    return {**factories, **others}


def _methods(name: str, classes: dict[str, ast.ClassDef]) -> Methods:
    """The methods and attributes of a class; where it says nothing of one, an ancestor may."""
    found: dict[str, list[Function]] = {}
    attributes: dict[str, Signature] = {}
    for node in (node for parent in lineage(name, classes) for node in parent.body):
        if isinstance(node, Function) and is_plain_method(node) and node.name not in _INNER:
            found.setdefault(node.name, []).append(node)
        elif (attribute := attribute_name(node)) and attribute not in _INNER:
            attributes.setdefault(attribute, Signature((), _attribute_doc(node), is_attribute=True))
    methods = {
        method: signature(nodes[0], docs=[ast.get_docstring(node) or "" for node in nodes[1:]])
        for method, nodes in found.items()
    }
    return {**methods, **attributes}


def _attribute_doc(node: ast.AST) -> str:
    said = node.annotation if isinstance(node, ast.AnnAssign) else getattr(node, "returns", None)
    return ast.unparse(said) if said else ""


def _embedding_functions(source: Source) -> Methods:
    """Embedding functions and what their constructors take."""
    modules = [f"{_EMBEDDING}.py", *source.modules(_EMBEDDING)]
    classes = source.classes([*modules, "api/types.py"])
    public = strings(source.value(f"{_EMBEDDING}/__init__.py", "__all__"))
    found = {
        name: _constructor(node, classes)
        for name, node in classes.items()
        if (name in public if public else _is_embedding_function(name, classes))
        and not name.startswith("_")
        and name not in ("EmbeddingFunction", "SparseEmbeddingFunction")
    }
    for module in modules:
        if "DefaultEmbeddingFunction" in (functions := source.functions(module)):
            found["DefaultEmbeddingFunction"] = signature(functions["DefaultEmbeddingFunction"])
    return {name: one for name, one in found.items() if not name.endswith("QueryConfig")}


def _is_embedding_function(name: str, classes: dict[str, ast.ClassDef]) -> bool:
    parents = {last_name(base) for one in lineage(name, classes) for base in one.bases}
    return "EmbeddingFunction" in parents


def _constructor(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> Signature:
    doc = ast.get_docstring(node) or ""
    for parent in lineage(node.name, classes):
        for method in parent.body:
            if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                made = signature(method, docs=[doc])
                return Signature(made.parameters, _summary(doc) or made.doc)
    return Signature((), _summary(doc))


def _summary(doc: str) -> str:
    """A class's documentation in one line."""
    return doc.strip().split("\n")[0]


def _constructors(source: Source) -> Methods:
    """Classes whose instances are arguments: by their constructors, or by their fields where these are pydantic's."""
    classes = source.classes(["api/configuration.py", "config.py"])
    aliases = {name: source.value("api/configuration.py", name) for name in _CONSTRUCTED}
    found: dict[str, Signature] = {}
    is_dict = bool(source.module("api/collection_configuration.py").body)
    for name in ("Settings",) if is_dict else _CONSTRUCTED:
        alias = aliases[name]
        node = classes.get(last_name(alias) if alias else name)
        if node is not None:
            made = _constructor(node, classes)
            refused = strings(source.value("config.py", "_legacy_config_keys"))
            found[name] = made if made.parameters else Signature(_settings(node, refused), made.doc)
    return found


def _settings(node: ast.ClassDef, refused: Sequence[str]) -> tuple[Parameter, ...]:
    """The fields of a class, as parameters of its constructor; those of old that it refuses are left out."""
    return tuple(
        Parameter(field.target.id, ast.unparse(field.annotation), ast.unparse(field.value) if field.value else None, "")
        for field in node.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if attribute_name(field) and field.target.id not in refused
    )


def _include(source: Source) -> dict[str, Values]:
    """What `get` and `query` take in `include`: all that the type names, less what `get` refuses."""
    values = strings(source.value("api/types.py", "Include"))
    if not values:  # an enum in 0.5 and 0.6
        enum = source.classes(["api/types.py"]).get("IncludeEnum")
        values = strings(enum)
    return {"query": tuple(values), "get": tuple(value for value in values if value != "distances")}


def _where_operators(source: Source) -> tuple[Values, Values]:
    """The logical operators and those of a metadata key, as the validator lists them."""
    known, logical = _validated(source, "validate_where")
    return logical or ("$and", "$or"), tuple(one for one in known if one not in logical)


def _document_operators(source: Source) -> Values:
    known, logical = _validated(source, "validate_where_document")
    return tuple(dict.fromkeys((*known, *logical)))


def _validated(source: Source, name: str) -> tuple[Values, Values]:
    """The operators that a validator lists in `... not in [...]`, and those whose operands must be lists of filters."""
    function = source.functions("api/types.py").get(name)
    known: Values = ()
    logical: dict[str, None] = {}
    for node in ast.walk(function) if function else []:
        match node:
            case ast.Compare(ops=[ast.NotIn()], comparators=[ast.List() | ast.Tuple() as listed]):
                found = tuple(one for one in strings(listed) if one.startswith("$"))
                known = max(known, found, key=len)
            case ast.Compare(ops=[ast.Eq()], comparators=[ast.Constant(value="$and" | "$or" as one)]):
                logical[one] = None
    return known, tuple(logical)


def _configuration(source: Source) -> dict[str, dict[str, dict[str, Values]]]:
    """The keys of `configuration`, where it is a dict: of one for a new collection and of one for changes."""
    classes = source.classes(["api/collection_configuration.py"])
    space = tuple(strings(source.value("api/types.py", "Space")))
    found: dict[str, dict[str, dict[str, Values]]] = {}
    for use in ("create", "update"):
        whole = classes.get(f"{use.title()}CollectionConfiguration")
        sections: dict[str, dict[str, Values]] = {}
        for field in whole.body if whole else []:
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                section = next((node for node in ast.walk(field.annotation) if _names_section(node)), None)
                keys = classes.get(last_name(section)) if isinstance(section, ast.expr) else None
                sections[field.target.id] = _typed(keys, space)
        if sections:
            found[use] = sections
    return found


def _names_section(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id.endswith("Configuration")


def _typed(keys: ast.ClassDef | None, space: Values) -> dict[str, Values]:
    return {
        key.target.id: space if last_name(key.annotation) == "Space" else ()
        for key in (keys.body if keys else [])
        if isinstance(key, ast.AnnAssign) and isinstance(key.target, ast.Name)
    }


def _hnsw_metadata(source: Source) -> dict[str, Values]:
    """The keys of the index in a collection's metadata: listed beside the configuration, or where they are checked."""
    texts: list[str] = []
    for module in ("api/collection_configuration.py", "segment/impl/vector/hnsw_params.py", "api/configuration.py"):
        keys = [text for text in strings(source.module(module)) if re.fullmatch(r"hnsw:\w+", text)]
        texts = texts or keys
    space = tuple(strings(source.value("api/types.py", "Space"))) or _space_pattern(source)
    return {key: space if key == "hnsw:space" else () for key in texts}


def _space_pattern(source: Source) -> Values:
    """The distances that the validator's pattern lists, such as `^(l2|cosine|ip)$`."""
    for text in strings(source.module("segment/impl/vector/hnsw_params.py")):
        if found := re.fullmatch(r"\^\(([\w|]+)\)\$", text):
            return tuple(found[1].split("|"))
    return ()


def _fields(source: Source, name: str) -> Values:
    """The keys of a TypedDict."""
    node = next((found for module in _TYPES if (found := source.classes([module]).get(name))), None)
    return tuple(
        one.target.id
        for one in (node.body if node else [])
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
    )
