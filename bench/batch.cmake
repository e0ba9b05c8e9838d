# The program that bench/batch.py runs.
if(NOT MLQ_BUILD_COMPILER)
  return()
endif()
mlq_bench(batch_runner SOURCES ${CMAKE_CURRENT_LIST_DIR}/batch/runner.cpp LIBS mlqc_frontends mlqc_graph)
