# mlq_add_model() and mlq_install_models(): the same after add_subdirectory, FetchContent and find_package.
#
#   mlq_add_model(NAME MANIFEST FILE [EMBED] [CUSTOM_LAYERS FILE...|TARGET...] [METRICS FILE...] [QUANTIZERS FILE...]
#                 [DEPENDS FILE...])
#
# makes the library NAME, whose header is <NAME.hpp>. Compiling against it waits for the wrapper only; linking
# with it waits for a green gate. Beside it: NAME_codegen, NAME_weights, NAME_gate, the CTest test
# mlq.gate.NAME, and for all models together mlq_models, mlq_report, mlq_accept.
#
# CUSTOM_LAYERS names the sources of the layers that the manifest's `custom_layers:` are about. They are compiled
# twice: into the library NAME, and into a module that mlqc runs while it validates the model (NAME_custom). A
# TARGET instead of a file is such a module already, built for this machine; a cross build needs one.
#
# METRICS and QUANTIZERS name the sources of the manifest's own metrics and of its `custom_lut`, which are compiled
# into that module only.
#
# With EMBED the artifact is in the program; without, NAME.mlq is looked for where the environment variable
# MLQ_MODEL_DIR says, beside the executable, and where it was built.

# The rules below need depfiles as CMake 3.20 treats them, also in projects that ask for an older CMake.
cmake_policy(VERSION 3.20...3.25)

set(MLQ_GATE "error" CACHE STRING "A red gate stops the build (error), is shown (warn), or is not looked at (off)")
set_property(CACHE MLQ_GATE PROPERTY STRINGS error warn off)
set(MLQ_THREADS "" CACHE STRING "Threads of each mlqc; empty: one per processor")
set(MLQ_PARALLEL_MODELS "" CACHE STRING
    "Models that Ninja quantizes at once, which bounds memory; empty: one per processor, 0: no bound")
option(MLQ_BUILD_FOLDER_LOOKUP "Programs also look for their models where these were built" ON)
mark_as_advanced(MLQ_THREADS MLQ_PARALLEL_MODELS MLQ_BUILD_FOLDER_LOOKUP)

function(mlq_add_model name)
  set(keywords "MANIFEST, EMBED, CUSTOM_LAYERS, METRICS, QUANTIZERS, DEPENDS")
  cmake_parse_arguments(PARSE_ARGV 1 arg "EMBED" "MANIFEST" "CUSTOM_LAYERS;METRICS;QUANTIZERS;DEPENDS")
  if(arg_UNPARSED_ARGUMENTS)
    list(JOIN arg_UNPARSED_ARGUMENTS "' '" unknown)
    message(FATAL_ERROR "mlq_add_model(${name}): does not know '${unknown}'; the keywords are ${keywords}")
  endif()
  if(NOT DEFINED arg_MANIFEST)
    list(APPEND arg_KEYWORDS_MISSING_VALUES MANIFEST)
    list(REMOVE_DUPLICATES arg_KEYWORDS_MISSING_VALUES)
  endif()
  if(arg_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "mlq_add_model(${name}): ${arg_KEYWORDS_MISSING_VALUES} without a value; "
            "at least: mlq_add_model(${name} MANIFEST models/${name}.mlq.yaml)")
  endif()
  if(NOT name MATCHES "^[A-Za-z0-9_.+-]+$")
    message(FATAL_ERROR "mlq_add_model('${name}'): a target's name is made of letters, digits and _ . + -")
  endif()
  get_filename_component(manifest "${arg_MANIFEST}" ABSOLUTE)
  get_source_file_property(generated "${manifest}" GENERATED)
  if(NOT EXISTS "${manifest}" AND NOT generated)
    message(FATAL_ERROR "mlq_add_model(${name}): there is no manifest ${manifest}")
  endif()
  _mlq_check_gate_mode()
  _mlq_find_compiler()
  _mlq_umbrella_targets()

  set(dir "${CMAKE_CURRENT_BINARY_DIR}/mlq/${name}")
  set(modules "")
  _mlq_own_files(${name} CUSTOM_LAYERS "${arg_CUSTOM_LAYERS}" layers_of_app modules)
  _mlq_own_files(${name} METRICS "${arg_METRICS}" metrics modules)
  _mlq_own_files(${name} QUANTIZERS "${arg_QUANTIZERS}" quantizers modules)
  _mlq_add_plugin(${name} "${manifest}" "${dir}" "${layers_of_app};${metrics};${quantizers}" "${modules}" plugins)
  _mlq_add_commands(${name} "${manifest}" "${dir}" "${plugins}" "${arg_DEPENDS}")
  _mlq_add_library(${name} "${dir}" "${arg_EMBED}")
  if(layers_of_app)
    target_sources(${name} PRIVATE ${layers_of_app})
    _mlq_include_layers(${name} "${manifest}")
  endif()
  _mlq_add_checks(${name} "${manifest}" "${dir}")
