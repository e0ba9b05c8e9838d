# A project's days: the first build, nothing to do, a touched file, a stricter threshold, an installed app.
include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")
fresh()
configure(good)
build(good)
run_app()
expect_ran(1 "^end codegen tiny 0")
expect_ran(1 "^end quantize tiny 0")
expect_ran(1 "^end gate tiny 0")

forget()
build(good)
expect_ran(0 ".")

# The same content, newer: mlqc may look at it, nothing is compiled or linked for it.
newer("${PROJECT}/models/tiny.mlmodel")
build(good)
expect_ran(1 "^end gate")
expect_ran(0 "^(compile|link)")
forget()
build(good)
expect_ran(0 ".")

# A threshold is judged again without quantizing or measuring: measured.json holds times, it would differ.
set(measured "${BUILD}/models/mlq/tiny/tiny.measured.json")
file(SHA256 "${measured}" before)
manifest(8 0.6)
build(good)
file(SHA256 "${measured}" after)
expect_ran(1 "^end gate tiny 0")
expect_ran(0 "^(compile|link)")
if(NOT before STREQUAL after)
  message(FATAL_ERROR "a threshold was edited, and the model was measured again")
endif()

run(good "${CMAKE_CTEST_COMMAND}" --test-dir "${BUILD}" -C ${CONFIG} -R "^mlq.gate.tiny$")
expect_said("100% tests passed")
build(good mlq_report)
expect_said("tiny: green")

# Installed: the artifact lies beside the executable, and the build folder is no more.
run(good "${CMAKE_COMMAND}" --install "${BUILD}" --config ${CONFIG} --prefix "${WORK}/installed")
file(REMOVE_RECURSE "${BUILD}")
run(good "${WORK}/installed/bin/app")
expect_said("label [0-9]")
file(RENAME "${WORK}/installed/bin/tiny.mlq" "${WORK}/tiny.mlq")
run(bad "${WORK}/installed/bin/app")
expect_said("found no tiny.mlq; looked for .*MLQ_MODEL_DIR")
run(good "${CMAKE_COMMAND}" -E env "MLQ_MODEL_DIR=${WORK}" "${WORK}/installed/bin/app")
