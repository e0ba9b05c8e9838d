// Runs a network on demand, so that a peer in another process can run in between.
//   inference_runner MODEL.mlmodel THREADS WORKERS INPUT
// THREADS are those of one prediction; WORKERS predict at once. INPUT holds the first input's raw floats.
// Lines on stdin: "run N" answers with N times in milliseconds, "many N" shares N predictions among the
// workers and answers with the time of all, "output FILE" writes the first output's raw floats.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "compiler/backends/backend.h"
#include "compiler/frontends/frontend.h"
#include "compiler/support/error.h"
#include "mlq/model.h"

namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

[[noreturn]] void fail(const std::string& sentence) {
  std::cerr << "inference_runner: " << sentence << '\n';
  std::exit(1);
}

// The bytes that would ship: what the artifact's writer does to the graph is part of what is measured.
mlq::Model load(const std::string& path, int threads) {
  const mlqc::Source source = mlqc::read_source(path);
  const mlq::Graph graph = mlqc::import_graph(source);
  const auto bytes = mlqc::find_backend("mlq")->write(source, graph);
  mlq::LoadOptions options;
  options.threads = threads;
  auto model = mlq::Model::from_bytes(mlq::copy_data(std::span(bytes)), options);
  if (!model) fail(model.error());
  return *std::move(model);
}

std::vector<float> read_floats(const std::string& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  std::vector<float> values(in ? std::size_t(in.tellg()) / sizeof(float) : 0);
  in.seekg(0).read(reinterpret_cast<char*>(values.data()), std::streamsize(values.size() * sizeof(float)));
  return values;
}

struct Runner {
  mlq::Model model;
  std::vector<float> input;

  std::vector<mlq::Array> predict() const {
    const mlq::Feature& feature = model.graph().inputs[0];
    const mlq::View view{mlq::DataType::float32, feature.shape, input.data()};
    auto outputs = model.predict(std::span(&view, 1));
    if (!outputs) fail(outputs.error());
    return *std::move(outputs);
  }

  double run() const {
    const auto start = Clock::now();
    predict();
    return milliseconds_since(start);
  }

  double many(int count, int workers) const {
    const auto start = Clock::now();
    std::vector<std::jthread> threads;
    for (int w = 0; w < workers; ++w)
      threads.emplace_back([&, w] {
        for (int i = w; i < count; i += workers) predict();
      });
    threads.clear();
    return milliseconds_since(start);
  }
};

void answer(const Runner& runner, const std::string& line, int workers) {
  std::istringstream words(line);
  std::string verb, argument;
  words >> verb >> argument;
  if (verb == "run") {
    for (int i = std::stoi(argument); i > 0; --i) std::cout << runner.run() << ' ';
  } else if (verb == "many") {
    std::cout << runner.many(std::stoi(argument), workers);
  } else if (verb == "output") {
    const auto output = runner.predict()[0];
    std::ofstream(argument, std::ios::binary)
        .write(reinterpret_cast<const char*>(output.bytes.data()), std::streamsize(output.bytes.size()));
  }
  std::cout << std::endl;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 5) fail("usage: inference_runner MODEL THREADS WORKERS INPUT");
  const Runner runner{load(argv[1], std::stoi(argv[2])), read_floats(argv[4])};
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) answer(runner, line, std::stoi(argv[3]));
} catch (const mlqc::Error& error) {
  fail(error.what());
}
