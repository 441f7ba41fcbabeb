"""A durable, searchable set of images: records in SQLite, vectors and local features in `.npy` segments."""

from hcbir.collection.collection import Collection, search_images
from hcbir.collection.indexing import AddReport
from hcbir.collection.records import CollectionError

__all__ = ["AddReport", "Collection", "CollectionError", "search_images"]