endfunction()

# Sorts what the user gives for a keyword: files, and targets that are modules already. The
# latter are added to those that are in `modules_out`.
function(_mlq_own_files name keyword given files_out modules_out)
  set(sources "")
  set(targets "${${modules_out}}")
  foreach(item IN LISTS given)
    if(TARGET "${item}")
      list(APPEND targets "${item}")
    else()
      get_filename_component(file "${item}" ABSOLUTE)
      get_source_file_property(generated "${file}" GENERATED)
      if(NOT EXISTS "${file}" AND NOT generated)
        message(FATAL_ERROR "mlq_add_model(${name}): ${keyword} names neither a file nor a target: '${item}'")
      endif()
      list(APPEND sources "${file}")
    endif()
  endforeach()
  set(${files_out} "${sources}" PARENT_SCOPE)
  set(${modules_out} "${targets}" PARENT_SCOPE)
endfunction()

# The module NAME_custom with the user's code in `files`, unless that is in `modules` already. `plugins` are the
# targets whose modules mlqc is to load.
function(_mlq_add_plugin name manifest dir files modules plugins)
  list(REMOVE_ITEM files "")
  if(files AND CMAKE_CROSSCOMPILING AND NOT modules)
    message(FATAL_ERROR "mlq_add_model(${name}): mlqc runs on this machine and cannot load a module for another. "
            "Build ${name}_custom for this machine first, import it as a target, and add it to CUSTOM_LAYERS")
  elseif(files AND NOT modules)
    _mlq_compiler_files(tool)
    _mlq_command(${name} plugin "${dir}" "own code of ${name}" "${name}.plugin.cpp"
      ARGS plugin "${manifest}" DEPENDS "${manifest}" ${tool})
    add_library(${name}_custom MODULE ${files} "${dir}/${name}.plugin.cpp")
    add_dependencies(${name}_custom ${name}_plugin)
    target_compile_features(${name}_custom PRIVATE cxx_std_20)
    target_link_libraries(${name}_custom PRIVATE mlq::runtime)
    _mlq_include_layers(${name}_custom "${manifest}")
    set_target_properties(${name}_custom PROPERTIES FOLDER mlq)
    set(modules ${name}_custom)
  endif()
  set(${plugins} "${modules}" PARENT_SCOPE)
endfunction()

# Where the manifest's `header:` is looked for: beside the manifest and beside the CMakeLists.txt.
function(_mlq_include_layers target manifest)
  get_filename_component(folder "${manifest}" DIRECTORY)
  target_include_directories(${target} PRIVATE "${folder}" "${CMAKE_CURRENT_SOURCE_DIR}")
endfunction()

