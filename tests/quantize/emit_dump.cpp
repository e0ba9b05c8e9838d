// emit_dump MANIFEST OUT: quantizes as the manifest says, writes OUT/model.mlmodel (the Core ML back end's)
// and, as we decode it, every quantized tensor: OUT/NUMBER.f32, whose names are the lines of OUT/names.txt.
#include <cstdio>
#include <filesystem>

#include "compiler/backends/backend.h"
#include "compiler/frontends/frontend.h"
#include "compiler/graph/rewrite.h"
#include "compiler/quantize/quantize.h"
#include "compiler/support/bytes.h"

namespace {

void run(const std::filesystem::path& manifest_file, const std::filesystem::path& out) {
  const mlqc::Manifest manifest = mlqc::parse_manifest(manifest_file);
  const mlqc::Source source = mlqc::read_source(manifest.model.file);
  const mlq::Graph graph = mlqc::simplify(mlqc::import_graph(source));
  const mlq::Graph quantized = mlqc::quantize(graph, mlqc::plan(graph, manifest));
  mlqc::write_if_changed(out / "model.mlmodel", mlqc::find_backend("coreml")->write(source, quantized));
  std::string names;
  int number = 0;
  for (const mlq::Tensor& tensor : quantized.tensors) {
    if (!tensor.quantization) continue;
    std::vector<float> values(static_cast<std::size_t>(*mlq::element_count(tensor.shape)));
    if (const mlq::Status status = mlq::dequantize(tensor, values); !status.ok())
      throw mlqc::Error(mlqc::Exit::internal, {{}, status.error(), "MLQ901", "", {}});
    mlqc::write_if_changed(out / (std::to_string(number++) + ".f32"), std::as_bytes(std::span(values)));
    names += tensor.name + "\n";
  }
  mlqc::write_if_changed(out / "names.txt", names);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "emit_dump MANIFEST OUT\n"), 2;
  try {
    run(argv[1], argv[2]);
  } catch (const mlqc::Error& error) {
    return std::fprintf(stderr, "%s\n", error.what()), static_cast<int>(error.exit());
  }
  return 0;
}
