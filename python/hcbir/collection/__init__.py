"""The durable index of a set of images."""
