// Validates a network against itself on demand, so that a peer in another process can run in between.
//   validate_runner MODEL.mlmodel INPUT.npy
// Every sample is the same file, read and checked anew each time. Lines on stdin: "many N" measures N / 2
// samples, which is N predictions, on all processors, and answers with the milliseconds of all.
#include <chrono>
#include <cstdio>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include "compiler/backends/backend.h"
#include "compiler/frontends/frontend.h"
#include "compiler/support/error.h"
#include "compiler/validate/measure.h"

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& sentence) {
  std::cerr << "validate_runner: " << sentence << '\n';
  std::exit(1);
}

mlq::Model load(const mlq::Data& artifact, int threads) {
  auto model = mlq::Model::from_bytes(artifact, {.threads = threads, .expected_interface = {}});
  if (!model) fail(model.error());
  return *std::move(model);
}

// Models are loaded once for each number of threads: loading is not what is measured.
class Loaded {
 public:
  explicit Loaded(mlq::Data artifact) : artifact_(std::move(artifact)) {}
  mlq::Model get(int threads) {
    const auto found = models_.find(threads);
    return found != models_.end() ? found->second
                                  : models_.emplace(threads, load(artifact_, threads)).first->second;
  }

 private:
  mlq::Data artifact_;
  std::map<int, mlq::Model> models_;
};

double milliseconds_of(std::size_t samples, Loaded& models, const std::string& input) {
  mlqc::Samples same;
  for (std::size_t i = 0; i < samples; ++i) same.items.push_back({std::to_string(i), {input}});
  const auto maker = [&](int threads) { return models.get(threads); };
  const auto start = Clock::now();
  const mlqc::Measured measured = mlqc::measure(maker, maker, same, {});
  const double taken = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  if (measured.count != samples) fail(measured.failed.at(0).why);
  return taken;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) fail("usage: validate_runner MODEL INPUT.npy");
  const mlqc::Source source = mlqc::read_source(argv[1]);
  const auto bytes = mlqc::find_backend("mlq")->write(source, mlqc::import_graph(source));
  Loaded models(mlq::copy_data(std::span(bytes)));
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string verb;
    std::size_t count = 0;
    words >> verb >> count;
    if (verb == "many") std::cout << milliseconds_of(count / 2, models, argv[2]);
    std::cout << std::endl;
  }
} catch (const mlqc::Error& error) {
  fail(error.what());
}
