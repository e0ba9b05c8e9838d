mlq_bench(quantize_throughput SOURCES "${CMAKE_CURRENT_LIST_DIR}/quantize/throughput.cpp" LIBS mlqc_quantize)
mlq_bench(quantize_kmeans SOURCES "${CMAKE_CURRENT_LIST_DIR}/quantize/kmeans.cpp" LIBS mlqc_quantize)
