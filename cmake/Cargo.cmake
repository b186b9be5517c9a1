# Drives cargo: one target that builds the static and the shared library, in this build folder and with the MPI found.

# cohort_cargo_build(FEATURES f... MPICC wrapper): sets COHORT_STATIC_LIBRARY and COHORT_SHARED_LIBRARY, makes the target
# cohort_libraries.
function(cohort_cargo_build)
  cmake_parse_arguments(ARG "" "MPICC" "FEATURES" ${ARGN})
  find_program(CARGO cargo REQUIRED)
  set(target_dir ${CMAKE_CURRENT_BINARY_DIR}/cargo)
  list(JOIN ARG_FEATURES "," features)
  set(static ${target_dir}/release/libcohort.a)
  set(shared ${target_dir}/release/libcohort.so)
  add_custom_target(cohort_libraries ALL
    COMMAND ${CMAKE_COMMAND} -E env MPICC=${ARG_MPICC}
      ${CARGO} build --release --lib --locked --no-default-features --features "${features}" --target-dir ${target_dir}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
    BYPRODUCTS ${static} ${shared}
    COMMENT "Building libcohort with cargo"
    VERBATIM)
  set(COHORT_STATIC_LIBRARY ${static} PARENT_SCOPE)
  set(COHORT_SHARED_LIBRARY ${shared} PARENT_SCOPE)
endfunction()
