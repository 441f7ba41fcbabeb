// Comes before a kernel file that is compiled for a level with AVX-512 on a machine without: SIMDe's functions
// of AVX2 under Intel's names, then the macros by which the kernels ask what the level has.
#pragma once

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>

// SIMDe 0.7.4 gives this one its masked form's arguments.
#undef _mm512_madd_epi16
#define _mm512_madd_epi16(a, b) simde_mm512_madd_epi16(a, b)

#define __AVX512F__ 1
#define __AVX512BW__ 1
#define __AVX512CD__ 1
#define __AVX512DQ__ 1
#define __AVX512VL__ 1
#ifdef EMULATE_AVX512ICL
#define __AVX512VNNI__ 1
#define __AVX512VBMI__ 1
#define __AVX512VBMI2__ 1
#define __AVX512BITALG__ 1
#define __AVX512VPOPCNTDQ__ 1
#endif
