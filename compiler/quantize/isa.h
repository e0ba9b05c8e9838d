// Loops that the compiler turns into vectors, once per instruction set, chosen when the program starts. They
// contain no contraction and no reassociation, so every version gives the same bits.
#pragma once

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && \
    !defined(__SANITIZE_ADDRESS__)
#define MLQ_EACH_ISA __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
// Sanitizers are not ready when the resolvers of such functions run.
#define MLQ_EACH_ISA
#endif
