# Run by ctest: see CMakeLists.txt.
set(work "${BUILD}/package_test")
set(prefix "${work}/prefix")
file(REMOVE_RECURSE "${work}")

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed (${result}): ${ARGN}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

run(${CMAKE_COMMAND} --install "${BUILD}" --prefix "${prefix}")
foreach(program ndb-writer ndb-reader)
  run("${prefix}/bin/${program}" --version)
endforeach()
run(${CMAKE_COMMAND} -S "${SOURCE}/examples/embedded" -B "${work}/example" -G Ninja -DCMAKE_PREFIX_PATH=${prefix}
    -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER})
run(${CMAKE_COMMAND} --build "${work}/example")
foreach(round RANGE 1 2)  # the second finds what the first has written
  run("${work}/example/embedded_example" "${work}/data")
  if(NOT output MATCHES "  orange  .*  red  .*cold colours only:.*  blue  ")
    message(FATAL_ERROR "unexpected output in round ${round}:\n${output}")
  endif()
endforeach()
