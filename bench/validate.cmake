# The side of bench/validate.py that runs mlqc's validation.
if(NOT MLQ_BUILD_COMPILER)
  return()
endif()
mlq_bench(validate_runner SOURCES ${CMAKE_CURRENT_LIST_DIR}/validate/runner.cpp
          LIBS mlqc_frontends mlqc_backends mlqc_validate)
