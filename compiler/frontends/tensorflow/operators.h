// Operators and how each is said in the graph's. Adding one is a row in the file of its family.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "compiler/frontends/nhwc/build.h"
#include "compiler/frontends/tensorflow/program.h"

namespace mlqc::tensorflow {

class TensorProto;

using mlq::TensorId;
using nhwc::Attributes;
using nhwc::Ids;
using nhwc::Ints;
using nhwc::Shape;

// Few bytes of a file must not make much memory: elements that it does not spell out, of all constants
// together.
inline constexpr std::size_t most_spread = 1 << 24;

// What is known of the whole file while it is lowered.
struct Limits {
  std::size_t spread = 0;   // elements that the file does not spell out
  std::size_t lowered = 0;  // steps; those of loops' bodies count each time
  int depth = 0;            // of loops and branches in one another
};

// The network being lowered; of a branch or of a loop's body, the values inside.
struct Net {
  nhwc::Build& b;
  const Program& program;
  std::shared_ptr<const void> owner;  // keeps the parsed file alive, whose bytes constants share
  const std::vector<bool>& dead;      // by step
  Limits& limits;
  Net* outer = nullptr;            // of the steps around, in the same graph or in the one around
  std::map<int, Ids> values = {};  // by step and output
  int at = -1;                     // the step

  Net inside(nhwc::Build& build) { return {build, program, owner, dead, limits, this}; }
  const Step& step() const { return program.steps[static_cast<std::size_t>(at)]; }
  // Whether the step has its values, here or around.
  bool knows(int step) const { return values.contains(step) || (outer && outer->knows(step)); }
  std::size_t inputs() const { return step().inputs.size(); }
  TensorId value(Wire wire) const;
  TensorId maybe(Wire wire) const;  // no_tensor where there is no value
  void set(int step, const Ids& ids) { values[step] = ids; }
  TensorId in(std::size_t i = 0) const;
  Ids ins(std::size_t first = 0) const;
  void out(TensorId id, std::size_t i = 0);
  void outs(const Ids& ids);

  // Attributes of the node.
  std::int64_t integer(const char* key, std::int64_t otherwise) const;
  float real(const char* key, float otherwise) const;
  bool flag(const char* key, bool otherwise = false) const;
  std::string text(const char* key, const char* otherwise) const;
  Ints integers(const char* key) const;
  // TensorFlow's number of a type; 0 where there is none.
  int type(const char* key) const;
  const TensorProto& tensor(const char* key) const;
  // One number that is known when the model is compiled.
  std::int64_t one(TensorId id, const char* what) const;
  float one_float(TensorId id, const char* what) const;
};

// Throws Error on types that mlq does not know.
mlq::DataType data_type(const Net& net, int type);
// Data that lie in a file: of TensorFlow's type, `shape` filled by `bytes`.
TensorId constant(Net& net, const std::string& name, int type, const Shape& shape, mlq::Data data);
TensorId constant(Net& net, const std::string& name, const TensorProto& tensor);
bool is_string(int type);

struct Row {
  const char* name;
  void (*lower)(Net& net, const char* op);
  const char* op = "";  // for lowerings that several share
};

std::span<const Row> arithmetic_rows();
std::span<const Row> array_rows();
std::span<const Row> audio_rows();
std::span<const Row> crop_rows();
std::span<const Row> dense_rows();
std::span<const Row> list_rows();
std::span<const Row> slice_rows();
std::span<const Row> spatial_rows();

// Null where mlq cannot run the operator.
const Row* find_row(std::string_view op);
// The step as a node that the user's code computes: constants of floats are its weights. Throws Error MLQ314
// when nothing brings the code.
void lower_custom(Net& net, const CustomEntry& entry);
// The steps that the outputs need, each after those that it reads. Throws Error MLQ311 naming all operators
// that cannot be run, each kind once.
std::vector<int> needed_steps(const Net& net, const std::vector<Wire>& outputs);
void lower_steps(Net& net, const std::vector<int>& steps);
// The step's branches or body.
void lower_control(Net& net);

}  // namespace mlqc::tensorflow
