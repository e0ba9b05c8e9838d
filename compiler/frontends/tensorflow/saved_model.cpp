// A SavedModel folder: the graph, its signatures, and the values of its variables in a checkpoint beside
// them.
#include <algorithm>

#include "compiler/frontends/tensorflow/checkpoint.h"
#include "compiler/frontends/tensorflow/features.h"
#include "compiler/frontends/tensorflow/import.h"
#include "compiler/frontends/tensorflow/parse.h"
#include "compiler/frontends/tensorflow/saved_model.pb.h"
#include "compiler/frontends/tensorflow/variables.h"
#include "compiler/support/error.h"

namespace mlqc::tensorflow {

namespace {

[[noreturn]] void refuse(const Source& source, const char* code, std::string what, std::string hint) {
  throw Error(Exit::model, {{source.path.string()}, std::move(what), code, std::move(hint), {}});
}

const MetaGraphDef& graph_to_serve(const Source& source, const SavedModel& model) {
  if (model.meta_graphs_size() == 0) refuse(source, "MLQ310", "the SavedModel holds no network", "");
  for (const MetaGraphDef& graph : model.meta_graphs()) {
    const auto& tags = graph.meta_info_def().tags();
    if (std::find(tags.begin(), tags.end(), "serve") != tags.end()) return graph;
  }
  return model.meta_graphs(0);
}

// "serving_default", or the only one that computes something.
const SignatureDef& signature_of(const Source& source, const MetaGraphDef& graph) {
  const auto& signatures = graph.signature_def();
  const auto found = signatures.find("serving_default");
  if (found != signatures.end()) return found->second;
  std::vector<const SignatureDef*> all;
  std::vector<std::string> names;
  for (const auto& [name, signature] : signatures) {
    if (signature.inputs().empty() || signature.outputs().empty()) continue;
    all.push_back(&signature);
    names.push_back(name);
  }
  if (all.size() == 1) return *all[0];
  std::sort(names.begin(), names.end());
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  refuse(source, "MLQ310",
         all.empty()
             ? "the SavedModel has no signature, so its inputs and outputs are not known"
             : "the SavedModel has several signatures (" + text + ") and none is named serving_default",
         "export it with a signature serving_default");
}

// The file's map has no order of its own.
template <class Map>
std::vector<Port> ports(const Source& source, const Program& program, const Map& infos) {
  std::vector<Port> all;
  for (const auto& [name, info] : infos) {
    Port port{name, find_wire(source, program, info.name()), {}};
    if (!info.tensor_shape().unknown_rank() && info.tensor_shape().dim_size() <= 8) {
      port.shape.emplace();
      for (const auto& dim : info.tensor_shape().dim())
        port.shape->push_back(dim.size() < 0 ? -1 : dim.size());
    }
    all.push_back(std::move(port));
  }
  std::sort(all.begin(), all.end(), [](const Port& a, const Port& b) { return a.name < b.name; });
  return all;
}

// The values of those that are needed; a handle stands for its value, so that reading it does nothing.
void read_variables(Net& net, const std::vector<bool>& needed) {
  const std::map<int, std::string> names = names_in_checkpoint(net.program);
  std::unique_ptr<Checkpoint> checkpoint;
  for (const auto& [step, name] : names) {
    if (!needed[static_cast<std::size_t>(step)]) continue;
    if (!checkpoint) checkpoint = std::make_unique<Checkpoint>(net.b.source.path / "variables" / "variables");
    net.at = step;
    net.b.begin(net.step().name, op_of(net.step()));
    Checkpoint::Value value = checkpoint->read(name);
    net.out(constant(net, net.step().name, value.type, value.shape, std::move(value.data)));
  }
}

}  // namespace

mlq::Graph import_saved_model(const Source& source) {
  const auto model = std::make_shared<SavedModel>();
  if (!parse(source.bytes.bytes, *model))
    refuse(source, "MLQ306", "saved_model.pb is truncated or damaged",
           "compare its size and checksum with the original's");
  const MetaGraphDef& graph = graph_to_serve(source, *model);
  const SignatureDef& signature = signature_of(source, graph);
  const Program program = flatten(source, graph.graph_def());
  Lowering lowering(source, program, model);
  Net& net = lowering.net;
  const std::vector<Port> outputs = ports(source, program, signature.outputs());
  read_variables(net, needed_by(net, outputs));
  lower(net, ports(source, program, signature.inputs()), outputs);
  const std::string& version = graph.meta_info_def().tensorflow_version();
  if (!version.empty()) net.b.graph.metadata.emplace_back("tensorflow_version", version);
  return std::move(net.b.graph);
}

}  // namespace mlqc::tensorflow
