# Runs PROGRAM in a fresh FOLDER: it must print what the file PRINTS holds. Run by ctest.
file(REMOVE_RECURSE "${FOLDER}")
file(MAKE_DIRECTORY "${FOLDER}")
execute_process(COMMAND "${PROGRAM}" WORKING_DIRECTORY "${FOLDER}" RESULT_VARIABLE result OUTPUT_VARIABLE output)
file(READ "${PRINTS}" expected)
if(NOT result EQUAL 0 OR NOT output STREQUAL expected)
  message(FATAL_ERROR "it ended with ${result} and printed\n${output}\nrather than\n${expected}")
endif()
