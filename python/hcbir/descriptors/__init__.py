"""Images to vectors and local features."""
