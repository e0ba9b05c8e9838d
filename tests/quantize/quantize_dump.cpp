// quantize_dump WEIGHTS.npy ALGORITHM BITS AXIS OUT: quantizes one tensor and writes OUT.indices (a byte
// each), OUT.packed, OUT.scale, OUT.offset, OUT.table (float32) and OUT.decoded (float32). AXIS -1 is per
// tensor.
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "compiler/quantize/quantize.h"
#include "tests/support/npy.h"

namespace {

template <class T>
void write(const std::string& path, const std::vector<T>& values) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size() * sizeof(T)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return std::fprintf(stderr, "quantize_dump WEIGHTS.npy ALGORITHM BITS AXIS OUT\n"), 2;
  const mlq::Array array = mlq::test::read_npy(argv[1]);
  const int bits = std::atoi(argv[3]), axis = std::atoi(argv[4]);
  const std::string out = argv[5];
  mlq::Graph graph;
  mlq::add_constant(graph, "weights", array.shape, array.floats());
  try {
    const std::string granularity = axis < 0 ? "per_tensor" : "per_channel";
    const mlq::Graph quantized = mlqc::quantize(
        graph, {{0, "layer", "Conv", axis < 0 ? 0 : axis, {argv[2], bits, granularity, "nearest"}, ""}});
    const mlq::Tensor& tensor = quantized.tensors[0];
    std::vector<float> decoded(array.floats().size());
    if (const mlq::Status status = mlq::dequantize(tensor, decoded); !status.ok())
      return std::fprintf(stderr, "%s\n", status.error().c_str()), 1;
    write(out + ".indices", mlqc::unpack(tensor.data->bytes, decoded.size(), bits));
    write(out + ".packed", std::vector<std::byte>(tensor.data->bytes.begin(), tensor.data->bytes.end()));
    write(out + ".scale", tensor.quantization->scale);
    write(out + ".offset", tensor.quantization->offset);
    write(out + ".table", tensor.quantization->table);
    write(out + ".decoded", decoded);
  } catch (const mlqc::Error& error) {
    return std::fprintf(stderr, "%s\n", error.what()), 1;
  }
  return 0;
}
