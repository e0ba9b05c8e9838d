// Branches and loops. In the format a network inside of another sees and overwrites all blobs around it; in
// the graph a branch or a body is a function of what it reads, and gives back what it made. So the blobs that
// one makes become results of If or Loop, where they are known before or read elsewhere.
//
// `loopBreak` and `loopContinue` become truth values: what follows them in the body runs only where they are
// not set.
#include "compiler/frontends/coreml/control.h"

#include <algorithm>
#include <memory>
#include <set>

#include "compiler/frontends/coreml/layers.h"
#include "compiler/frontends/coreml/network.pb.h"

namespace mlqc::coreml {

namespace {

using Layer = NeuralNetworkLayer;
using Names = std::set<std::string, std::less<>>;
using Reads = std::map<std::string, int, std::less<>>;
using mlq::DataType;

// Names that no file's blob has by accident.
constexpr const char* broken = "\x01 loopBreak";
constexpr const char* skipped = "\x01 loopContinue";

std::vector<const NeuralNetwork*> networks_of(const Layer& layer) {
  switch (layer.layer_case()) {
    case Layer::kBranch:
      return {&layer.branch().if_branch(), &layer.branch().else_branch()};
    case Layer::kLoop:
      return {&layer.loop().condition_network(), &layer.loop().body_network()};
    default:
      return {};
  }
}

Reads reads_of(const std::vector<const NeuralNetwork*>& networks) {
  Reads reads;
  for (const NeuralNetwork* network : networks) count_reads(*network, reads);
  return reads;
}

void collect_writes(const NeuralNetwork& network, Names& names) {
  for (const Layer& layer : network.layers()) {
    names.insert(layer.output().begin(), layer.output().end());
    for (const NeuralNetwork* inner : networks_of(layer)) collect_writes(*inner, names);
  }
}

// Whether the rest of the body may be skipped after the layer.
bool may_stop(const Layer& layer) {
  const auto stops = [](const NeuralNetwork* network) {
    return std::any_of(network->layers().begin(), network->layers().end(), may_stop);
  };
  if (layer.layer_case() == Layer::kLoopBreak || layer.layer_case() == Layer::kLoopContinue) return true;
  const auto inner = networks_of(layer);
  return layer.layer_case() == Layer::kBranch && std::any_of(inner.begin(), inner.end(), stops);
}

// Whether a network other than these reads the blob, or the model's user does.
bool read_elsewhere(Build& b, const Reads& here, const std::string& name) {
  const auto all = b.root().reads.find(name);
  const auto own = here.find(name);
  return all != b.root().reads.end() && all->second > (own == here.end() ? 0 : own->second);
}

// |x| > 1e-6, of a single number.
TensorId is_set(Build& b, TensorId x) {
  const auto count = mlq::element_count(b.shape(x));
  b.require(!count || *count == 1, "has a condition of more than one number");
  return b.node("Greater", {b.node("Abs", {x}), b.number(1e-6f)});
}

// Zeros in a blob's place where one side of a branch, or a loop without rounds, leaves it out.
TensorId zeros(Build& b, Shape shape) {
  for (std::int64_t& dimension : shape) dimension = std::max<std::int64_t>(dimension, 1);
  return b.node("ConstantOfShape", {b.ints(shape)});
}

void add_feature(std::vector<mlq::Feature>& features, const Build& b, TensorId id, std::string name) {
  mlq::Feature feature{std::move(name), "", mlq::FeatureKind::tensor, id, b.shape(id)};
  feature.type = b.graph.tensors[static_cast<std::size_t>(id)].type;
  features.push_back(std::move(feature));
}

// A result is memory of its own: what is captured or constant belongs to somebody else.
void add_result(Build& b, TensorId id, const std::string& name) {
  add_feature(b.graph.outputs, b, b.node("Identity", {id}), name);
}

std::shared_ptr<const mlq::Graph> finish(Build& b) {
  return std::make_shared<const mlq::Graph>(std::move(b.graph));
}

// Dimensions in which the two differ are not known; false when the ranks differ.
bool merge(Shape& shape, const Shape& other) {
  if (shape.size() != other.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] != other[i]) shape[i] = -1;
  return true;
}

void set_blob(Build& b, const std::string& name, TensorId id) {
  if (!b.nested() && !b.knows(name)) b.graph.tensors[static_cast<std::size_t>(id)].name = b.prefix + name;
  b.blobs.insert_or_assign(name, id);
}

// The blobs that either side makes and that matter afterwards.
Names made(Build& b, const Build& yes, const Build& no, const Reads& inside) {
  Names names;
  for (const Build* side : {&yes, &no})
    for (const auto& [name, id] : side->blobs)
      if (b.knows(name) || read_elsewhere(b, inside, name)) names.insert(name);
  return names;
}

// An If whose sides run these layers.
void choose(Build& b, TensorId condition, Layers then_layers, Layers else_layers, const Reads& inside) {
  const Layer* const own = b.layer;
  Build yes(b), no(b);
  lower_layers(yes, then_layers);
  lower_layers(no, else_layers);
  yes.layer = no.layer = own;
  const Names names = made(b, yes, no, inside);
  if (names.empty()) return;
  mlq::Node node{"If", own->name(), {condition}, {}, {}};
  std::vector<TensorId> results;
  for (const std::string& name : names) {
    TensorId one = yes.knows(name) ? yes.find(name) : mlq::no_tensor;
    TensorId other = no.knows(name) ? no.find(name) : mlq::no_tensor;
    if (one == mlq::no_tensor) one = zeros(yes, no.shape(other));
    if (other == mlq::no_tensor) other = zeros(no, yes.shape(one));
    Shape shape = yes.shape(one);
    if (!merge(shape, no.shape(other)))
      b.fail("gives '" + name + "' the shape " + mlq::to_string(yes.shape(one)) + " or " +
             mlq::to_string(no.shape(other)));
    add_result(yes, one, name);
    add_result(no, other, name);
    results.push_back(b.result(shape));
  }
  node.outputs = results;
  node.attributes = {{"then_branch", finish(yes)}, {"else_branch", finish(no)}};
  b.graph.nodes.push_back(std::move(node));
  auto result = results.begin();
  for (const std::string& name : names) set_blob(b, name, *result++);
}

void branch(Build& b, const Layer& layer, const char*) {
  const Branch& p = layer.branch();
  choose(b, is_set(b, b.in()), all_layers(p.if_branch()), all_layers(p.else_branch()),
         reads_of(networks_of(layer)));
}

void stop(Build& b, const Layer&, const char* flag) {
  b.require(b.knows(flag), "stands outside of a loop");
  b.blobs.insert_or_assign(flag, b.floats({1}, std::vector<float>{1}));
}

// One round of a loop, for carried blobs of these shapes.
struct Body {
  std::unique_ptr<Build> build;
  TensorId go_on = mlq::no_tensor;
};

TensorId add_input(Build& b, const std::string& name, DataType type, const Shape& shape) {
  const TensorId id = b.result(shape);
  b.graph.tensors[static_cast<std::size_t>(id)].type = type;
  add_feature(b.graph.inputs, b, id, name);
  return id;
}

Body lower_body(Build& b, const Layer& layer, const std::map<std::string, Shape>& carried) {
  const Loop& p = layer.loop();
  Body body{std::make_unique<Build>(b)};
  Build& inner = *body.build;
  add_input(inner, "round", DataType::int64, {});
  body.go_on = add_input(inner, "go_on", DataType::boolean, {});
  for (const auto& [name, shape] : carried)
    inner.blobs[name] = add_input(inner, name, DataType::float32, shape);
  for (const char* flag : {broken, skipped}) inner.blobs[flag] = inner.floats({1}, std::vector<float>{0});
  lower_layers(inner, all_layers(p.body_network()));
  inner.layer = &layer;
  const auto& layers = p.body_network().layers();
  if (p.condition_network().layers_size()) {
    lower_layers(inner, all_layers(p.condition_network()));
    inner.layer = &layer;
    body.go_on = is_set(inner, inner.find(p.condition_var()));
  }
  if (std::any_of(layers.begin(), layers.end(), may_stop))
    body.go_on = inner.node("And", {body.go_on, inner.node("Not", {is_set(inner, inner.find(broken))})});
  return body;
}

// The shapes with which a round that starts from them ends; nothing for blobs that no round makes.
std::map<std::string, Shape> shapes_after(Build& b, const Body& body, const Names& names,
                                          const std::map<std::string, Shape>& before) {
  std::map<std::string, Shape> after;
  for (const std::string& name : names) {
    if (!body.build->knows(name)) continue;
    Shape shape = body.build->shape(body.build->find(name));
    if (const auto found = before.find(name); found != before.end())
      if (!merge(shape, found->second))
        b.fail("carries '" + name + "' of shape " + mlq::to_string(found->second) +
               ", which a round makes a " + mlq::to_string(shape));
    after[name] = shape;
  }
  return after;
}

// The body for shapes that it keeps. A dimension that a round changes is not known, and each look finds more
// of them.
Body settle(Build& b, const Layer& layer, const Names& names, std::map<std::string, Shape>& carried) {
  for (;;) {
    Body body = lower_body(b, layer, carried);
    std::map<std::string, Shape> after = shapes_after(b, body, names, carried);
    if (after == carried) return body;
    carried = std::move(after);
  }
}

// How often at most; no_tensor is without a limit.
TensorId most_rounds(Build& b, const Layer& layer) {
  const Loop& p = layer.loop();
  if (b.inputs() > 0) return b.reshape(b.indices(b.in()), {1});
  const bool bounded = p.max_loop_iterations() > 0 || p.condition_network().layers_size() == 0;
  const auto most = std::min<std::uint64_t>(p.max_loop_iterations(), INT64_MAX);
  return bounded ? b.scalar(static_cast<std::int64_t>(most)) : mlq::no_tensor;
}

Names carried_names(Build& b, const Layer& layer) {
  Names all, names;
  for (const NeuralNetwork* network : networks_of(layer)) collect_writes(*network, all);
  const Reads inside = reads_of(networks_of(layer));
  for (const std::string& name : all)
    if (b.knows(name) || read_elsewhere(b, inside, name)) names.insert(name);
  return names;
}

void loop(Build& b, const Layer& layer, const char*) {
  const Loop& p = layer.loop();
  mlq::Node node{"Loop", layer.name(), {most_rounds(b, layer), mlq::no_tensor}, {}, {}};
  if (p.condition_network().layers_size()) {
    lower_layers(b, all_layers(p.condition_network()));
    b.layer = &layer;
    node.inputs[1] = is_set(b, b.find(p.condition_var()));
  }
  const Names names = carried_names(b, layer);
  std::map<std::string, Shape> carried;
  for (const std::string& name : names)
    if (b.knows(name)) carried[name] = b.shape(b.find(name));
  Body body = settle(b, layer, names, carried);
  add_feature(body.build->graph.outputs, *body.build, body.go_on, "go_on");
  for (const auto& [name, shape] : carried) {
    node.inputs.push_back(b.knows(name) ? b.find(name) : zeros(b, shape));
    node.outputs.push_back(b.result(shape));
    add_result(*body.build, body.build->find(name), name);
  }
  auto result = node.outputs.begin();
  node.attributes["body"] = finish(*body.build);
  for (const auto& [name, shape] : carried) set_blob(b, name, *result++);
  b.graph.nodes.push_back(std::move(node));
}

constexpr Row rows[] = {
    {Layer::kBranch, branch},
    {Layer::kLoop, loop},
    {Layer::kLoopBreak, stop, broken},
    {Layer::kLoopContinue, stop, skipped},
};

}  // namespace

