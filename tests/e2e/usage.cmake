# What a project may get wrong is said when it is configured, with what would be right.
include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")
fresh()

# say(CALL REGEX): configuring a project with this call fails and says so.
function(say call regex)
  file(WRITE "${PROJECT}/models/CMakeLists.txt" "${call}\n")
  file(REMOVE_RECURSE "${BUILD}")
  configure(bad ${ARGN})
  expect_said("${regex}")
endfunction()

say("mlq_add_model(tiny MANIFEST tiny.mlq.yaml EMBEDDED)" "does not know 'EMBEDDED'; the keywords are MANIFEST, EMBED")
say("mlq_add_model(tiny)" "MANIFEST without a value; at least: mlq_add_model.tiny MANIFEST models/tiny.mlq.yaml")
say("mlq_add_model(tiny MANIFEST)" "MANIFEST without a value")
say("mlq_add_model(tiny MANIFEST tinny.mlq.yaml)" "there is no manifest .*tinny.mlq.yaml")
say("mlq_add_model(a/b MANIFEST tiny.mlq.yaml)" "a target's name is made of letters")
say("mlq_add_model(tiny MANIFEST tiny.mlq.yaml)" "MLQ_GATE is 'maybe'; it may be error, warn or off" -DMLQ_GATE=maybe)
say("add_library(x INTERFACE)\nmlq_install_models(TARGETS x)" "mlq_add_model did not make 'x'")

# A compiler of another version, none at all, and one that does not run here.
file(WRITE "${WORK}/old" "#!/bin/sh\necho mlqc 9.7.1\n")
file(WRITE "${WORK}/foreign" "no program")
file(CHMOD "${WORK}/old" "${WORK}/foreign" PERMISSIONS OWNER_READ OWNER_EXECUTE)
foreach(tool IN ITEMS old foreign none)
  say("mlq_add_model(tiny MANIFEST tiny.mlq.yaml)" "needs an mlqc [0-9.]+ that runs on this machine.*MLQC_EXECUTABLE"
      "-DMLQC_EXECUTABLE=${WORK}/${tool}")
endforeach()

# A cross build takes no mlqc from the tree of the target, but the one of this machine that it is shown.
file(COPY "${SOURCE}/tests/e2e/consumer/models/CMakeLists.txt" DESTINATION "${PROJECT}/models")
set(cross -DCMAKE_SYSTEM_NAME=Linux -DMLQC_EXECUTABLE= "-DCMAKE_PROGRAM_PATH=${PREFIX}/bin")
file(REMOVE_RECURSE "${BUILD}")
configure(bad ${cross})
expect_said("looked at PATH, which answers ''")
file(REMOVE_RECURSE "${BUILD}")
configure(good ${cross} "-Dmlq_HOST_PREFIX=${PREFIX}")
