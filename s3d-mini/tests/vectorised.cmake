# The loops over grid points must run in vector registers. Only gfortran writes the report that tells.
set(vector_kernels thermodynamics kinetics transport point_physics stencil viscous_stress diffusive_flux fluxes divergence
  runge_kutta)
if(CMAKE_Fortran_COMPILER_ID STREQUAL "GNU")
  set(option_sets "")
  foreach(kernel ${vector_kernels})
    get_source_file_property(own kernels/${kernel}.f90 COMPILE_OPTIONS)
    set(option_set ${CMAKE_CURRENT_SOURCE_DIR}/kernels/${kernel}.f90)
    if(own)
      string(REPLACE ";" "," own "${own}")
      string(APPEND option_set ",${own}")
    endif()
    list(APPEND option_sets ${option_set})
  endforeach()
  add_test(NAME s3d.vectorised COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/tests/vectorised.py
    ${CMAKE_CURRENT_BINARY_DIR}/modules ${option_sets} -- ${CMAKE_Fortran_COMPILER} -O3 -fstack-arrays -fimplicit-none
    $<$<BOOL:${S3D_NATIVE}>:-march=native>)
endif()
