#include "compiler/driver/run.h"

int main(int argc, char** argv) { return mlqc::run(argc, argv); }
