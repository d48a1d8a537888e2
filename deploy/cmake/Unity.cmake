# Sanitizer builds (NDB_UNITY) compile the files of a folder together: alone, each would spend most of its time on the same headers
# again. So names in unnamed namespaces must differ within a folder; tests/tidy says where they do not.

# ndb_unite(TARGET): to be called when the target has all its sources.
function(ndb_unite target)
  if(NOT NDB_UNITY)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  get_target_property(sources ${target} SOURCES)
  get_target_property(base ${target} SOURCE_DIR)
  foreach(source IN LISTS sources)
    get_filename_component(path "${source}" ABSOLUTE BASE_DIR "${base}")
    get_filename_component(folder "${path}" DIRECTORY)
    if(folder STREQUAL "${PROJECT_SOURCE_DIR}/shared/simd" OR NOT source MATCHES "\\.cpp$")
      continue()  # each kernel file has flags of its own
    endif()
    file(RELATIVE_PATH folder "${PROJECT_SOURCE_DIR}" "${folder}")
    string(MAKE_C_IDENTIFIER "${folder}" group)
    set_property(SOURCE "${path}" TARGET_DIRECTORY ${target} PROPERTY UNITY_GROUP "${group}")
  endforeach()
endfunction()
