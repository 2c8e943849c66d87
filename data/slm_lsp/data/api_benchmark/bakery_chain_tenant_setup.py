"""Give each bakery of a franchise its own tenant and databases in one embedded Chroma, prove the isolation, close one down."""
import tempfile

import chromadb
from chromadb import Settings
from chromadb.errors import ChromaError, NotFoundError

FRANCHISE = {
    "bakery-nord": ["recipes", "reviews"],
    "bakery-sued": ["recipes", "reviews", "suppliers"],
}


def ensure_tenant(admin, tenant):
    """Tenants cannot be listed, so ask for the one and create it when the answer is 'not found'."""
    try:
        admin.get_tenant(name=tenant)
        return False
    except NotFoundError:
        admin.create_tenant(name=tenant)
        return True


def ensure_database(admin, tenant, database):
    known = {d["name"] for d in admin.list_databases(tenant=tenant)}
    if database not in known:
        admin.create_database(name=database, tenant=tenant)
    return admin.get_database(name=database, tenant=tenant)


def all_databases(admin, tenant, page=2):
    """Walk the databases of a tenant page by page."""
    names, offset = [], 0
    while True:
        chunk = admin.list_databases(limit=page, offset=offset, tenant=tenant)
        names.extend(d["name"] for d in chunk)
        if len(chunk) < page:
            return names
        offset += page


def provision(admin):
    for tenant, databases in FRANCHISE.items():
        created = ensure_tenant(admin, tenant)
        for database in databases:
            record = ensure_database(admin, tenant, database)
            assert record["tenant"] == tenant
        print(f"{tenant}: {'new' if created else 'kept'}, {len(databases)} databases")


def main():
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as data_dir:
        settings = Settings(
            is_persistent=True,
            persist_directory=data_dir,
            anonymized_telemetry=False,
        )
        admin = chromadb.AdminClient(settings=settings)
        provision(admin)
        provision(admin)  # running it twice must change nothing
        assert sorted(all_databases(admin, "bakery-sued")) == ["recipes", "reviews", "suppliers"]

        # An application opens the database it belongs to ...
        nord = chromadb.PersistentClient(
            path=data_dir,
            settings=settings,
            tenant="bakery-nord",
            database="recipes",
        )
        breads = nord.get_or_create_collection(name="breads", embedding_function=None)
        breads.upsert(
            ids=["rye", "spelt", "ciabatta"],
            embeddings=[[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.0, 0.2, 0.9]],
            metadatas=[{"hours": 26}, {"hours": 9}, {"hours": 5}],
            documents=["rye sourdough", "spelt loaf", "ciabatta"],
        )
        assert (breads.tenant, breads.database) == ("bakery-nord", "recipes")

        # ... while a support tool walks from one to the next with a single client.
        tool = chromadb.PersistentClient(path=data_dir, settings=settings)
        tool.set_tenant(tenant="bakery-sued", database="recipes")
        assert tool.count_collections() == 0, "the southern bakery must not see the northern recipes"
        tool.create_collection(name="breads", embedding_function=None).add(
            ids=["brezel"], embeddings=[[0.1, 0.9, 0.1]], documents=["Brezel, lye, salt"]
        )
        tool.set_database(database="reviews")
        assert tool.list_collections() == []
        tool.create_collection(name="spring_2025", metadata={"source": "counter survey"}, embedding_function=None)

        tool.set_tenant("bakery-nord", database="recipes")
        slow = tool.get_collection(name="breads", embedding_function=None).get(where={"hours": {"$gte": 9}})
        assert sorted(slow["ids"]) == ["rye", "spelt"]
        nearest = tool.get_collection("breads", embedding_function=None).query(
            query_embeddings=[[1.0, 0.0, 0.0]], n_results=2
        )
        assert nearest["ids"][0][0] == "rye"

        # Asking for a tenant that was never created fails at once, and the client stays where it was.
        try:
            tool.set_tenant("bakery-west")
        except ChromaError as err:
            print("refused:", err)
        assert tool.tenant == "bakery-nord" and tool.database == "recipes"

        # The northern reviews are closed down; the rest of the tenant is untouched.
        admin.delete_database(name="reviews", tenant="bakery-nord")
        try:
            admin.get_database("reviews", tenant="bakery-nord")
        except NotFoundError:
            pass
        else:
            raise AssertionError("the database should be gone")
        assert all_databases(admin, "bakery-nord") == ["recipes"]

        who = tool.get_user_identity()
        assert who.tenant == "default_tenant"  # embedded Chroma knows one user only
        for client in (tool, nord):
            client.close()


if __name__ == "__main__":
    main()