# The three cuts: each a command whose output is a stamp. The files that users want are by-products, which mlqc
# writes only when their content changes, so that nothing behind them runs for a touched file.
function(_mlq_add_commands name manifest dir plugins depends)
  list(REMOVE_ITEM plugins "")
  set(plugin_options "")
  foreach(plugin IN LISTS plugins)
    list(APPEND plugin_options --plugin "$<TARGET_FILE:${plugin}>")
  endforeach()
  # GNU make does not see that a command line changed; it sees these files.
  file(CONFIGURE OUTPUT "${dir}/${name}.options" CONTENT "${manifest}\n${plugins}\n")
  file(CONFIGURE OUTPUT "${dir}/${name}.gate-mode" CONTENT "${MLQ_GATE}\n")

  _mlq_compiler_files(tool)
  set(inputs "${manifest}" "${dir}/${name}.options" ${tool} ${plugins} ${depends})
  set(threads "")
  if(MLQ_THREADS)
    set(threads --threads "${MLQ_THREADS}")
  endif()
  set(pool "")
  if(CMAKE_GENERATOR MATCHES "Ninja")
    _mlq_job_pool(pool)
  endif()
  _mlq_command(${name} codegen "${dir}" "wrapper of ${name}" "${name}.hpp;${name}.cpp"
    ARGS codegen "${manifest}" ${plugin_options} DEPENDS ${inputs})
  _mlq_command(${name} weights "${dir}" "quantizing and measuring ${name}" "${name}.mlq;${name}.measured.json"
    ARGS quantize "${manifest}" ${plugin_options} ${threads} DEPENDS ${inputs} RULE ${pool})
  set(note "")
  if(NOT MLQ_GATE STREQUAL "error")
    set(note " (MLQ_GATE=${MLQ_GATE}: red does not stop the build)")
  endif()
  _mlq_command(${name} gate "${dir}" "gate of ${name}${note}" "${name}.report.json;${name}.verdict"
    ARGS gate "${manifest}" --mode "${MLQ_GATE}" ${plugin_options}
    DEPENDS ${inputs} "${dir}/${name}.gate-mode" "${dir}/${name}.weights.stamp")
  add_dependencies(${name}_gate ${name}_weights)
endfunction()

# _mlq_command(NAME CUT DIR COMMENT FILES ARGS ... DEPENDS ... RULE ...): target NAME_CUT, which runs mlqc.
function(_mlq_command name cut dir comment files)
  cmake_parse_arguments(PARSE_ARGV 5 arg "" "" "ARGS;DEPENDS;RULE")
  list(TRANSFORM files PREPEND "${dir}/")
  set_source_files_properties(${files} PROPERTIES GENERATED TRUE)
  # Ninja must know who makes a file that another rule reads. Make would touch it with every stamp, and
  # compile and link again: there the order of the targets does it.
  set(byproducts "")
  if(CMAKE_GENERATOR MATCHES "Ninja")
    set(byproducts BYPRODUCTS ${files})
  endif()
  set(stamp "${dir}/${name}.${cut}.stamp")
  add_custom_command(OUTPUT "${stamp}" ${byproducts}
    COMMAND mlq::mlqc ${arg_ARGS} -o "${dir}" --name "${name}" --depfile "${dir}/${name}.${cut}.d" --stamp "${stamp}"
    DEPENDS ${arg_DEPENDS}
    DEPFILE "${dir}/${name}.${cut}.d" ${arg_RULE}
    COMMENT "mlqc: ${comment}" VERBATIM)
  add_custom_target(${name}_${cut} DEPENDS "${stamp}")
  set_target_properties(${name}_${cut} PROPERTIES FOLDER mlq ADDITIONAL_CLEAN_FILES "${files}")
endfunction()

