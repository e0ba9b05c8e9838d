# An ONNX classifier, whose file knows of no picture and no label, in place of the Core ML one: the same app compiles
# and runs, the same gate stops the build, and the ONNX file with quantized weights lies beside the artifact.
include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")

function(onnx_manifest at_least)
  set(file "${PROJECT}/models/tiny.mlq.yaml")
  file(WRITE "${file}" "schema: 1
model: { file: tiny.onnx }
interface:
  namespace: app
  class: Tiny
  inputs: { pixels: { rename: image, as: image, color: gray, layout: nchw, scale: 0.0078125, bias: -1 } }
  outputs: { digit: { labels: labels.txt, softmax: true } }
quantize: { algorithm: linear, bits: 8 }
validate: { samples: { random: 8 } }
gate:
  - { output: digit, metric: top1_agreement, at_least: ${at_least} }
emit: [onnx]
")
  newer("${file}")
endfunction()

fresh()
file(REMOVE "${PROJECT}/models/tiny.mlmodel")
file(COPY "${SOURCE}/tests/data/onnx/tiny.onnx" "${SOURCE}/tests/data/onnx/labels.txt" DESTINATION "${PROJECT}/models")
onnx_manifest(2) # more than all of them
configure(good)
build(bad app)
expect_said("tiny.mlq.yaml:11:") # the limit's own line
expect_ran(1 "^end gate tiny 1")

forget()
onnx_manifest(0.5)
build(good)
run_app()
file(GLOB_RECURSE emitted "${BUILD}/*/tiny.onnx")
if(NOT emitted)
  message(FATAL_ERROR "no tiny.onnx in ${BUILD}")
endif()
forget()
build(good)
expect_ran(0 ".")

# Labels are part of the wrapper and of the artifact.
file(READ "${PROJECT}/models/labels.txt" labels)
string(REPLACE "\n" "0\n" labels "${labels}")
file(WRITE "${PROJECT}/models/labels.txt" "${labels}")
newer("${PROJECT}/models/labels.txt")
build(good)
expect_ran(1 "^end quantize tiny 0")
run_app()
expect_said("label [0-9]0")
