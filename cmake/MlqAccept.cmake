# cmake -P: makes the measured figures of one model its baseline. MLQC MANIFEST DIR NAME come with -D; why comes
# from whoever accepts, in the environment.
if("$ENV{MLQ_REASON}" STREQUAL "")
  message(FATAL_ERROR "say why in the environment: MLQ_REASON='retrained' cmake --build ... --target mlq_accept")
endif()
execute_process(COMMAND "${MLQC}" accept "${MANIFEST}" -o "${DIR}" --name "${NAME}" --reason "$ENV{MLQ_REASON}" --yes
                RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "mlqc did not accept ${NAME}")
endif()
