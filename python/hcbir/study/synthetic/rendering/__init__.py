"""A software renderer: planar polygons with textures, a pinhole camera, a sun with shadows, a sky, water.

Its pixels are the same bits on every machine. Only operations that IEEE 754 defines are used on arrays (+ - * /, square
roots, comparisons), integers, and integer routines of OpenCV; none whose result depends on the instruction set: no
BLAS, no sine or power of an array, nothing of OpenCV in floating point.
"""
