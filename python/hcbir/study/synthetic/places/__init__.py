"""Places: landmarks and what surrounds them, as polygons."""
