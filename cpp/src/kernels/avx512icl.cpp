#define HCBIR_LEVEL avx512icl
#include "kernels/level.inl"