function(_mlq_add_library name dir embed)
  add_library(${name} STATIC "${dir}/${name}.cpp" "${dir}/${name}.hpp")
  add_dependencies(${name} ${name}_codegen)
  target_compile_features(${name} PUBLIC cxx_std_20)
  target_include_directories(${name} PUBLIC "$<BUILD_INTERFACE:${dir}>")
  target_link_libraries(${name} PUBLIC mlq::runtime)
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON FOLDER mlq MLQ_EMBED "${embed}"
                        MLQ_ARTIFACT "${dir}/${name}.mlq")
  # What links NAME waits for the verdict; what compiles against it does not. Make knows no files of other
  # directories, only targets: there both wait.
  set_property(TARGET ${name} APPEND PROPERTY INTERFACE_LINK_DEPENDS "${dir}/${name}.verdict")
  if(NOT CMAKE_GENERATOR MATCHES "Ninja")
    add_dependencies(${name} ${name}_gate)
  endif()
  if(embed)
    _mlq_embed(${name} "${dir}")
  elseif(MLQ_BUILD_FOLDER_LOOKUP)
    target_compile_definitions(${name} PRIVATE "MLQ_BUILD_FOLDER=\"${dir}\"")
  endif()
endfunction()

# The artifact as an object file, by the assembler: an array in C++ takes a hundred times as long.
function(_mlq_embed name dir)
  string(MAKE_C_IDENTIFIER "mlq_embedded_${name}" symbol)
  if(NOT symbol STREQUAL "mlq_embedded_${name}")
    string(MD5 hash "${name}") # a-b and a.b are two models
    string(SUBSTRING "${hash}" 0 8 hash)
    string(APPEND symbol "_${hash}")
  endif()
  string(REPLACE "\\" "\\\\" artifact "${dir}/${name}.mlq")
  string(REPLACE "\"" "\\\"" artifact "${artifact}")
  file(CONFIGURE OUTPUT "${dir}/${name}.blob.cpp" @ONLY CONTENT [=[
// The bytes of @name@.mlq, between two symbols.
__asm__(R"(
  .pushsection .rodata
  .balign 64
  .global @symbol@_begin, @symbol@_end
  .hidden @symbol@_begin, @symbol@_end
@symbol@_begin:
  .incbin "@artifact@"
@symbol@_end:
  .byte 0
  .popsection
)");
]=])
  add_library(${name}_blob STATIC "${dir}/${name}.blob.cpp")
  # Link-time optimisation would lose symbols that only the assembler knows, unity builds their dependency.
  set_target_properties(${name}_blob PROPERTIES FOLDER mlq POSITION_INDEPENDENT_CODE ON UNITY_BUILD OFF
                        DISABLE_PRECOMPILE_HEADERS ON INTERPROCEDURAL_OPTIMIZATION OFF CXX_CLANG_TIDY "")
  foreach(config IN ITEMS DEBUG RELEASE RELWITHDEBINFO MINSIZEREL)
    set_target_properties(${name}_blob PROPERTIES INTERPROCEDURAL_OPTIMIZATION_${config} OFF)
  endforeach()
  target_compile_options(${name}_blob PRIVATE -fno-lto)
  add_dependencies(${name}_blob ${name}_weights)
  set_source_files_properties("${dir}/${name}.blob.cpp" PROPERTIES OBJECT_DEPENDS "${dir}/${name}.mlq")
  target_compile_definitions(${name} PRIVATE MLQ_EMBED_BEGIN=${symbol}_begin MLQ_EMBED_END=${symbol}_end)

  if(CMAKE_GENERATOR MATCHES "Ninja")
    # By its path: as a target, it would make whoever links it wait for the weights before compiling.
    set(folder "${dir}")
    get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
    if(multi_config)
      set(folder "${dir}/$<CONFIG>")
    endif()
    set_target_properties(${name}_blob PROPERTIES PREFIX "lib" SUFFIX ".a" DEBUG_POSTFIX ""
                          ARCHIVE_OUTPUT_DIRECTORY "${folder}")
    target_link_libraries(${name} PUBLIC "${folder}/lib${name}_blob.a")
  else()
    target_link_libraries(${name} PUBLIC ${name}_blob)
  endif()
endfunction()

