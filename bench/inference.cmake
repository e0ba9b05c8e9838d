# The side of bench/inference.py that runs mlq.
if(NOT MLQ_BUILD_COMPILER)
  return()
endif()
mlq_bench(inference_runner SOURCES ${CMAKE_CURRENT_LIST_DIR}/inference/runner.cpp
          LIBS mlq_runtime mlqc_frontends mlqc_backends mlqc_support)
