# What the scenarios share. They get GENERATOR, HOW (find_package, ...), PREFIX (an installed mlq), SOURCE (mlq's
# own), MLQC, CCACHE and WORK by -D, and run a user's project in a folder with a space in its name.
cmake_policy(VERSION 3.22)
set(WORK "${WORK}/with space")
set(PROJECT "${WORK}/project")
set(BUILD "${WORK}/build")
set(CONFIG Debug)

# A new copy of the consumer, its model, and the scripts that write down what runs.
function(fresh)
  file(REMOVE_RECURSE "${WORK}")
  file(COPY "${SOURCE}/tests/e2e/consumer/" DESTINATION "${PROJECT}")
  file(COPY_FILE "${SOURCE}/examples/digits/digits.mlmodel" "${PROJECT}/models/tiny.mlmodel")
  manifest(8 0.5)
  configure_file("${SOURCE}/tests/e2e/mlqc_shim.sh.in" "${WORK}/mlqc" @ONLY)
  configure_file("${SOURCE}/tests/e2e/launch.sh.in" "${WORK}/launch" @ONLY)
  file(CHMOD "${WORK}/mlqc" "${WORK}/launch" PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
  forget()
endfunction()

# The manifest, with a limit on the agreement.
function(manifest bits at_least)
  set(file "${PROJECT}/models/tiny.mlq.yaml")
  file(WRITE "${file}" "schema: 1
model:
  file: tiny.mlmodel
interface: { namespace: app, class: Tiny }
quantize:
  algorithm: kmeans_lut
  bits: ${bits}
validate:
  samples: { random: 8 }
gate:
  - { output: classLabelProbs, metric: top1_agreement, at_least: ${at_least} }
")
  newer("${file}")
endfunction()

# Unix Makefiles compare times: an edit in the same tick of the clock would be none.
function(newer file)
  execute_process(COMMAND "${CMAKE_COMMAND}" -E sleep 0.05)
  file(TOUCH "${file}")
endfunction()

# Runs a command; output in the variable `said`. Fails the test unless it ends as `expected`, good or bad.
macro(run expected)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said_too)
  string(APPEND said "${said_too}")
  if(("${expected}" STREQUAL "good" AND NOT status EQUAL 0) OR ("${expected}" STREQUAL "bad" AND status EQUAL 0))
    message(FATAL_ERROR "expected a ${expected} end of: ${ARGN}\nended with ${status} and said:\n${said}")
  endif()
endmacro()

# configure(good|bad [option...])
macro(configure expected)
  if(HOW STREQUAL "find_package")
    set(where "-DCMAKE_PREFIX_PATH=${PREFIX}")
  else()
    # The runtime is built with the project; the compiler need not be, once more. Its objects come from ccache.
    set(where "-DMLQ_SOURCE=${SOURCE}" -DMLQ_BUILD_COMPILER=OFF -DMLQ_WERROR=ON)
  endif()
  run(${expected} "${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${PROJECT}" -B "${BUILD}" -DHOW=${HOW} ${where}
      -DMODELS=tiny "-DMLQC_EXECUTABLE=${WORK}/mlqc" -DCMAKE_BUILD_TYPE=Debug -DMLQ_GATE=error
      "-DCMAKE_CXX_COMPILER_LAUNCHER=${WORK}/launch" "-DCMAKE_CXX_LINKER_LAUNCHER=${WORK}/launch" ${ARGN})
endmacro()

# build(good|bad [target...])
macro(build expected)
  set(targets "")
  if(NOT "${ARGN}" STREQUAL "")
    set(targets --target ${ARGN})
  endif()
  run(${expected} "${CMAKE_COMMAND}" --build "${BUILD}" -j 2 --config ${CONFIG} ${targets})
endmacro()

# Runs the app, which must print a label.
macro(run_app)
  set(app "${BUILD}/app")
  if(GENERATOR STREQUAL "Ninja Multi-Config")
    set(app "${BUILD}/${CONFIG}/app")
  endif()
  run(good "${app}")
  expect_said("label [0-9]")
endmacro()

macro(expect_said regex)
  string(REGEX REPLACE "[ \n]+" " " said "${said}") # CMake breaks lines where it likes
  if(NOT "${said}" MATCHES "${regex}")
    message(FATAL_ERROR "expected '${regex}' in:\n${said}")
  endif()
endmacro()

# The log of what ran since the last forget().
function(forget)
  file(WRITE "${WORK}/log" "")
endfunction()

# expect_ran(COUNT REGEX): that many lines of the log are like this.
function(expect_ran count regex)
  file(STRINGS "${WORK}/log" lines REGEX "${regex}")
  list(LENGTH lines found)
  if(NOT found EQUAL count)
    file(READ "${WORK}/log" log)
    message(FATAL_ERROR "expected ${count} times '${regex}', found ${found} in:\n${log}")
  endif()
endfunction()

# expect_order(REGEX REGEX): the first line like the one stands before the first like the other.
function(expect_order first second)
  file(STRINGS "${WORK}/log" lines)
  set(seen FALSE)
  foreach(line IN LISTS lines)
    if(line MATCHES "${first}")
      set(seen TRUE)
    elseif(line MATCHES "${second}" AND seen)
      return()
    elseif(line MATCHES "${second}")
      break()
    endif()
  endforeach()
  message(FATAL_ERROR "expected '${first}' before '${second}' in:\n${lines}")
endfunction()
