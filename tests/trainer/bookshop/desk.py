"""The shop's desk: a few commands for the people who work there."""

from __future__ import annotations

import argparse
from pathlib import Path

from catalogue import Catalogue
from ingest import ingest
from settings import Settings


def parser() -> argparse.ArgumentParser:
    """The command line of the desk."""
    commands = argparse.ArgumentParser(prog="desk", description="Work with the shop's catalogue.")
    verbs = commands.add_subparsers(dest="verb", required=True)
    add = verbs.add_parser("add", help="add a publisher's list")
    add.add_argument("path", type=Path)
    sold = verbs.add_parser("sold", help="mark a book as sold out")
    sold.add_argument("isbn")
    verbs.add_parser("count", help="how many books there are")
    return commands


def main() -> None:
    """Run one command."""
    arguments = parser().parse_args()
    catalogue = Catalogue(Settings.from_environment())
    if arguments.verb == "add":
        print(f"added {ingest(catalogue, arguments.path)} books")
    elif arguments.verb == "sold":
        catalogue.sold_out(arguments.isbn)
    else:
        print(f"{catalogue.count()} books")


if __name__ == "__main__":
    main()
