# The artifact inside the program, with link-time optimisation and unity builds on.
include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")
fresh()
configure(good -DEMBED=ON -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON -DCMAKE_POLICY_DEFAULT_CMP0069=NEW
          -DCMAKE_UNITY_BUILD=ON "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror")
build(good)
set(artifact "${BUILD}/models/mlq/tiny/tiny.mlq")
file(RENAME "${artifact}" "${WORK}/aside")
run_app()
file(RENAME "${WORK}/aside" "${artifact}")

forget()
build(good)
expect_ran(0 ".")
newer("${PROJECT}/models/tiny.mlmodel")
build(good)
expect_ran(0 "^(compile|link)")

# Other bytes are other programs.
forget()
manifest(6 0.1)
build(good app)
expect_ran(1 "^compile .*blob.cpp")
expect_ran(1 "^link")
run_app()

# Nothing to install beside it.
run(good "${CMAKE_COMMAND}" --install "${BUILD}" --config ${CONFIG} --prefix "${WORK}/installed")
if(EXISTS "${WORK}/installed/bin/tiny.mlq")
  message(FATAL_ERROR "an embedded model was installed as a file")
endif()