# What looks at a model without being needed by it: the test, and a share in the umbrella targets.
function(_mlq_add_checks name manifest dir)
  add_test(NAME mlq.gate.${name} COMMAND mlq::mlqc gate "${manifest}" -o "${dir}" --name "${name}" --mode error)
  set_tests_properties(mlq.gate.${name} PROPERTIES SKIP_RETURN_CODE 77)
  if(MLQ_GATE STREQUAL "off")
    set_tests_properties(mlq.gate.${name} PROPERTIES DISABLED TRUE) # not run is not green
  endif()

  # Declared models are part of `all`, with their gates.
  add_custom_target(${name}_checked ALL)
  add_dependencies(${name}_checked ${name}_gate)
  add_dependencies(mlq_models ${name}_gate)
  set_property(TARGET mlq_report APPEND PROPERTY MLQ_REPORTS "${dir}/${name}.report.json")

  add_custom_target(${name}_accept
    COMMAND "${CMAKE_COMMAND}" "-DMLQC=$<TARGET_FILE:mlq::mlqc>" "-DMANIFEST=${manifest}" "-DDIR=${dir}"
            "-DNAME=${name}" -P "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/MlqAccept.cmake"
    COMMENT "mlqc: accepting ${name}" VERBATIM)
  add_dependencies(${name}_accept ${name}_weights)
  add_dependencies(mlq_accept ${name}_accept)
  set_target_properties(${name}_checked ${name}_accept PROPERTIES FOLDER mlq)
endfunction()

function(_mlq_umbrella_targets)
  if(TARGET mlq_models)
    return()
  endif()
  add_custom_target(mlq_models)
  add_custom_target(mlq_accept)
  # Not behind the gates: a red one is what people want to read about.
  add_custom_target(mlq_report
    COMMAND "${CMAKE_COMMAND}" "-DREPORTS=$<JOIN:$<TARGET_PROPERTY:mlq_report,MLQ_REPORTS>,|>"
            -P "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/MlqReport.cmake"
    COMMENT "mlqc: reports" VERBATIM)
  set_target_properties(mlq_models mlq_accept mlq_report PROPERTIES FOLDER mlq)
endfunction()

function(_mlq_check_gate_mode)
  if(NOT MLQ_GATE MATCHES "^(error|warn|off)$")
    message(FATAL_ERROR "MLQ_GATE is '${MLQ_GATE}'; it may be error, warn or off")
  endif()
  get_property(said GLOBAL PROPERTY MLQ_GATE_SAID)
  if(NOT MLQ_GATE STREQUAL "error" AND NOT said)
    message(WARNING "MLQ_GATE=${MLQ_GATE}: a red gate does not stop this build. Before you ship: -DMLQ_GATE=error")
    set_property(GLOBAL PROPERTY MLQ_GATE_SAID TRUE)
  endif()
endfunction()

# A pool of Ninja's, so that many models do not ask for memory at once.
function(_mlq_job_pool result)
  set(${result} "" PARENT_SCOPE)
  set(depth "${MLQ_PARALLEL_MODELS}")
  if(depth STREQUAL "")
    cmake_host_system_information(RESULT depth QUERY NUMBER_OF_LOGICAL_CORES)
  endif()
  if(depth LESS 1)
    return()
  endif()
  get_property(pools GLOBAL PROPERTY JOB_POOLS)
  if(NOT "${pools}" MATCHES "(^|;)mlq=")
    if(NOT pools) # the property replaces the project's variable
      set(pools "${CMAKE_JOB_POOLS}")
    endif()
    set_property(GLOBAL PROPERTY JOB_POOLS ${pools} "mlq=${depth}")
  endif()
  set(${result} JOB_POOL mlq PARENT_SCOPE)
endfunction()

# What rules of mlqc depend on: the target where it is built, the file where it is imported.
function(_mlq_compiler_files result)
  get_target_property(imported mlq::mlqc IMPORTED)
  get_target_property(real mlq::mlqc ALIASED_TARGET)
  if(imported)
    set(${result} "$<TARGET_FILE:mlq::mlqc>" PARENT_SCOPE)
  elseif(real)
    set(${result} ${real} PARENT_SCOPE)
  else()
    set(${result} mlq::mlqc PARENT_SCOPE)
  endif()
