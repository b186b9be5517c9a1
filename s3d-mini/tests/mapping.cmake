# Mapping changes no result: the run by plain MPI, then by tasks under a hundred random mappers and under one that answers nonsense.
add_executable(s3d_mapping_check tests/mapping_check.f90)
target_link_libraries(s3d_mapping_check PRIVATE s3d_checks)
set_target_properties(s3d_mapping_check PROPERTIES LINKER_LANGUAGE Fortran)
foreach(ranks 1 2)
  add_test(NAME s3d.mapping.${ranks}_ranks COMMAND ${CMAKE_COMMAND} -E env COHORT_WORKERS=2
    ${launch_${ranks}} $<TARGET_FILE:s3d_mapping_check> ${mechanism} 100)
  set_tests_properties(s3d.mapping.${ranks}_ranks PROPERTIES RUN_SERIAL ON)
endforeach()

# A mapping file has the last word on tiles; rows that cannot be are refused. FAIL: the program did not ask.
function(mapping_file name tile_y pass)
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/tests/${name}.map "[tunables]\ntile_y = ${tile_y}\ntile_z = 7\n")
  add_test(NAME s3d.mapping.file.${name} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/..
    COMMAND ${CMAKE_COMMAND} -E env COHORT_WORKERS=2 COHORT_MAPPING=${CMAKE_CURRENT_BINARY_DIR}/tests/${name}.map
      ${launch_2} $<TARGET_FILE:s3d-mini> ${CMAKE_CURRENT_BINARY_DIR}/tests/reacting_tasks_fortran.nml)
  set_tests_properties(s3d.mapping.file.${name} PROPERTIES PASS_REGULAR_EXPRESSION "${pass}" FAIL_REGULAR_EXPRESSION "cohort: " RUN_SERIAL ON)
endfunction()
mapping_file(tiles 5 "tasks differs by  0.00E.00.*PASSED")
mapping_file(no_rows 0 "s3d-mini: tunable tile_y = 0 must be at least 1 row")
