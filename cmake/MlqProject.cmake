# How mlq's own targets are built. Nothing here is global or installed: consumers see none of it.
set(MLQ_WERROR OFF CACHE BOOL "Warnings are errors")
set(MLQ_SANITIZE "" CACHE STRING "Sanitizers for -fsanitize=, e.g. address,undefined")
set(MLQ_PCH OFF CACHE BOOL "What many files include is parsed once per target, not once per file")
mark_as_advanced(MLQ_WERROR MLQ_SANITIZE MLQ_PCH)

# Every target of ours, Debug included, is optimised: an unoptimised quantizer is fifty times slower.
# Contraction to FMA is off so that results do not depend on the instruction set.
function(mlq_flags target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_compile_options(${target} PRIVATE -Wall -Wextra -ffp-contract=off)
  if(MLQ_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(MLQ_SANITIZE)
    # Debug information would be most of what the linker reads; lines are enough for a report.
    # The runtime is built without RTTI, so that the check of object types (vptr) cannot work where it meets the rest.
    target_compile_options(${target} PRIVATE -fsanitize=${MLQ_SANITIZE} -fno-sanitize-recover=all -fno-sanitize=vptr
                           -fno-omit-frame-pointer -O1 -g1)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU") # 12 takes parts of std::function for uninitialized in sanitizers' code
      target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
    endif()
    target_link_options(${target} PUBLIC -fsanitize=${MLQ_SANITIZE})
  else()
    target_compile_options(${target} PRIVATE -O2 -g0)
  endif()
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
endfunction()

# mlq_precompile(TARGET header...): these and most of the standard library are parsed once for the target, if it has more
# than a few files. It hides what a file forgets to include, so it is off where a forgotten include shall be an error:
# in the preset dev. With Clang it saves half of the time; GCC 12 gains nothing.
function(mlq_precompile target)
  get_target_property(sources ${target} SOURCES)
  list(LENGTH sources count)
  if(MLQ_PCH AND count GREATER 2)
    target_precompile_headers(${target} PRIVATE <algorithm> <array> <cmath> <cstring> <filesystem> <fstream> <functional>
      <limits> <map> <memory> <numeric> <optional> <random> <set> <span> <sstream> <string> <string_view> <utility>
      <variant> <vector> ${ARGN})
  endif()
endfunction()

# mlq_library(NAME SOURCES a.cpp ... LIBS x ... PRECOMPILE <header> ...): a part of the compiler. Included by its path
# from the root.
function(mlq_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS;PRECOMPILE" ${ARGN})
  if(NOT arg_SOURCES)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${arg_LIBS})
    return()
  endif()
  add_library(${name} STATIC ${arg_SOURCES})
  mlq_flags(${name})
  target_include_directories(${name} PUBLIC "${mlq_SOURCE_DIR}")
  target_link_libraries(${name} PUBLIC ${arg_LIBS})
  mlq_precompile(${name} ${arg_PRECOMPILE})
endfunction()

# mlq_test(NAME SOURCES a_test.cpp ... LIBS x ...): one GoogleTest binary, each of its tests known to CTest.
function(mlq_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LIBS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_executable(${name} ${arg_SOURCES})
  mlq_flags(${name})
  target_include_directories(${name} PRIVATE "${mlq_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_LIBS} mlq_test_support GTest::gmock_main)
  mlq_precompile(${name} <gmock/gmock.h> <gtest/gtest.h>)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT ${arg_TIMEOUT} SKIP_REGULAR_EXPRESSION "\\[  SKIPPED \\]")
endfunction()
