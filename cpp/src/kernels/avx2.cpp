#define HCBIR_LEVEL avx2
#include "kernels/level.inl"
