# Methods 'tasks' and 'direct' give what plain MPI gives, to the last bit.
foreach(method direct tasks)
  foreach(case reacting flat)
    configure_file(${CMAKE_CURRENT_SOURCE_DIR}/tests/${case}_equals_mpi.nml.in ${CMAKE_CURRENT_BINARY_DIR}/tests/${case}_${method}.nml @ONLY)
  endforeach()
endforeach()

# equals_mpi(case method ranks workers by_messages [add_test's arguments...])
function(equals_mpi case method ranks workers by_messages)
  set(suffix "")
  if(by_messages)
    set(suffix .by_messages)
  endif()
  set(test s3d.${method}_equals_mpi.${case}.${ranks}_ranks.${workers}_workers${suffix})
  add_test(NAME ${test} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/.. ${ARGN}
    COMMAND ${CMAKE_COMMAND} -E env COHORT_WORKERS=${workers} COHORT_FORCE_MESSAGES=${by_messages}
      ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${ranks} ${MPIEXEC_PREFLAGS}
      $<TARGET_FILE:s3d-mini> ${CMAKE_CURRENT_BINARY_DIR}/tests/${case}_${method}.nml)
  set_tests_properties(${test} PROPERTIES PASS_REGULAR_EXPRESSION "${method} differs by  0.00E.00.*PASSED" RUN_SERIAL ON)
endfunction()

foreach(method direct tasks)
  foreach(workers 1 2)
    foreach(by_messages 0 1)
      foreach(ranks 1 2 4)
        equals_mpi(reacting ${method} ${ranks} ${workers} ${by_messages})
      endforeach()
      # With ctest -C Long alone.
      equals_mpi(reacting ${method} 8 ${workers} ${by_messages} CONFIGURATIONS Long)
    endforeach()
    foreach(ranks 1 2)
      equals_mpi(flat ${method} ${ranks} ${workers} 0)
    endforeach()
  endforeach()
endforeach()