std::span<const Row> control_rows() { return rows; }

Layers all_layers(const NeuralNetwork& network) {
  return {network.layers().data(), static_cast<std::size_t>(network.layers_size())};
}

void count_reads(const NeuralNetwork& network, std::map<std::string, int, std::less<>>& reads) {
  for (const Layer& layer : network.layers()) {
    for (const std::string& name : layer.input()) ++reads[name];
    for (const NeuralNetwork* inner : networks_of(layer)) count_reads(*inner, reads);
  }
}

void collect_layers(const NeuralNetwork& network, std::vector<const NeuralNetworkLayer*>& layers) {
  for (const Layer& layer : network.layers()) {
    layers.push_back(&layer);
    for (const NeuralNetwork* inner : networks_of(layer)) collect_layers(*inner, layers);
  }
}

void lower_layers(Build& build, Layers layers) {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Layer& layer = *layers[i];
    build.begin(layer);
    const Row& row = *find_row(layer.layer_case());
    row.lower(build, layer, row.op);
    if (i + 1 == layers.size() || !may_stop(layer)) continue;
    const Layers rest = layers.subspan(i + 1);
    Reads inside;
    for (const Layer* after : rest) {
      for (const std::string& name : after->input()) ++inside[name];
      for (const NeuralNetwork* inner : networks_of(*after)) count_reads(*inner, inside);
    }
    build.layer = &layer;
    const TensorId stopped = is_set(build, build.add(build.find(broken), build.find(skipped)));
    choose(build, stopped, {}, rest, inside);
    break;
  }
}

}  // namespace mlqc::coreml
