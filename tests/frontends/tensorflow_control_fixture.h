// Graphs with control flow, of TensorFlow 1 and 2, made for tests.
#pragma once

#include "tests/frontends/tensorflow_fixture.h"

namespace mlqc::test {

// A loop as TensorFlow 1 writes it; its results are NAME/Exit_0 and so on. What the functions get are the
// values of the round, then what is only read.
void old_loop(GraphMaker& g, const std::string& name, const Names& start, const Names& read,
              const std::function<std::string(const Names&)>& condition,
              const std::function<Names(const Names&)>& body);
// Rows in, running sums out.
void running_sums(GraphMaker& g, const std::string& index);
// Merge(no, yes) of what follows from x on both sides.
void old_choice(GraphMaker& g, const std::string& name, const std::string& x, const std::string& condition,
                const std::function<std::string(const std::string&)>& no,
                const std::function<std::string(const std::string&)>& yes);
void sign_of_sum(GraphMaker& g);
// y = x <= 0 ? -x : x * weights, all in functions.
tensorflow::GraphDef functional_choice(const char* op);
// h = tanh(row * w + h * u), the rows from one list and the states into another: as Keras writes a recurrent
// layer.
tensorflow::GraphDef recurrent(const std::vector<float>& w, const std::vector<float>& u);

}  // namespace mlqc::test
