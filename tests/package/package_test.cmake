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

# From C: by find_package without what C++ needs, and by pkg-config.
set(program "${SOURCE}/tests/unit/bindings/c/c11_program.c")
run(${CMAKE_COMMAND} -S "${SOURCE}/tests/package/c_consumer" -B "${work}/c_consumer" -G Ninja -DCMAKE_PREFIX_PATH=${prefix}
    -DCMAKE_C_COMPILER=${C_COMPILER} -DPROGRAM=${program})
run(${CMAKE_COMMAND} --build "${work}/c_consumer")
run("${work}/c_consumer/c_consumer")
find_program(pkg_config NAMES pkg-config pkgconf REQUIRED)
file(GLOB_RECURSE description "${prefix}/ndb.pc")
get_filename_component(folder "${description}" DIRECTORY)
run(${CMAKE_COMMAND} -E env "PKG_CONFIG_PATH=${folder}" "${pkg_config}" --cflags --libs ndb)
separate_arguments(flags UNIX_COMMAND "${output}")
get_filename_component(library_folder "${folder}" DIRECTORY)
run("${C_COMPILER}" "${program}" ${flags} "-Wl,-rpath,${library_folder}" -o "${work}/by_pkg_config")
run("${work}/by_pkg_config")
