// Operators that look for elements, and that read or write them by their places.
#include "compiler/backends/coreml_writer/writer.h"
#include "compiler/frontends/coreml/network.pb.h"

namespace mlqc::coreml_writer {

namespace {

void top_k(Writer& w, const Row&) {
  const Ints k = w.given(1) ? w.ints(1, "a count") : w.node().get_ints("k");
  w.require(k.size() == 1 && k[0] > 0, "looks for none, or for several counts");
  Blobs results{w.out(0)};
  if (w.node().outputs.size() > 1) results.push_back(w.out(1));
  coreml::TopK& t = *w.layer({w.in()}, results).mutable_top_k();
  t.set_axis(w.node().get_int("axis", -1));
  t.set_k(static_cast<std::uint64_t>(k[0]));
  t.set_use_bottom_k(w.node().get_int("largest", 1) == 0);
}

void cumulative_sum(Writer& w, const Row&) {
  const Ints axis = w.ints(1, "an axis");
  w.require(axis.size() == 1, "sums along several axes");
  coreml::CumSum& c = *w.layer({w.in()}, {w.out()}).mutable_cum_sum();
  c.set_axis(axis[0]);
  c.set_exclude_final_sum(w.node().get_int("exclusive", 0) != 0);
  c.set_reverse(w.node().get_int("reverse", 0) != 0);
  w.needs_version(5);
}

void gather_elements(Writer& w, const Row&) {
  w.layer({w.in(0), w.in(1)}, {w.out()}).mutable_gather_along_axis()->set_axis(w.node().get_int("axis", 0));
}

coreml::ScatterMode mode_of(const Writer& w) {
  const std::string reduction = w.node().get_string("reduction", "none");
  if (reduction == "add") return coreml::SCATTER_ADD;
  if (reduction == "mul") return coreml::SCATTER_MUL;
  if (reduction == "max") return coreml::SCATTER_MAX;
  if (reduction == "min") return coreml::SCATTER_MIN;
  w.require(reduction == "none", "scatters in a way that the format has not");
  return coreml::SCATTER_UPDATE;
}

void scatter_elements(Writer& w, const Row&) {
  coreml::Scatter& s = *w.layer({w.in(0), w.in(1), w.in(2)}, {w.out()}).mutable_scatter_along_axis();
  s.set_axis(w.node().get_int("axis", 0));
  s.set_mode(mode_of(w));
}

void scatter_nd(Writer& w, const Row&) {
  w.layer({w.in(0), w.in(1), w.in(2)}, {w.out()}).mutable_scatter_nd()->set_mode(mode_of(w));
}

// The triangle on and above (or below) a diagonal.
void triangle(Writer& w, const Row&) {
  const Ints k = w.given(1) ? w.ints(1, "a diagonal") : Ints{0};
  w.require(k.size() == 1, "names several diagonals");
  NeuralNetworkLayer& layer = w.layer({w.in()}, {w.out()});
  const bool upper = w.node().get_int("upper", 1) != 0;
  (upper ? layer.mutable_upper_triangular() : layer.mutable_lower_triangular())->set_k(k[0]);
}

constexpr Row rows[] = {
    {"CumSum", cumulative_sum},
    {"GatherElements", gather_elements},
    {"ScatterElements", scatter_elements},
    {"ScatterND", scatter_nd},
    {"TopK", top_k},
    {"Trilu", triangle},
};

}  // namespace

std::span<const Row> search_rows() { return rows; }

}  // namespace mlqc::coreml_writer
