#include "compiler/driver/drawing.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

namespace mlqc {

using Json = nlohmann::ordered_json;

namespace {

constexpr std::size_t small_enough = 70, fewest_groups = 3, most_groups = 90, run_length = 40;

// Which layers read what a layer computes.
using Edges = std::set<std::pair<std::size_t, std::size_t>>;

Edges edges_of(const mlq::Graph& graph) {
  std::map<mlq::TensorId, std::size_t> producer;
  Edges edges;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const mlq::TensorId id : graph.nodes[i].inputs)
      if (const auto from = producer.find(id); from != producer.end()) edges.emplace(from->second, i);
    for (const mlq::TensorId id : graph.nodes[i].outputs) producer[id] = i;
  }
  return edges;
}

struct Group {
  std::string label;
  std::vector<std::size_t> nodes;
};

// Neighbours whose names begin alike, up to the first slash.
std::vector<Group> by_prefix(const mlq::Graph& graph) {
  std::vector<Group> groups;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const std::string& name = graph.nodes[i].name;
    const std::string prefix = name.substr(0, name.find('/'));
    const auto same = std::ranges::find(groups, prefix, &Group::label);
    if (same != groups.end())
      same->nodes.push_back(i);
    else
      groups.push_back({prefix, {i}});
  }
  return groups;
}

// Names that say nothing about belonging: runs of neighbours.
std::vector<Group> by_runs(const mlq::Graph& graph) {
  std::vector<Group> groups;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (i % run_length == 0) groups.push_back({graph.nodes[i].name, {}});
    groups.back().nodes.push_back(i);
  }
  for (Group& group : groups)
    group.label = fmt::format("{} .. {}", group.label, graph.nodes[group.nodes.back()].name);
  return groups;
}

std::vector<Group> groups_of(const mlq::Graph& graph) {
  std::vector<Group> groups = by_prefix(graph);
  const bool large =
      std::ranges::any_of(groups, [](const Group& g) { return g.nodes.size() > 4 * small_enough; });
  const bool useful = groups.size() >= fewest_groups && groups.size() <= most_groups && !large;
  return useful ? groups : by_runs(graph);
}

// The text that Graphviz' dot makes of a graph; "" where there is none. Names never reach it, only ids.
std::string laid_out(const std::string& text) {
  std::string file = (std::getenv("TMPDIR") ? std::string(std::getenv("TMPDIR")) : "/tmp") + "/mlqcXXXXXX";
  const int descriptor = ::mkstemp(file.data());
  if (descriptor < 0) return {};
  const bool written = ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(descriptor);
  std::string out;
  if (written && file.find('\'') == std::string::npos) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(
        ::popen(("dot -Tplain '" + file + "' 2>/dev/null").c_str(), "r"), ::pclose);
    char buffer[4096];
    while (pipe)
      if (const std::size_t size = std::fread(buffer, 1, sizeof buffer, pipe.get()))
        out.append(buffer, size);
      else
        break;
  }
  ::unlink(file.c_str());
  return out;
}

std::string dot_of(const std::vector<std::string>& ids,
                   const std::set<std::pair<std::string, std::string>>& edges) {
  std::string text =
      "digraph { rankdir=TB; node [shape=box,width=2.6,height=0.6,fixedsize=true,label=\"\"];\n";
  for (const std::string& id : ids) text += id + ";\n";
  for (const auto& [from, to] : edges) text += from + "->" + to + ";\n";
  return text + "}\n";
}

std::string id_of(std::size_t node) { return fmt::format("n{}", node); }

Json drawing_of(const Group& group, const Edges& edges) {
  const std::set<std::size_t> inside(group.nodes.begin(), group.nodes.end());
  std::vector<std::string> ids;
  for (const std::size_t node : group.nodes) ids.push_back(id_of(node));
  std::set<std::pair<std::string, std::string>> lines;
  for (const auto& [from, to] : edges)
    if (inside.contains(from) && inside.contains(to)) lines.emplace(id_of(from), id_of(to));
  return {{"label", group.label}, {"nodes", ids}, {"plain", laid_out(dot_of(ids, lines))}};
}

// The whole network with each group of more than one layer as one node.
Json folded_drawing(const std::vector<Group>& groups, const Edges& edges, std::size_t nodes) {
  std::vector<std::string> place(nodes), ids;
  Json folded = Json::object();
  std::size_t drawing = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const bool alone = groups[g].nodes.size() == 1;
    const std::string id = alone ? id_of(groups[g].nodes[0]) : fmt::format("g{}", g);
    ids.push_back(id);
    for (const std::size_t node : groups[g].nodes) place[node] = id;
    if (!alone)
      folded[id] = {{"label", groups[g].label}, {"count", groups[g].nodes.size()}, {"drawing", ++drawing}};
  }
  std::set<std::pair<std::string, std::string>> lines;
  for (const auto& [from, to] : edges)
    if (place[from] != place[to]) lines.emplace(place[from], place[to]);
  return {{"label", "whole network"},
          {"nodes", ids},
          {"plain", laid_out(dot_of(ids, lines))},
          {"folded", folded}};
}

}  // namespace

std::string drawings(const mlq::Graph& graph) {
  const Edges edges = edges_of(graph);
  Json json = Json::array();
  if (graph.nodes.size() <= small_enough) {
    Group all{"whole network", {}};
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) all.nodes.push_back(i);
    json.push_back(drawing_of(all, edges));
  } else {
    const std::vector<Group> groups = groups_of(graph);
    json.push_back(folded_drawing(groups, edges, graph.nodes.size()));
    for (const Group& group : groups)
      if (group.nodes.size() > 1) json.push_back(drawing_of(group, edges));
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace mlqc
