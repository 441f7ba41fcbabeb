"""Content-based image retrieval for heterogeneous collections."""
