#!/usr/bin/env python3
"""Core ML models that mlqc writes from every other format, read by Core ML Tools.

    coremltools_read.py MLQC [MODEL.mlmodel...]

Two nets of each source are converted, and each is read with load_spec, printed with all of its layers' settings, taken
by NeuralNetworkBuilder, rounded to half floats and quantized to eight bits: whatever in Core ML Tools looks into layers
and weights. Then what the format asks of a network is checked (rules_broken). Models that are named on the command line
come last. Exit status 77 where Core ML Tools or the models are missing."""
import contextlib
import io
import math
import os
import pathlib
import subprocess
import sys
import tempfile

import coremltools_peer

MODELS = ["keras/mlperf_tiny_resnet8_cifar10.h5", "keras/fer2013_mini_XCEPTION.107-0.66.hdf5",
          "tensorflow/pose_hourglass.pb", "tensorflow/CustomVision_android/model.pb",
          "tflite/mobilenet_v1_0.25_224_quant.tflite", "tflite/pose_hourglass.tflite",
          "onnx/SqueezeNet_fp16.onnx", "onnx/mnist_cnn_max2.onnx"]
HERE = pathlib.Path(__file__).resolve().parent
FIRST_LAYER = {4: 600, 5: 1450}  # field numbers of the layers that came with a version of the specification


def shared():
    folder = os.environ.get("MLQ_SHARED")
    return pathlib.Path(folder) if folder else HERE.parents[2] / "shared"


def weight_params(message):
    """Every WeightParams within a message."""
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for child in value if field.label == field.LABEL_REPEATED else [value]:
            if field.message_type.name == "WeightParams":
                yield child
            else:
                yield from weight_params(child)


def broken_weights(layer):
    kinds = set()
    for weights in weight_params(layer):
        held = [name for name in ("floatValue", "float16Value", "rawValue", "int8RawValue") if getattr(weights, name)]
        if len(held) != 1:
            yield f"holds weights in {len(held)} forms"
            continue
        kinds.add("float16" if held[0] == "float16Value" else "other")
        if held[0] == "rawValue" and not 1 <= weights.quantization.numberOfBits <= 8:
            yield f"has weights of {weights.quantization.numberOfBits} bits"
        table = weights.quantization.lookupTableQuantization.floatValue
        if held[0] == "rawValue" and weights.quantization.HasField("lookupTableQuantization") and \
                len(table) != 2**weights.quantization.numberOfBits:
            yield f"has a table of {len(table)} values"
    if len(kinds) > 1:
        yield "mixes half floats with others"


def expected_counts(layer):
    """Pairs of what a layer's weights must count and do count, where its settings say."""
    if layer.HasField("convolution"):
        it = layer.convolution
        count = it.outputChannels * it.kernelChannels * math.prod(it.kernelSize)
        if it.isDeconvolution:  # groups divide the outputs there
            count //= max(it.nGroups, 1)
        yield it.weights, count
        if it.hasBias:
            yield it.bias, it.outputChannels
    if layer.HasField("innerProduct"):
        it = layer.innerProduct
        yield it.weights, it.inputChannels * it.outputChannels
        if it.hasBias:
            yield it.bias, it.outputChannels
    if layer.HasField("batchnorm"):
        for name in ("gamma", "beta", "mean", "variance"):
            if layer.batchnorm.HasField(name):
                yield getattr(layer.batchnorm, name), layer.batchnorm.channels
    if layer.HasField("loadConstantND"):
        yield layer.loadConstantND.data, math.prod(layer.loadConstantND.shape)


def count_of(weights):
    if weights.rawValue:
        bits = weights.quantization.numberOfBits
        return len(weights.rawValue) * 8 // bits, (len(weights.rawValue) * 8 - 7) / bits
    count = len(weights.floatValue) or len(weights.float16Value) // 2
    return count, count


def network_rules(network, spec):
    """Blobs are made before they are read and made once, layers have names of their own, outputs are made."""
    known = {feature.name for feature in spec.description.input}
    names = set()
    for layer in network.layers:
        if layer.name in names or not layer.name:
            yield f"two layers are called '{layer.name}'"
        names.add(layer.name)
        if layer.WhichOneof("layer") is None:
            yield f"layer '{layer.name}' is of no kind"
        for blob in layer.input:
            if blob not in known:
                yield f"layer '{layer.name}' reads '{blob}', which nothing before it makes"
        for blob in layer.output:
            if blob in known:
                yield f"'{blob}' is made twice"
            known.add(blob)
        for what in broken_weights(layer):
            yield f"layer '{layer.name}' {what}"
        for weights, wanted in expected_counts(layer):
            most, least = count_of(weights)
            if not least <= wanted <= most:
                yield f"layer '{layer.name}' has {most} weights for {wanted}"
    classifier = spec.WhichOneof("Type") == "neuralNetworkClassifier"
    made_by_class = {spec.description.predictedFeatureName, spec.description.predictedProbabilitiesName}
    for feature in spec.description.output:
        if feature.name not in known and not (classifier and feature.name in made_by_class):
            yield f"nothing makes the output '{feature.name}'"


