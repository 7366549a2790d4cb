"""Reads shared/catalog.toml: the packages on sale."""

from pathlib import Path

from shared.domain.catalog import Catalog, parse_catalog

CATALOG_FILE = Path(__file__).parents[1] / "catalog.toml"


def load_catalog(name: str = "default", file: Path = CATALOG_FILE) -> Catalog:
    """Return one catalog of the file.

    Raises:
        CatalogError: the file has no such catalog, or the catalog contradicts itself.
    """
    return parse_catalog(file.read_text(encoding="utf-8"), name)
