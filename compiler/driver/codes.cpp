#include "compiler/driver/codes.h"

#include <array>

namespace mlqc {

namespace {

constexpr std::array table = {
    // 1xx: the manifest, its words against the model, and the command line.
    Code{"MLQ101", "unknown key",
         "The manifest's language has no such key there. manifests/README.md lists all of them."},
    Code{"MLQ102", "given twice",
         "A key or word may be given once. YAML readers disagree about which of two counts."},
    Code{"MLQ103", "another type",
         "The value has not the form that its key takes: a number is unquoted and decimal, a section is a "
         "mapping."},
    Code{"MLQ104", "something is missing", "A required key, or a value, was left out."},
    Code{"MLQ105", "unknown word", "The key takes one of a few words, and this is none of them."},
    Code{"MLQ106", "out of range", "The number is outside of what the key takes."},
    Code{"MLQ107", "broken YAML",
         "The file is not the YAML text that a manifest is: a quote, bracket or indentation is wrong, or it "
         "is another file."},
    Code{"MLQ108", "YAML that manifests do not use",
         "Anchors, aliases, tags and several documents are refused: they hide what holds where, and can be "
         "made to cost minutes."},
    Code{"MLQ109", "contradiction", "Two keys do not go together, or one needs another."},
    Code{"MLQ110", "not yet supported", "The language has this word, but this version of mlq cannot do it."},
    Code{"MLQ111", "no manifest", "The file that was named as the manifest cannot be read."},
    Code{"MLQ112", "emit does not fit the model",
         "This format is written from sources of its own format only."},
    Code{"MLQ113", "without effect",
         "The language has this section, but this version of mlq does nothing with it."},
    Code{"MLQ120", "unknown command", "mlqc has no such command; 'mlqc --help' lists them."},
    Code{"MLQ121", "unknown option", "The command has no such option; 'mlqc COMMAND --help' lists them."},
    Code{"MLQ122", "missing or extra argument", "The command needs more, or takes fewer, arguments."},
    Code{"MLQ123", "bad argument", "An argument has a value that the command cannot use."},
    Code{"MLQ124", "no plugin",
         "'--plugin' takes a module that the build made of the user's custom layers, for this version of "
         "mlq."},
    Code{"MLQ131", "algorithm, bits and granularity do not fit",
         "Each algorithm has its range of bits and its granularities."},
    Code{"MLQ132", "a pattern matches nothing",
         "A rule of 'layers' that matches no layer is most likely misspelt. 'mlqc inspect MODEL' lists the "
         "names."},
    Code{"MLQ133", "the emitted format cannot hold this",
         "Formats differ in what they can express; the artifact holds everything."},
    Code{"MLQ134", "nothing to search",
         "'bits: auto' chooses the bits of layers that no rule of 'layers' fixes; there are none."},
    Code{"MLQ135", "the budget cannot be reached",
         "'bits: auto' found no bits that reach what 'budget' asks for."},
    Code{"MLQ161", "no name for a field", "'rename' must be a name that C++ accepts and does not reserve."},
    Code{"MLQ162", "no such input or output", "'interface' names a feature that the model does not have."},
    Code{"MLQ163", "two features of one name",
         "Two names of the model become the same C++ name; 'rename' one of them."},
    Code{"MLQ164", "no name for a class", "'class' must be a name that C++ accepts and does not reserve."},
    Code{"MLQ165", "no name for a namespace",
         "'namespace' must consist of names that C++ accepts and does not reserve."},
    Code{"MLQ166", "top_k without scores", "'top_k' belongs to an output that has labels."},
    Code{"MLQ167", "an input that is no such image",
         "'as: image' needs an input of the shape 1xCxHxW or 1xHxWxC, and words that fit its channels."},
    Code{"MLQ168", "labels that do not fit the output",
         "A file of labels has one line for each score, and only one output has labels."},
    Code{"MLQ169", "a custom layer that the model does not have",
         "An entry of 'custom_layers' is about no layer of the model: it is most likely misspelt."},
    // 2xx: the gate.
    Code{"MLQ200", "the gate is red",
         "A limit of the manifest does not hold. Raise the bits of the layers that cost most (the report "
         "lists them), take more samples, or, if the new figures are good, change the limit or run 'mlqc "
         "accept'."},
    Code{"MLQ201", "unknown metric", "'mlqc doctor' lists the metrics."},
    Code{"MLQ202", "which output?",
         "The limit names an output that does not exist, or none where several are possible."},
    Code{"MLQ203", "the metric does not apply",
         "Agreement needs scores, decibels need numbers: the metric does not fit the output."},
    Code{"MLQ204", "no baseline",
         "'max_drop' compares with figures that 'mlqc accept' wrote. Run it once and commit the file."},
    Code{"MLQ205", "a baseline of other samples",
         "Figures over different samples cannot be compared. Run 'mlqc accept' again."},
    Code{"MLQ206", "a limit that cannot be reached",
         "No result, or none over so few samples, can meet this limit."},
    Code{"MLQ207", "confidence without an interval", "Only agreements have an interval at a confidence."},
    Code{"MLQ208", "a broken baseline",
         "The baseline file is damaged, perhaps by a merge. Run 'mlqc accept' again."},
    Code{"MLQ209", "nothing was measured", "The limit needs figures, and no sample was run."},
    Code{"MLQ210", "samples failed",
         "A sample that cannot be read or run counts in no figure, so the gate does not pass."},
    Code{"MLQ211", "the gate is off", "The build goes on whatever the figures are."},
    Code{"MLQ220", "nothing was measured yet", "The gate judges what 'mlqc quantize' measured."},
    Code{"MLQ221", "measured with other settings", "The manifest changed since the model was quantized."},
    Code{"MLQ222", "not accepted",
         "A baseline is what a person accepted, with a reason, outside of continuous integration."},
    Code{"MLQ223", "no measured model",
         "'gate --all' looks for what building 'mlq_models' left in the folder."},
    Code{"MLQ224", "an orphan", "A baseline that no manifest of the build names protects nothing."},
    // 3xx: the model.
    Code{"MLQ301", "cannot be opened", "The file is missing, unreadable or a folder."},
    Code{"MLQ302", "an empty file", "The model file has no bytes: a download or a copy was cut off."},
    Code{"MLQ303", "a Git LFS pointer",
         "The repository holds a pointer to the model. 'git lfs pull' fetches the model itself."},
    Code{"MLQ304", "a web page", "The file is an HTML page, most likely the page about the model."},
    Code{"MLQ305", "unknown format", "No front end reads files of this extension."},
    Code{"MLQ306", "a damaged model", "The file ends early or its structure is broken."},
    Code{"MLQ307", "a model that claims too much", "The file declares more than its bytes can hold."},
    Code{"MLQ308", "shapes that do not fit", "The layers' shapes do not fit each other."},
    Code{"MLQ310", "unsupported kind of model", "The format is known, but not this kind of model in it."},
    Code{"MLQ311", "unsupported layers",
         "The runtime has no kernel for these layers. All of them are named."},
    Code{"MLQ312", "a model that makes no sense",
         "Layers refer to what does not exist, or their shapes do not fit."},
    Code{"MLQ337", "an input of no shape",
         "The file does not even say how many dimensions an input has. The manifest does: interface: { "
         "inputs: { X: { shapes: 1x3x224x224 } } }."},
    Code{"MLQ313", "not the pinned model", "The model file's SHA-256 is not the manifest's."},
    Code{"MLQ314", "a custom layer, metric or quantizer without code",
         "The manifest names it, but no plugin brings it: the build makes one of CUSTOM_LAYERS, "
         "METRICS and QUANTIZERS."},
    Code{"MLQ315", "a custom layer that fell over",
         "Code of the user's crashed, ended the process, or did not come back. The message names the layer "
         "and "
         "the method."},
    Code{"MLQ316", "a custom layer that fails",
         "No sample could be run, because a layer of the user's refused, threw, or gave no numbers."},
    Code{"MLQ317", "a metric that fails", "A metric of the user's own threw an exception."},
    Code{"MLQ318", "a quantizer that fails",
         "A function of the user's own for 'custom_lut' threw, refused, or gave a table or indices that "
         "cannot be."},
    Code{"MLQ330", "a weight or reference that cannot be used",
         "A weight is not a number or infinite, or a file that the model refers to is out of bounds."},
    Code{"MLQ331", "unsupported type", "The model holds tensors of a type that the runtime does not have."},
    Code{"MLQ332", "broken tensor", "A tensor's bytes and its shape do not fit."},
    Code{"MLQ333", "unreadable ONNX", "The file is damaged, too large for its format, or no ONNX."},
    Code{"MLQ334", "unsupported attribute",
         "An operator has an attribute that the runtime does not support."},
    Code{"MLQ335", "unsupported version", "The model is of a version of its format that is not supported."},
    Code{"MLQ336", "a graph that makes no sense",
         "Layers refer to what does not exist, or their shapes do not fit."},
    Code{"MLQ390", "the artifact is refused", "The .mlq file is damaged, or of another version."},
    Code{"MLQ391", "the runtime cannot run it", "The model loads, but cannot be prepared or run."},
    Code{"MLQ399", "not usable by a wrapper", "The model's interface cannot be expressed in C++."},
    // 4xx: samples.
    Code{"MLQ401", "no folder of samples", "The folder does not exist or cannot be listed."},
    Code{"MLQ402", "no samples", "The folder holds no file that the model could take."},
    Code{"MLQ403", "samples of another kind",
         "Images feed models with one image input; others take .npy files."},
    Code{"MLQ404", "models that do not fit", "The two models have different inputs or outputs."},
    Code{"MLQ405", "an input that cannot be used",
         "The file is damaged, or has another shape or type than the input."},
    Code{"MLQ406", "a sample that calibrates and judges",
         "The same sample is under `calibrate` and under `validate`; choose other ones for one of them."},
    Code{"MLQ407", "labels that do not fit",
         "A sample has no label, or one that the model does not know: accuracy would mean nothing."},
    Code{"MLQ408", "an input of no size",
         "Random samples need a size for each dimension of each input; the model leaves one open. The "
         "manifest's `shapes` binds it, or samples from files do."},
    // 5xx: outputs.
    Code{"MLQ501", "cannot write",
         "The output folder is missing, full or not writable. Nothing half-written stays."},
    Code{"MLQ502", "exists already", "The file would be overwritten."},
    Code{"MLQ503", "not to be said in ONNX",
         "A layer has no operator in ONNX, or one that means less. All such layers are named at once; the "
         "other "
         "formats of `emit` are not concerned."},
    // 9xx: mlqc itself.
    Code{"MLQ900", "internal error", "mlqc met something that it did not foresee, or ran out of memory."},
    Code{"MLQ901", "internal error", "A part of mlqc gave another part something wrong."},
};

}  // namespace

std::span<const Code> codes() { return table; }

}  // namespace mlqc
