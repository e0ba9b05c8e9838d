# The app's source is compiled while the model is quantized, and linked after the gate. (Not with Makefiles, whose
# targets wait for whole targets.) The shim lets no quantization end before.
include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")
foreach(embed IN ITEMS OFF ON)
  fresh()
  file(WRITE "${WORK}/hold" "")
  configure(good -DEMBED=${embed})
  build(good)
  expect_order("^end codegen" "^compile app.cpp")
  expect_order("^compile app.cpp" "^end quantize")
  expect_order("^end gate" "^link")
  run_app()
endforeach()
