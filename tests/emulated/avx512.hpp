// Comes before a kernel file that is compiled for a level with AVX-512 on a machine without: SIMDe's
// functions of AVX2 under Intel's names, then the macros by which the kernels ask what the level has.
#pragma once

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>

// SIMDe 0.7.4 gives this one its masked form's arguments.
#undef _mm512_madd_epi16
#define _mm512_madd_epi16(a, b) simde_mm512_madd_epi16(a, b)

// And these it lacks.
inline simde__m512i simde_mm512_maskz_cvtepu8_epi16(simde__mmask32 k, simde__m256i bytes) {
    alignas(64) unsigned char from[32];
    alignas(64) unsigned short to[32];
    simde_mm256_storeu_si256(reinterpret_cast<simde__m256i*>(from), bytes);
    for (int l = 0; l < 32; ++l) to[l] = k >> l & 1 ? from[l] : 0;
    return simde_mm512_loadu_si512(to);
}
inline simde__m128i narrowed(simde__mmask16 k, simde__m512i integers, unsigned most) {
    alignas(64) unsigned from[16];
    alignas(64) unsigned char to[16];
    simde_mm512_storeu_si512(from, integers);
    for (int l = 0; l < 16; ++l) to[l] = k >> l & 1 ? (from[l] > most ? most : from[l]) : 0;
    return simde_mm_loadu_si128(reinterpret_cast<simde__m128i*>(to));
}
inline simde__m512d simde_mm512_maskz_cvtps_pd(simde__mmask8 k, simde__m256 floats) {
    alignas(64) float from[8];
    alignas(64) double to[8];
    simde_mm256_storeu_ps(from, floats);
    for (int l = 0; l < 8; ++l) to[l] = k >> l & 1 ? from[l] : 0;
    return simde_mm512_loadu_pd(to);
}
#define _mm512_maskz_cvtps_pd simde_mm512_maskz_cvtps_pd
#define _mm512_maskz_cvtepu8_epi16 simde_mm512_maskz_cvtepu8_epi16
#define _mm512_maskz_cvtusepi32_epi8(k, integers) narrowed(k, integers, 255)
#define _mm512_maskz_cvtepi32_epi8(k, integers) narrowed(k, integers, 0xffffffff)

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
