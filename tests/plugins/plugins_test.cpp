// What a layer of the user's does wrong is said as what it is: inside by the guard, from outside by the
// supervisor.
#include "compiler/plugins/plugins.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <latch>
#include <stdexcept>
#include <thread>

#include "compiler/plugins/board.h"
#include "compiler/plugins/supervise.h"

namespace mlqc {
namespace {

using mlq::LayerInput;
using mlq::LayerOutput;
using testing::AllOf;
using testing::HasSubstr;

volatile bool forever = true;

// Does wrong what the parameter `fault` says.
class Faulty final : public mlq::CustomLayer {
 public:
  mlq::Status init_with_parameters(const mlq::Parameters& parameters) override {
    fault_ = mlq::text_of(parameters, "fault", "");
    if (fault_ == "throw_early") throw std::runtime_error("too early");
    return {};
  }
  mlq::Status evaluate_on_cpu(std::span<const LayerInput> inputs,
                              std::span<const LayerOutput> outputs) override {
    const auto y = outputs[0].floats();
    std::copy(inputs[0].floats().begin(), inputs[0].floats().end(), y.begin());
    if (fault_ == "nan") y[1] = std::nanf("");
    if (fault_ == "unwritten") return restore(outputs[0]);
    if (fault_ == "throw") throw std::runtime_error("out of ideas");
    if (fault_ == "throw_number") throw 42;
    if (fault_ == "crash") raise(SIGSEGV);
    if (fault_ == "abort") std::abort();
    if (fault_ == "exit") _exit(7);
    while (fault_ == "loop" && forever) {
    }
    return {};
  }

 private:
  // As if the element had never been touched.
  mlq::Status restore(const LayerOutput& output) {
    output.floats()[2] = first_;
    return {};
  }
  std::string fault_;
  float first_ = std::bit_cast<float>(0x7fc0dead);
};

std::string run_faulty(const std::string& fault, std::array<float, 3> x = {1, 2, 3}) {
  const auto layer = guarded(mlq::custom_class<Faulty>("Faulty")).create("bad");
  if (mlq::Status status = layer->init_with_parameters({{"fault", fault}}); !status) return status.error();
  std::array<float, 3> y{};
  const LayerInput input{{mlq::DataType::float32, {3}, x.data(), 3}};
  const LayerOutput output{{mlq::DataType::float32, {3}, y.data(), 3}};
  const mlq::Status status = layer->evaluate_on_cpu({&input, 1}, {&output, 1});
  return status ? "good" : status.error();
}

TEST(Guard, LetsGoodLayersBe) {
  EXPECT_EQ(run_faulty(""), "good");
  EXPECT_EQ(run_faulty("nan", {1, std::nanf(""), 3}), "good");  // not of its making
}

TEST(Guard, NamesWhatIsWrong) {
  EXPECT_EQ(run_faulty("nan"), "it wrote NaN into element 1 of output 1, which has the shape 3");
  EXPECT_EQ(run_faulty("unwritten"), "it did not write element 2 of output 1, which has the shape 3");
  EXPECT_EQ(run_faulty("throw"), "evaluate_on_cpu threw an exception: out of ideas");
  EXPECT_EQ(run_faulty("throw_number"), "evaluate_on_cpu threw an exception");
  EXPECT_EQ(run_faulty("throw_early"), "init_with_parameters threw an exception: too early");
}

std::string fault_of(const std::string& fault, double seconds = 60) {
  const Supervised ended = supervise([&] { return run_faulty(fault) == "good" ? 0 : 5; }, seconds);
  if (!ended.fault) return std::to_string(ended.status);
  EXPECT_TRUE(ended.of_plugin);
  EXPECT_EQ(ended.fault->code, "MLQ315");
  return ended.fault->what;
}

TEST(Supervisor, PassesTheStatusOn) {
  EXPECT_EQ(fault_of(""), "0");
  EXPECT_EQ(fault_of("throw"), "5");
}

TEST(Supervisor, NamesLayerClassAndMethodOfACrash) {
  const std::string where = "layer 'bad' of class Faulty (evaluate_on_cpu) ";
  EXPECT_THAT(fault_of("crash"), AllOf(HasSubstr(where + "crashed"), HasSubstr("(signal 11)")));
  EXPECT_THAT(fault_of("abort"), AllOf(HasSubstr(where + "crashed"), HasSubstr("(signal 6)")));
  EXPECT_EQ(fault_of("exit"), where + "ended the process, with status 7");
}

// Samples run in parallel, so both threads of a machine meet the same fault at the same moment.
TEST(Supervisor, NamesTheCrashOfThreadsThatCrashTogether) {
  for (int round = 0; round < 100; ++round) {
    std::latch together(2);
    const auto crash = [&] {
      const OnBoard call("layer 'bad'", "evaluate_on_cpu");
      together.arrive_and_wait();
      raise(SIGSEGV);
    };
    const Supervised ended = supervise(
        [&] {
          std::jthread other(crash);
          crash();
          return 0;
        },
        60);
    ASSERT_TRUE(ended.fault);
    ASSERT_THAT(ended.fault->what, HasSubstr("layer 'bad' (evaluate_on_cpu) crashed")) << round;
  }
}

TEST(Supervisor, EndsACallThatDoesNotComeBack) {
  EXPECT_EQ(fault_of("loop", 2),
            "layer 'bad' of class Faulty (evaluate_on_cpu) did not come back within 2 seconds");
}

TEST(Supervisor, AFaultOfOursIsNoPlugins) {
  const Supervised ended = supervise(
      []() -> int {
        raise(SIGTERM);
        return 0;
      },
      60);
  ASSERT_TRUE(ended.fault);
  EXPECT_FALSE(ended.of_plugin);
}

}  // namespace
}  // namespace mlqc
