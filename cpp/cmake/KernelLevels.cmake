# The only place with machine flags. One source, kernels/level.inl, is compiled
# once for each instruction level of the target; isa.cpp chooses at run time.
function(hcbir_add_kernel_levels target)
  set(levels baseline)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    list(APPEND levels avx2 avx512 avx512icl)
    set(flags_avx2 -march=x86-64-v3)
    set(flags_avx512 -march=x86-64-v4)
    # What Ice Lake and Zen 4 brought: int8 dot products, byte tables, popcount.
    set(flags_avx512icl ${flags_avx512}
      -mavx512vnni -mavx512vbmi -mavx512vbmi2 -mavx512bitalg -mavx512vpopcntdq)
    target_compile_definitions(${target} PRIVATE HCBIR_X86_LEVELS)
  endif()
  foreach(level IN LISTS levels)
    set(source cpp/src/kernels/${level}.cpp)
    target_sources(${target} PRIVATE ${source})
    set_source_files_properties(${source} PROPERTIES
      COMPILE_OPTIONS "-O3;-fno-exceptions;-fno-rtti;-fno-math-errno;${flags_${level}}")
  endforeach()
endfunction()