endfunction()

# mlq::mlqc, which runs on this machine: where mlq is only there for the target's machine (a cross build), the
# one that MLQC_EXECUTABLE or mlq_HOST_PREFIX names, or the one in PATH.
function(_mlq_find_compiler)
  if(TARGET mlq::mlqc)
    return()
  endif()
  set(MLQC_EXECUTABLE "" CACHE FILEPATH "The mlqc that runs during the build")
  set(tool "${MLQC_EXECUTABLE}")
  if(NOT tool AND mlq_HOST_PREFIX)
    set(tool "${mlq_HOST_PREFIX}/bin/mlqc")
  elseif(NOT tool)
    # PATH alone: the other places lead to what is installed for the target.
    find_program(MLQ_FOUND_MLQC mlqc NO_PACKAGE_ROOT_PATH NO_CMAKE_PATH NO_CMAKE_ENVIRONMENT_PATH
                 NO_CMAKE_SYSTEM_PATH NO_CMAKE_INSTALL_PREFIX NO_CMAKE_FIND_ROOT_PATH)
    mark_as_advanced(MLQ_FOUND_MLQC)
    set(tool "${MLQ_FOUND_MLQC}")
  endif()
  get_property(version GLOBAL PROPERTY MLQ_VERSION)
  set(said "")
  if(NOT tool)
    set(tool "PATH")
  else()
    execute_process(COMMAND "${tool}" --version OUTPUT_VARIABLE said ERROR_QUIET RESULT_VARIABLE failed)
  endif()
  string(REGEX MATCH "[0-9]+[.][0-9]+" series "${version}")
  string(REGEX MATCH "[0-9]+[.][0-9]+" said_series "${said}")
  if(NOT said OR failed OR NOT said_series STREQUAL series)
    string(STRIP "${said}" said)
    message(FATAL_ERROR "mlq needs an mlqc ${series} that runs on this machine; looked at ${tool}, which "
            "answers '${said}'.\nBuild mlq for this machine and then do one of: -DMLQC_EXECUTABLE=/path/to/mlqc; "
            "-Dmlq_HOST_PREFIX=/its/install/prefix; put mlqc into PATH.")
  endif()
  add_executable(mlq::mlqc IMPORTED GLOBAL)
  set_target_properties(mlq::mlqc PROPERTIES IMPORTED_LOCATION "${tool}")
endfunction()

# mlq_install_models(TARGETS NAME... [DESTINATION DIR] [COMPONENT C]): the artifacts, by default where the
# executables go, which is where wrappers look. Embedded models have none.
function(mlq_install_models)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "DESTINATION;COMPONENT" "TARGETS")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_TARGETS)
    message(FATAL_ERROR "mlq_install_models(TARGETS model... [DESTINATION dir] [COMPONENT name]): "
            "got '${ARGN}'")
  endif()
  if(NOT arg_DESTINATION)
    set(arg_DESTINATION bin)
    if(CMAKE_INSTALL_BINDIR)
      set(arg_DESTINATION "${CMAKE_INSTALL_BINDIR}")
    endif()
  endif()
  set(component "")
  if(arg_COMPONENT)
    set(component COMPONENT "${arg_COMPONENT}")
  endif()
  foreach(target IN LISTS arg_TARGETS)
    get_target_property(artifact ${target} MLQ_ARTIFACT)
    get_target_property(embed ${target} MLQ_EMBED)
    if(NOT artifact)
      message(FATAL_ERROR "mlq_install_models: mlq_add_model did not make '${target}'")
    elseif(NOT embed)
      install(FILES "${artifact}" DESTINATION "${arg_DESTINATION}" ${component})
    endif()
  endforeach()
endfunction()
