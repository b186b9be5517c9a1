# The flow solver: stencils, time, flows with an analytic answer, conservation, the whole right-hand side.
add_library(s3d_checks STATIC tests/checks.f90 tests/runs.f90)
target_link_libraries(s3d_checks PUBLIC s3d_driver)
set_target_properties(s3d_checks PROPERTIES Fortran_MODULE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/modules)
foreach(program stencil_check flow_check reacting_check)
  add_executable(s3d_${program} tests/${program}.f90)
  target_link_libraries(s3d_${program} PRIVATE s3d_checks)
  set_target_properties(s3d_${program} PROPERTIES LINKER_LANGUAGE Fortran)
endforeach()

add_test(NAME s3d.stencils COMMAND s3d_stencil_check)
add_test(NAME s3d.flow.1 COMMAND s3d_flow_check ${mechanism} 96)
foreach(ranks 1 2 4 8)
  set(launch_${ranks} ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${ranks} ${MPIEXEC_PREFLAGS})
  add_test(NAME s3d.reacting.${ranks} COMMAND ${launch_${ranks}} $<TARGET_FILE:s3d_reacting_check> ${mechanism})
endforeach()
add_test(NAME s3d.flow.2 COMMAND ${launch_2} $<TARGET_FILE:s3d_flow_check> ${mechanism} 48)

set(rhs_reference Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/tests/rhs_reference.py $<TARGET_FILE:s3d-rhs> ${mechanism}
  ${reference}/rhs_reference_h2.json)
foreach(variant euler nochem full_last_species_closure full_correction_velocity)
  add_test(NAME s3d.rhs.${variant}.1 COMMAND ${rhs_reference} ${variant} mpi ${launch_1} -- 12 16 24 32)
  add_test(NAME s3d.rhs.${variant}.2 COMMAND ${rhs_reference} ${variant} mpi ${launch_2} -- 16 24 32 48 64)
endforeach()
