#include "tests/frontends/tensorflow_control_fixture.h"

namespace mlqc::test {

namespace {

std::string numbered(const std::string& name, std::size_t i) { return name + "_" + std::to_string(i); }

}  // namespace

void old_loop(GraphMaker& g, const std::string& name, const Names& start, const Names& read,
              const std::function<std::string(const Names&)>& condition,
              const std::function<Names(const Names&)>& body) {
  const std::string f = name + "/";
  Names before, inside, constant;
  for (std::size_t i = 0; i < start.size(); ++i) {
    g.node(numbered(f + "Enter", i), "Enter", {start[i]});
    before.push_back(
        g.node(numbered(f + "Merge", i), "Merge", {numbered(f + "Enter", i), numbered(f + "Next", i)})
            .name());
  }
  for (std::size_t i = 0; i < read.size(); ++i)
    constant.push_back(g.node(numbered(f + "Read", i), "Enter", {read[i]}).name());
  before.insert(before.end(), constant.begin(), constant.end());
  g.node(f + "LoopCond", "LoopCond", {condition(before)});
  for (std::size_t i = 0; i < start.size(); ++i) {
    const std::string gate = g.node(numbered(f + "Switch", i), "Switch", {before[i], f + "LoopCond"}).name();
    g.node(numbered(f + "Exit", i), "Exit", {gate});
    inside.push_back(g.node(numbered(f + "Identity", i), "Identity", {gate + ":1"}).name());
  }
  inside.insert(inside.end(), constant.begin(), constant.end());
  const Names next = body(inside);
  for (std::size_t i = 0; i < start.size(); ++i) g.node(numbered(f + "Next", i), "NextIteration", {next[i]});
}

void running_sums(GraphMaker& g, const std::string& index) {
  for (const int n : {0, 1}) g.ints(n == 0 ? "zero" : "one", {}, {n});
  g.ints("rows", {}, {4});
  g.node("range", "Range", {"zero", "rows", "one"});
  g.node("in", "TensorArrayV3", {"rows"}), g.node("out", "TensorArrayV3", {"rows"});
  g.node("filled", "TensorArrayScatterV3", {"in", "range", "x", "in:1"});
  g.floats("nothing", {3}, {0, 0, 0});
  old_loop(
      g, "while", {"zero", "nothing", "out:1"}, {"rows", "filled", "in", "out", "one"},
      [&](const Names& v) {
        return g.node("while/Less", "Less", {v[0], v[3]}).name();
      },
      [&](const Names& v) {
        g.node("while/row", "TensorArrayReadV3", {v[5], v[0], v[4]});
        g.node("while/sum", "AddV2", {v[1], "while/row"});
        g.node("while/i", "Add", {v[0], v[7]});
        g.node("while/write", "TensorArrayWriteV3", {v[6], index.empty() ? v[0] : index, "while/sum", v[2]});
        return Names{"while/i", "while/sum", "while/write"};
      });
  g.node("size", "TensorArraySizeV3", {"out", "while/Exit_2"});
  g.node("all", "Range", {"zero", "size", "one"});
  g.node("y", "TensorArrayGatherV3", {"out", "all", "while/Exit_2"});
}

void old_choice(GraphMaker& g, const std::string& name, const std::string& x, const std::string& condition,
                const std::function<std::string(const std::string&)>& no,
                const std::function<std::string(const std::string&)>& yes) {
  g.node(name + "/pred_id", "Identity", {condition});
  g.node(name + "/Switch", "Switch", {x, name + "/pred_id"});
  g.node(name + "/Merge", "Merge", {no(name + "/Switch"), yes(name + "/Switch:1")});
}

void sign_of_sum(GraphMaker& g) {
  g.ints("axes", {1}, {0});
  g.floats("zero", {}, {0});
  g.node("sum", "Sum", {"x", "axes"});
  g.node("positive", "Greater", {"sum", "zero"});
}

tensorflow::GraphDef functional_choice(const char* op) {
  tensorflow::GraphDef graph;
  GraphMaker g(*graph.mutable_node());
  g.placeholder("x", {2});
  g.floats("w", {2}, {3, 4});
  sign_of_sum(g);
  auto& node = g.node("y", op, {"positive", "x", "w"});
  set_function(node, "then_branch", "times"), set_function(node, "else_branch", "minus");
  add_function(graph, "times", {"a", "b"}, {{"r", "mul:z:0"}}, [](GraphMaker& f) {
    f.node("mul", "Mul", {"a", "b"});
  });
  add_function(graph, "minus", {"a", "b"}, {{"r", "neg:y:0"}},
               [](GraphMaker& f) { f.node("neg", "Neg", {"a"}); });
  return graph;
}

tensorflow::GraphDef recurrent(const std::vector<float>& w, const std::vector<float>& u) {
  tensorflow::GraphDef graph;
  GraphMaker g(*graph.mutable_node());
  g.placeholder("x", {5, 1, 3});
  g.floats("w", {3, 2}, w), g.floats("u", {2, 2}, u), g.floats("h", {1, 2}, {0, 0});
  g.ints("zero", {}, {0}), g.ints("five", {}, {5}), g.ints("row", {2}, {1, 3}), g.ints("state", {2}, {1, 2});
  g.node("in", "TensorListFromTensor", {"x", "row"});
  g.node("out", "TensorListReserve", {"state", "five"});
  auto& loop = g.node("while", "StatelessWhile", {"zero", "h", "out", "in", "w", "u", "five"});
  set_function(loop, "cond", "more"), set_function(loop, "body", "step");
  g.node("y", "TensorListStack", {"while:2", "state"});
  const Names arguments{"i", "h", "out", "in", "w", "u", "n"};
  add_function(graph, "more", arguments, {{"r", "less:z:0"}}, [](GraphMaker& f) {
    f.node("less", "Less", {"i", "n"});
  });
  add_function(graph, "step", arguments,
               {{"r0", "next:z:0"},
                {"r1", "tanh:y:0"},
                {"r2", "set:output_handle:0"},
                {"r3", "in"},
                {"r4", "w"},
                {"r5", "u"},
                {"r6", "n"}},
               [](GraphMaker& f) {
                 f.ints("one", {}, {1});
                 f.ints("row", {2}, {1, 3});
                 f.node("item", "TensorListGetItem", {"in", "i", "row:output:0"});
                 f.node("from_x", "MatMul", {"item:item:0", "w"});
                 f.node("from_h", "MatMul", {"h", "u"});
                 f.node("sum", "AddV2", {"from_x:product:0", "from_h:product:0"});
                 f.node("tanh", "Tanh", {"sum:z:0"});
                 f.node("set", "TensorListSetItem", {"out", "i", "tanh:y:0"});
                 f.node("next", "AddV2", {"i", "one:output:0"});
               });
  return graph;
}

}  // namespace mlqc::test