def classifier_rules(spec):
    if spec.WhichOneof("Type") != "neuralNetworkClassifier":
        return
    network, about = spec.neuralNetworkClassifier, spec.description
    outputs = {feature.name for feature in about.output}
    labels = network.stringClassLabels.vector or network.int64ClassLabels.vector
    if not labels:
        yield "a classifier without labels"
    for name in (about.predictedFeatureName, about.predictedProbabilitiesName):
        if name not in outputs:
            yield f"the classifier names '{name}', which is no output"
    blob = network.labelProbabilityLayerName
    if blob and not any(blob in layer.output for layer in network.layers):
        yield f"labelProbabilityLayerName '{blob}' is no blob"


def description_rules(spec):
    for feature in list(spec.description.input) + list(spec.description.output):
        kind = feature.type.WhichOneof("Type")
        if kind is None:
            yield f"'{feature.name}' is of no type"
        if kind == "imageType" and not (feature.type.imageType.width > 0 and feature.type.imageType.height > 0):
            yield f"the image '{feature.name}' has no size"
        if kind == "multiArrayType" and feature in spec.description.input and (
                not feature.type.multiArrayType.shape or min(feature.type.multiArrayType.shape) < 1):
            yield f"the array '{feature.name}' has no shape"


def version_rules(network, spec):
    """The lowest version that has everything which is used."""
    least = 4 if network.arrayInputShapeMapping == 1 else 1
    for layer in network.layers:
        field = layer.DESCRIPTOR.fields_by_name[layer.WhichOneof("layer")]
        least = max([least] + [version for version, first in FIRST_LAYER.items() if field.number >= first])
        if layer.WhichOneof("layer") == "custom":
            least = max(least, 2)
    if spec.specificationVersion < least:
        yield f"specification version {spec.specificationVersion} where {least} is needed"


def rules_broken(network, spec):
    for rule in (network_rules(network, spec), classifier_rules(spec), description_rules(spec),
                 version_rules(network, spec)):
        yield from rule


def read(path, peer):
    """The layers that Core ML Tools read without complaint, and the rules that the file breaks."""
    import coremltools
    from coremltools.models.neural_network import NeuralNetworkBuilder, printer
    from coremltools.models import utils

    spec = coremltools.utils.load_spec(str(path))
    network = getattr(spec, spec.WhichOneof("Type"))
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        for style in ("", "coding"):
            printer.print_network_spec(spec, style=style)
        builder = NeuralNetworkBuilder(spec=spec)
        builder.inspect_layers(verbose=True), builder.inspect_input_features(), builder.inspect_output_features()
    missing = [layer.name for layer in network.layers if layer.name not in printed.getvalue()]
    if missing:
        raise RuntimeError(f"prints nothing of {missing[0]}")
    broken = list(rules_broken(network, spec))
    weights = [w for layer in network.layers for w in weight_params(layer)]
    quantized = sum(1 for w in weights if w.rawValue)
    with contextlib.redirect_stdout(io.StringIO()):
        utils._convert_neural_network_spec_weights_to_fp16(type(spec).FromString(spec.SerializeToString()))
        if not any(w.rawValue or w.float16Value for w in weights):  # it takes floats only
            peer._quantize_nn_spec(network, 8, peer._QUANTIZATION_MODE_LINEAR_QUANTIZATION)
    return len(network.layers), len(builder.layers), quantized, broken


def custom_layers(path):
    from coremltools.models import utils
    for layer in utils._get_custom_layers(utils.load_spec(str(path))):
        parameters = {name: getattr(value, value.WhichOneof("value")) for name, value in layer.custom.parameters.items()}
        yield f"{layer.custom.className}, \"{layer.custom.description}\", {parameters}"


def convert(mlqc, model, out):
    done = subprocess.run([mlqc, "convert", model, "-o", out], capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stderr.strip().splitlines()[0]


def check(path, source, peer):
    """Prints what was read of a model; how many things are wrong with it."""
    layers, seen, quantized, broken = read(path, peer)
    print(f"{source}: {layers} layers, {seen} read, {quantized} quantized weights, {len(broken)} rules broken")
    for what in broken:
        print("  BROKEN:", what)
    for custom in custom_layers(path):
        print("  custom layer", custom)
    return len(broken) + (layers != seen)


def check_small(mlqc, folder, peer):
    """Every small Keras file of the tests that can be written."""
    failures = 0
    for source in sorted((HERE.parent / "data/keras").iterdir()):
        out = folder / f"{source.stem}.mlmodel"
        refusal = convert(mlqc, source, out)
        if refusal:
            print(f"{source.name}: not written: {refusal}")
        else:
            failures += check(out, source.name, peer)
    return failures


def main():
    mlqc, named = sys.argv[1], [pathlib.Path(name) for name in sys.argv[2:]]
    peer = coremltools_peer.load()
    models = [shared() / "models" / name for name in MODELS]
    if not all(model.exists() for model in models):
        print("SKIPPED: no shared models (MLQ_SHARED)")
        sys.exit(77)
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for number, (model, name) in enumerate(zip(models, MODELS)):
            out = folder / f"{number}.mlmodel"
            refusal = convert(mlqc, model, out)
            if refusal:
                sys.exit(refusal)
            failures += check(out, name, peer)
        for path in named:
            failures += check(path, path, peer) if path.exists() else print(f"{path} is not built") or 0
        failures += check_small(mlqc, folder, peer)
    print(f"{failures} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
