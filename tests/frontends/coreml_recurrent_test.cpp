// Recurrent layers against the format's equations, written out in double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "compiler/backends/backend.h"
#include "compiler/quantize/quantize.h"
#include "compiler/support/error.h"
#include "tests/frontends/coreml_fixture.h"

namespace mlqc {
namespace {

using namespace coreml;
using Numbers = std::vector<double>;
using Floats = std::vector<float>;

constexpr int steps = 4, inputs = 3, outputs = 2;

class Random {
 public:
  Floats floats(std::size_t count, float reach = 1) {
    std::uniform_real_distribution<float> number(-reach, reach);
    Floats values(count);
    for (float& value : values) value = number(engine_);
    return values;
  }

 private:
  std::mt19937 engine_{7};
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double clip(double x) { return std::clamp(x, -50.0, 50.0); }

// W x + R y + b of one unit.
double sum(const Floats& w, const Floats& r, const Floats& b, const float* x, const Numbers& y, int unit) {
  double total = b.empty() ? 0 : b[static_cast<std::size_t>(unit)];
  for (int i = 0; i < inputs; ++i) total += double{w[static_cast<std::size_t>(unit * inputs + i)]} * x[i];
  for (int i = 0; i < outputs; ++i)
    total += double{r[static_cast<std::size_t>(unit * outputs + i)]} * y[static_cast<std::size_t>(i)];
  return total;
}

struct Gate {
  Floats w, r, b, p;
  explicit Gate(Random& random)
      : w(random.floats(outputs * inputs)),
        r(random.floats(outputs * outputs)),
        b(random.floats(outputs)),
        p(random.floats(outputs)) {}
};

// [steps, channels, 1, 1] in, [steps or 1, channels, 1, 1] out.
Model recurrent_model(std::initializer_list<const char*> names) {
  Model model;
  test::add_array(*model.mutable_description()->mutable_input(), "x", {steps, 1, inputs, 1, 1});
  model.mutable_neural_network()->set_array_input_shape_mapping(NeuralNetwork::EXACT_ARRAY_MAPPING);
  for (const char* name : names) test::add_array(*model.mutable_description()->mutable_output(), name, {});
  return model;
}

NeuralNetworkLayer& layer_of(Model& model, std::initializer_list<const char*> names) {
  NeuralNetworkLayer& layer = test::add_layer(*model.mutable_neural_network(), "r", "x", "");
  for (const char* name : names) layer.add_output(name);
  return layer;
}

void expect_near(const Floats& actual, const Numbers& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-5) << i;
}

TEST(Recurrent, SimpleIsTheFormatsEquation) {
  Random random;
  const Gate g(random);
  const Floats x = random.floats(steps * inputs);
  for (const bool reverse : {false, true}) {
    Model model = recurrent_model({"y"});
    SimpleRecurrent& p = *layer_of(model, {"y"}).mutable_simple_recurrent();
    p.set_input_vector_size(inputs);
    p.set_output_vector_size(outputs);
    p.mutable_activation()->mutable_scaled_tanh()->set_alpha(1.5f);
    p.mutable_activation()->mutable_scaled_tanh()->set_beta(0.5f);
    p.set_sequence_output(true);
    p.set_reverse_input(reverse);
    p.set_with_bias_vector(true);
    test::set_floats(*p.mutable_weight_matrix(), g.w);
    test::set_floats(*p.mutable_recursion_matrix(), g.r);
    test::set_floats(*p.mutable_bias_vector(), g.b);
    Numbers y(outputs, 0), all;
    for (int t = 0; t < steps; ++t) {
      Numbers next;
      for (int u = 0; u < outputs; ++u)
        next.push_back(
            1.5 *
            std::tanh(0.5 *
                      clip(sum(g.w, g.r, g.b,
                               &x[static_cast<std::size_t>((reverse ? steps - 1 - t : t) * inputs)], y, u))));
      y = next;
      all.insert(all.end(), y.begin(), y.end());
    }
    expect_near(test::run(test::source_of(model), {x})[0], all);
  }
}

TEST(Recurrent, GruResetsBeforeItMultiplies) {
  Random random;
  const Gate z(random), r(random), o(random);
  const Floats x = random.floats(steps * inputs);
  Model model = recurrent_model({"y"});
  Gru& p = *layer_of(model, {"y"}).mutable_gru();
  p.set_input_vector_size(inputs);
  p.set_output_vector_size(outputs);
  p.add_activations()->mutable_sigmoid();
  p.add_activations()->mutable_tanh();
  p.set_with_bias_vectors(true);
  test::set_floats(*p.mutable_update_gate_weight_matrix(), z.w);
  test::set_floats(*p.mutable_reset_gate_weight_matrix(), r.w);
  test::set_floats(*p.mutable_output_gate_weight_matrix(), o.w);
  test::set_floats(*p.mutable_update_gate_recursion_matrix(), z.r);
  test::set_floats(*p.mutable_reset_gate_recursion_matrix(), r.r);
  test::set_floats(*p.mutable_output_gate_recursion_matrix(), o.r);
  test::set_floats(*p.mutable_update_gate_bias_vector(), z.b);
  test::set_floats(*p.mutable_reset_gate_bias_vector(), r.b);
  test::set_floats(*p.mutable_output_gate_bias_vector(), o.b);
  Numbers y(outputs, 0);
  for (int t = 0; t < steps; ++t) {
    const float* now = &x[static_cast<std::size_t>(t * inputs)];
    Numbers reset = y, next = y;
    for (std::size_t u = 0; u < outputs; ++u)
      reset[u] *= sigmoid(clip(sum(r.w, r.r, r.b, now, y, static_cast<int>(u))));
    for (std::size_t u = 0; u < outputs; ++u) {
      const double update = sigmoid(clip(sum(z.w, z.r, z.b, now, y, static_cast<int>(u))));
      next[u] =
          (1 - update) * std::tanh(clip(sum(o.w, o.r, o.b, now, reset, static_cast<int>(u)))) + update * y[u];
    }
    y = next;
  }
  expect_near(test::run(test::source_of(model), {x})[0], y);
}

struct LstmGates {
  Gate i, f, z, o;
  explicit LstmGates(Random& random) : i(random), f(random), z(random), o(random) {}
};

void set_weights(coreml::LstmWeights& p, const LstmGates& g) {
  test::set_floats(*p.mutable_input_gate_weight_matrix(), g.i.w);
  test::set_floats(*p.mutable_forget_gate_weight_matrix(), g.f.w);
  test::set_floats(*p.mutable_block_input_weight_matrix(), g.z.w);
  test::set_floats(*p.mutable_output_gate_weight_matrix(), g.o.w);
  test::set_floats(*p.mutable_input_gate_recursion_matrix(), g.i.r);
  test::set_floats(*p.mutable_forget_gate_recursion_matrix(), g.f.r);
  test::set_floats(*p.mutable_block_input_recursion_matrix(), g.z.r);
  test::set_floats(*p.mutable_output_gate_recursion_matrix(), g.o.r);
  test::set_floats(*p.mutable_input_gate_bias_vector(), g.i.b);
  test::set_floats(*p.mutable_forget_gate_bias_vector(), g.f.b);
  test::set_floats(*p.mutable_block_input_bias_vector(), g.z.b);
  test::set_floats(*p.mutable_output_gate_bias_vector(), g.o.b);
  test::set_floats(*p.mutable_input_gate_peephole_vector(), g.i.p);
  test::set_floats(*p.mutable_forget_gate_peephole_vector(), g.f.p);
  test::set_floats(*p.mutable_output_gate_peephole_vector(), g.o.p);
}

struct Trace {
  std::vector<Numbers> y;  // by step
  Numbers c;
};

Trace naive_lstm(const LstmGates& g, const LstmOptions& options, const Floats& x, bool reverse) {
  Trace trace;
  Numbers y(outputs, 0), c(outputs, 0);
  const Floats none;
  const auto bias = [&](const Gate& gate) -> const Floats& {
    return options.with_bias_vectors() ? gate.b : none;
  };
  const double limit = options.cell_clip_threshold() == 0 ? 50 : double{options.cell_clip_threshold()};
  for (int t = 0; t < steps; ++t) {
    const float* now = &x[static_cast<std::size_t>((reverse ? steps - 1 - t : t) * inputs)];
    Numbers next = y;
    for (std::size_t u = 0; u < outputs; ++u) {
      const int k = static_cast<int>(u);
      const auto peep = [&](const Gate& gate) {
        return options.with_peephole_vectors() ? gate.p[u] * c[u] : 0.0;
      };
      const double i = sigmoid(clip(sum(g.i.w, g.i.r, bias(g.i), now, y, k) + peep(g.i)));
      double f = sigmoid(clip(sum(g.f.w, g.f.r, bias(g.f), now, y, k) + peep(g.f) + options.forget_bias()));
      if (options.coupled_input_and_forget_gate()) f = 1 - i;
      c[u] =
          std::clamp(f * c[u] + i * std::tanh(clip(sum(g.z.w, g.z.r, bias(g.z), now, y, k))), -limit, limit);
      const double o = sigmoid(clip(sum(g.o.w, g.o.r, bias(g.o), now, y, k) + peep(g.o)));
      next[u] = o * std::tanh(c[u]);
    }
    y = next;
    trace.y.push_back(y);
  }
  trace.c = c;
  return trace;
}

void add_functions(google::protobuf::RepeatedPtrField<Activation>& functions) {
  functions.Add()->mutable_sigmoid();
  functions.Add()->mutable_tanh();
  functions.Add()->mutable_tanh();
}

Model lstm_model(const LstmGates& g, const LstmOptions& options) {
  Model model = recurrent_model({"y", "h", "c"});
  UniDirectionalLstm& p = *layer_of(model, {"y", "h", "c"}).mutable_uni_directional_lstm();
  p.set_input_vector_size(inputs);
  p.set_output_vector_size(outputs);
  add_functions(*p.mutable_activations());
  *p.mutable_params() = options;
  set_weights(*p.mutable_weight_params(), g);
  return model;
}

TEST(Recurrent, LstmInAllItsOptions) {
  Random random;
  const LstmGates g(random);
  const Floats x = random.floats(steps * inputs, 2);
  for (int bits = 0; bits < 32; ++bits) {
    LstmOptions options;
    options.set_sequence_output(bits & 1);
    options.set_with_bias_vectors(bits & 2);
    options.set_forget_bias(bits & 4);
    options.set_with_peephole_vectors(bits & 8);
    options.set_coupled_input_and_forget_gate(bits & 16);
    options.set_cell_clip_threshold(bits % 3 == 0 ? 0.2f : 0);
    const Trace expected = naive_lstm(g, options, x, false);
    Numbers sequence;
    for (const Numbers& y : expected.y) sequence.insert(sequence.end(), y.begin(), y.end());
    const auto actual = test::run(test::source_of(lstm_model(g, options)), {x});
    expect_near(actual[0], options.sequence_output() ? sequence : expected.y.back());
    expect_near(actual[1], expected.y.back());
    expect_near(actual[2], expected.c);
  }
}

TEST(Recurrent, BothDirectionsLieSideBySide) {
  Random random;
  const LstmGates forward(random), backward(random);
  const Floats x = random.floats(steps * inputs);
  for (const bool sequence : {false, true}) {
    Model model = recurrent_model({"y"});
    BiDirectionalLstm& p = *layer_of(model, {"y"}).mutable_bi_directional_lstm();
    p.set_input_vector_size(inputs);
    p.set_output_vector_size(outputs);
    add_functions(*p.mutable_activations_forward_lstm());
    add_functions(*p.mutable_activations_backward_lstm());
    p.mutable_params()->set_sequence_output(sequence);
    set_weights(*p.add_weight_params(), forward);
    set_weights(*p.add_weight_params(), backward);
    const Trace f = naive_lstm(forward, p.params(), x, false), r = naive_lstm(backward, p.params(), x, true);
    Numbers expected;
    for (int t = sequence ? 0 : steps - 1; t < steps; ++t) {
      const Numbers& one = f.y[static_cast<std::size_t>(t)];
      const Numbers& other = r.y[static_cast<std::size_t>(sequence ? steps - 1 - t : steps - 1)];
      expected.insert(expected.end(), one.begin(), one.end());
      expected.insert(expected.end(), other.begin(), other.end());
    }
    expect_near(test::run(test::source_of(model), {x})[0], expected);
  }
}

// Every prefix and many a flipped byte: an error of ours or a graph, never a crash.
TEST(Recurrent, DamagedLayersAreRefusedOrHarmless) {
  Random random;
  LstmOptions options;
  options.set_with_bias_vectors(true);
  const std::string bytes = lstm_model(LstmGates(random), options).SerializeAsString();
  const auto survive = [](const std::string& damaged) {
    try {
      import_graph(test::source_of(damaged));
    } catch (const Error& error) {
      EXPECT_EQ(error.exit(), Exit::model);
    }
  };
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    survive(bytes.substr(0, i));
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
    survive(flipped);
  }
}

// Every matrix of every gate is a weight of its own, and comes back from the written file as it was
// quantized.
TEST(Recurrent, MatricesAreQuantizedAndWrittenBack) {
  Random random;
  LstmOptions options;
  options.set_with_bias_vectors(true);
  const Source source = test::source_of(lstm_model(LstmGates(random), options));
  const mlq::Graph graph = import_graph(source);
  QuantizationPlan plan;
  for (std::size_t i = 0; i < graph.tensors.size(); ++i)
    if (graph.tensors[i].name.ends_with("Matrix")) {
      TensorPlan entry;
      entry.tensor = static_cast<mlq::TensorId>(i);
      entry.settings.algorithm = "linear";
      entry.settings.bits = 4;
      entry.settings.granularity = "per_channel";
      entry.axis = 0;
      plan.push_back(entry);
    }
  ASSERT_EQ(plan.size(), 8u);
  const mlq::Graph quantized = quantize(graph, plan);
  const auto bytes = find_backend("coreml")->write(source, quantized);
  const mlq::Graph back =
      import_graph(test::source_of(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())));
  ASSERT_EQ(back.tensors.size(), quantized.tensors.size());
  for (const TensorPlan& entry : plan) {
    const mlq::Tensor& a = quantized.tensors[static_cast<std::size_t>(entry.tensor)];
    const mlq::Tensor& b = back.tensors[static_cast<std::size_t>(entry.tensor)];
    ASSERT_TRUE(b.quantization) << b.name;
    EXPECT_EQ(a.quantization->scale, b.quantization->scale);
    EXPECT_EQ(a.quantization->offset, b.quantization->offset);
    EXPECT_TRUE(
        std::equal(a.data->bytes.begin(), a.data->bytes.end(), b.data->bytes.begin(), b.data->bytes.end()));
  }
}

}  // namespace
}  // namespace mlqc
