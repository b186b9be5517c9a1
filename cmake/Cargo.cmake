# Drives cargo: one target that builds the static and the shared library, in this build folder and with the MPI found.

# cohort_cargo_build(FEATURES f... MPICC wrapper): sets COHORT_STATIC_LIBRARY and COHORT_SHARED_LIBRARY, makes the target
# cohort_libraries.
function(cohort_cargo_build)
  cmake_parse_arguments(ARG "" "MPICC" "FEATURES" ${ARGN})
  find_program(CARGO cargo REQUIRED)
  set(target_dir ${CMAKE_CURRENT_BINARY_DIR}/cargo)
  list(JOIN ARG_FEATURES "," features)
  set(profile release)
  set(folder release)
  if(CMAKE_BUILD_TYPE STREQUAL "Debug")
    set(profile dev)
    set(folder debug)
  endif()
  set(whole ${target_dir}/${folder}/libcohort.a)
  set(static ${CMAKE_CURRENT_BINARY_DIR}/libcohort.a)
  set(shared ${target_dir}/${folder}/libcohort.so)
  # `rustc` with the crate types named: `build` makes a Rust library as well, and for its sake leaves out optimisation at
  # link time. What the static library needs of the system is written down for a test.
  add_custom_target(cohort_libraries ALL
    COMMAND ${CMAKE_COMMAND} -E env MPICC=${ARG_MPICC}
      ${CARGO} rustc --lib --profile ${profile} --crate-type staticlib,cdylib --locked --no-default-features
        --features "${features}" --target-dir ${target_dir} -- --print native-static-libs=${CMAKE_CURRENT_BINARY_DIR}/native-static-libs.txt
    COMMAND ${CMAKE_COMMAND} -D WHOLE=${whole} -D SHARED=${shared} -D STATIC=${static} -D LINKER=${CMAKE_LINKER} -D NM=${CMAKE_NM}
      -D OBJCOPY=${CMAKE_OBJCOPY} -D AR=${CMAKE_AR} -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/StaticLibrary.cmake
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
    BYPRODUCTS ${static} ${shared}
    COMMENT "Building libcohort with cargo"
    VERBATIM)
  set(COHORT_STATIC_LIBRARY ${static} PARENT_SCOPE)
  set(COHORT_SHARED_LIBRARY ${shared} PARENT_SCOPE)
endfunction()
