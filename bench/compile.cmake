# The program that bench/compile.py runs.
mlq_bench(compile_open SOURCES ${CMAKE_CURRENT_LIST_DIR}/compile/open.cpp LIBS mlq::runtime)
