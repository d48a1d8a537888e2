# ndb_schema(TARGET schema.fbs...): generates <name>_generated.h at build time into the build tree's include folder.
function(ndb_schema target)
  set(out "${PROJECT_BINARY_DIR}/generated/ndb_schema")
  file(MAKE_DIRECTORY "${out}")
  foreach(schema IN LISTS ARGN)
    get_filename_component(stem "${schema}" NAME_WE)
    get_filename_component(schema_path "${schema}" ABSOLUTE)
    if(NOT TARGET ndb_schema_${stem})
      add_custom_command(
        OUTPUT "${out}/${stem}_generated.h"
        COMMAND ${NDB_FLATC} --cpp --scoped-enums -o "${out}" "${schema_path}"
        DEPENDS "${schema_path}" VERBATIM)
      add_custom_target(ndb_schema_${stem} DEPENDS "${out}/${stem}_generated.h")
    endif()
    add_dependencies(${target} ndb_schema_${stem})
  endforeach()
  target_include_directories(${target} SYSTEM PRIVATE "${PROJECT_BINARY_DIR}/generated")
endfunction()
