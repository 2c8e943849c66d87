"""Find ferry harbours inside a map view with latitude and longitude ranges, date line included.

A map sends the corners of what it shows.  Four ranges under one $and make the box; when the view
crosses the 180th meridian the longitudes become two ranges under an $or.  The box is cheap and a
little too generous near the corners, so a radius search checks the true distance afterwards.
"""
from math import asin, cos, radians, sin, sqrt
from typing import NamedTuple

import chromadb

EARTH_KM = 6371.0


class Box(NamedTuple):
    south: float
    west: float
    north: float
    east: float

    @property
    def crosses_date_line(self):
        return self.west > self.east

    def as_where(self):
        latitude = [{"lat": {"$gte": self.south}}, {"lat": {"$lte": self.north}}]
        if self.crosses_date_line:
            longitude = [{"$or": [{"lon": {"$gte": self.west}}, {"lon": {"$lte": self.east}}]}]
        elif self.east - self.west >= 360:
            longitude = []  # zoomed out to the whole world
        else:
            longitude = [{"lon": {"$gte": self.west}}, {"lon": {"$lte": self.east}}]
        return {"$and": latitude + longitude}

    @classmethod
    def around(cls, lat, lon, km):
        """The smallest box that holds a circle; near the poles it takes all longitudes."""
        dlat = km / 111.2
        if abs(lat) + dlat >= 89.9:
            return cls(max(-90, lat - dlat), -180, min(90, lat + dlat), 180)
        dlon = dlat / cos(radians(lat))
        wrap = lambda degrees: (degrees + 180) % 360 - 180  # noqa: E731
        return cls(lat - dlat, wrap(lon - dlon), lat + dlat, wrap(lon + dlon))


def sphere(lat, lon):
    """A point on the unit sphere; the l2 distance there grows with the distance on the ground."""
    phi, lam = radians(lat), radians(lon)
    return [cos(phi) * cos(lam), cos(phi) * sin(lam), sin(phi)]


def kilometres(squared_chord):
    """Great-circle distance from what chromadb calls the l2 distance (the squared chord)."""
    return 2 * EARTH_KM * asin(min(1.0, sqrt(max(0.0, squared_chord)) / 2))


HARBOURS = {
    "suva": ("Suva", -18.13, 178.42, True),
    "levuka": ("Levuka", -17.68, 178.84, False),
    "apia": ("Apia", -13.83, -171.76, True),
    "nukualofa": ("Nuku'alofa", -21.14, -175.20, True),
    "auckland": ("Auckland", -36.84, 174.77, True),
    "waiheke": ("Waiheke", -36.78, 174.99, False),
    "oban": ("Oban", 56.41, -5.47, True),
    "tobermory": ("Tobermory", 56.62, -6.07, False),
    "longyear": ("Longyearbyen", 78.23, 15.63, True),
}


def chart(client):
    harbours = client.create_collection(
        "ferry_harbours", configuration={"hnsw": {"space": "l2"}}, embedding_function=None
    )
    harbours.add(
        ids=list(HARBOURS),
        documents=[name for name, *_ in HARBOURS.values()],
        embeddings=[sphere(lat, lon) for _, lat, lon, _ in HARBOURS.values()],
        metadatas=[{"lat": lat, "lon": lon, "cars": cars} for _, lat, lon, cars in HARBOURS.values()],
    )
    return harbours


def in_view(harbours, box, only_car_ferries=False):
    where = box.as_where()
    if only_car_ferries:
        where["$and"].append({"cars": True})
    return set(harbours.get(where=where, include=[])["ids"])


def within(harbours, lat, lon, km, n=20):
    """[(name, km)] inside the circle, nearest first: the box filters, the vector orders."""
    answer = harbours.query(
        query_embeddings=[sphere(lat, lon)],
        n_results=n,
        where=Box.around(lat, lon, km).as_where(),
        include=["documents", "distances"],
    )
    measured = zip(answer["documents"][0], map(kilometres, answer["distances"][0]))
    return [(name, round(distance)) for name, distance in measured if distance <= km]


def main():
    harbours = chart(chromadb.EphemeralClient())

    scotland = Box(south=55.0, west=-8.0, north=58.0, east=-4.0)
    assert in_view(harbours, scotland) == {"oban", "tobermory"}
    assert in_view(harbours, scotland, only_car_ferries=True) == {"oban"}

    # From Fiji to Samoa the view runs from 177 east over the date line to 170 west.
    pacific = Box(south=-25.0, west=177.0, north=-10.0, east=-170.0)
    assert pacific.crosses_date_line
    assert in_view(harbours, pacific) == {"suva", "levuka", "apia", "nukualofa"}
    naive = {"$and": [{"lon": {"$gte": 177.0}}, {"lon": {"$lte": -170.0}}]}
    assert harbours.get(where=naive, include=[])["ids"] == [], "one range cannot cross the line"

    world = Box(-90, -180, 90, 180)
    assert len(in_view(harbours, world)) == len(HARBOURS)
    assert in_view(harbours, Box.around(78.0, 15.0, 1500)) == {"longyear"}

    suva = HARBOURS["suva"][1:3]
    near_suva = within(harbours, *suva, km=900)
    assert [name for name, _ in near_suva] == ["Suva", "Levuka", "Nuku'alofa"]
    assert near_suva[0][1] == 0 and 60 < near_suva[1][1] < 75 and 700 < near_suva[2][1] < 800

    # The corner of a box lies farther out than its side: in the box, not in the circle.
    spot, radius = (-16.13, -179.58), 250
    assert in_view(harbours, Box.around(*spot, radius)) == {"suva", "levuka"}
    assert [name for name, _ in within(harbours, *spot, radius)] == ["Levuka"]

    # A clicked spot that is open sea: give the nearest harbours wherever they are.
    nearest = harbours.query(query_embeddings=sphere(-30, 179), n_results=2, where={"cars": True})
    assert nearest["ids"][0][0] == "auckland"
    for name, km in near_suva:
        print(f"{name:<12}{km:>5} km from Suva")


if __name__ == "__main__":
    main()
