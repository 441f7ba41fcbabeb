#define HCBIR_LEVEL baseline
#include "kernels/level.inl"
