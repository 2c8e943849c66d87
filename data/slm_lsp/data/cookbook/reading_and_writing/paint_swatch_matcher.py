"""Match photographed colours to a paint maker's swatches, many query_embeddings in one call.

Colours become CIE L*a*b* vectors, in which plain Euclidean distance is close to what the eye sees.
A whole palette is matched by a single query(): one row of results for each colour asked.
"""
import sys

import chromadb
import numpy as np

SWATCHES = """
P-101 #f5f1e6 Oat milk        matt
P-102 #e9d8a6 Beach grass     matt
P-103 #ee9b00 Marigold        gloss
P-104 #bb3e03 Flowerpot       matt
P-105 #9b2226 Old barn        gloss
P-106 #0a9396 Lagoon          matt
P-107 #005f73 North sea       gloss
P-108 #94d2bd Mint tea        matt
P-109 #1d3557 Ink             matt
P-110 #6c757d Rain gutter     gloss
""".strip().splitlines()


def lab(hex_colours):
    """'#rrggbb' strings -> (n, 3) array of L*a*b* under D65, vectorised."""
    rgb = np.array([[int(h[i : i + 2], 16) for i in (1, 3, 5)] for h in hex_colours]) / 255.0
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1
    ).astype(np.float32)


def build_fan(client):
    """The 'fan' is what painters call the strip of swatches."""
    rows = [line.split(maxsplit=2) for line in SWATCHES]
    fan = client.get_or_create_collection(
        "paint_fan", configuration={"hnsw": {"space": "l2", "ef_search": 64}}
    )
    fan.upsert(
        ids=[code for code, _, _ in rows],
        embeddings=lab([colour for _, colour, _ in rows]),
        documents=[rest.rsplit(maxsplit=1)[0].strip() for *_, rest in rows],
        metadatas=[{"hex": colour, "finish": rest.split()[-1]} for _, colour, rest in rows],
    )
    return fan


def match_palette(fan, palette, candidates=2, finish=None):
    """{asked colour: [(swatch name, hex, delta E), ...]}, nearest first."""
    answer = fan.query(
        query_embeddings=lab(palette),
        n_results=candidates,
        where={"finish": finish} if finish else None,
        include=["documents", "metadatas", "distances"],
    )
    matches = {}
    # Outer lists follow the palette, inner lists the ranking.
    for asked, names, facts, squared in zip(
        palette, answer["documents"], answer["metadatas"], answer["distances"]
    ):
        # "l2" means the squared distance; its root is the familiar delta E.
        matches[asked] = [
            (name, fact["hex"], float(np.sqrt(d))) for name, fact, d in zip(names, facts, squared)
        ]
    return matches


def swatch(hex_colour):
    """A coloured block in a terminal, plain text in a file."""
    if not sys.stdout.isatty():
        return hex_colour
    r, g, b = (int(hex_colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"\x1b[48;2;{r};{g};{b}m   \x1b[0m {hex_colour}"


def main():
    fan = build_fan(chromadb.EphemeralClient())
    assert fan.count() == len(SWATCHES)

    photo = ["#0b9094", "#ba4007", "#f4f0e8"]
    matches = match_palette(fan, photo)
    assert [found[0][0] for found in matches.values()] == ["Lagoon", "Flowerpot", "Oat milk"]
    assert all(found[0][2] < 4.0 for found in matches.values()), "a close match is below delta E 4"
    assert all(found[0][2] <= found[1][2] for found in matches.values())

    # Only gloss is in stock: the same palette, other answers.
    glossy = match_palette(fan, photo, candidates=1, finish="gloss")
    assert glossy["#ba4007"][0][0] == "Old barn"
    assert all(len(found) == 1 for found in glossy.values())

    # A swatch asked for itself comes back at distance zero.
    itself = match_palette(fan, ["#1d3557"], candidates=1)["#1d3557"][0]
    assert itself[0] == "Ink" and itself[2] < 0.01

    # Asking for more than there is gives what there is.
    everything = fan.query(query_embeddings=lab(["#000000"]), n_results=500, include=[])
    assert len(everything["ids"][0]) == fan.count()

    for asked, found in matches.items():
        best, runner_up = found
        print(f"{swatch(asked)} -> {best[0]:<10} dE {best[2]:4.1f}   (then {runner_up[0]}, dE {runner_up[2]:.1f})")


if __name__ == "__main__":
    main()
