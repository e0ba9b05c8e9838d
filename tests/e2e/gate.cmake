# A red gate stops the build, also of the app alone; warn and off let it through and say so; error stops it again.
include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")
fresh()
manifest(8 2) # more than all of them
configure(good)
build(bad app)
expect_said("tiny.mlq.yaml:")
expect_ran(0 "^link")
expect_ran(1 "^end gate tiny 1")
build(bad)
build(bad) # and it stays so
build(good mlq_report)
expect_said("tiny: RED")

foreach(mode IN ITEMS warn off)
  forget()
  configure(good -DMLQ_GATE=${mode})
  expect_said("MLQ_GATE=${mode}: a red gate does not stop")
  build(good)
  expect_said("MLQ_GATE=${mode}: red does not stop")
  expect_ran(1 "^end gate tiny 0")
  run_app()
  forget()
  build(good)
  expect_ran(0 ".")
  if(mode STREQUAL "warn")
    # Where the build goes on, CTest still says it, in the form that build servers read.
    run(bad "${CMAKE_CTEST_COMMAND}" --test-dir "${BUILD}" -C ${CONFIG} -R "^mlq.gate.tiny$" --output-junit "${WORK}/junit.xml")
    file(READ "${WORK}/junit.xml" junit)
    foreach(words IN ITEMS "<testsuite" "tests=\"1\"" "failures=\"1\"" "<testcase name=\"mlq.gate.tiny\"" "top1_agreement of"
                           "note: measured on 8 of 8 samples")
      string(FIND "${junit}" "${words}" place)
      if(place EQUAL -1)
        message(FATAL_ERROR "CTest's JUnit has no ${words}:\n${junit}")
      endif()
    endforeach()
    forget()
  endif()

  # Back: nothing but the mode has changed, and the build must not stay green for it.
  configure(good -DMLQ_GATE=error)
  build(bad app)
  expect_ran(1 "^end gate tiny 1")
endforeach()

# The way out that is meant.
forget()
manifest(8 0.5)
build(good)
run_app()
