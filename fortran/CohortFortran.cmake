# The module's sources, each after those that it uses.
set(COHORT_FORTRAN_SOURCES cohort_types.f90 cohort_c_tasks.f90 cohort_c.f90 cohort_support.f90 cohort_boxes.f90
  cohort_regions.f90 cohort_partitions.f90 cohort_tasks.f90 cohort_devices.f90 cohort_projections.f90 cohort_launches.f90 cohort_futures.f90 cohort_predicates.f90
  cohort_reductions.f90 cohort_inline.f90 cohort_layouts.f90 cohort_views.F90 cohort_interop.f90 cohort_machine.f90 cohort_mappers.f90
  cohort.F90)

# cohort_fortran_library(target folder include with_mpi): the Fortran module as a static library, from its sources in `folder`
# and cohort.h in `include`.
function(cohort_fortran_library target folder include with_mpi)
  list(TRANSFORM COHORT_FORTRAN_SOURCES PREPEND "${folder}/" OUTPUT_VARIABLE sources)
  # Apart, since CMake hands the options of MPI's Fortran wrapper to the C compiler as well.
  add_library(${target}_descriptor OBJECT ${folder}/cohort_descriptor.c)
  target_include_directories(${target}_descriptor PRIVATE ${include})
  set_target_properties(${target}_descriptor PROPERTIES POSITION_INDEPENDENT_CODE ON)
  add_library(${target} STATIC ${sources} $<TARGET_OBJECTS:${target}_descriptor>)
  set(modules ${CMAKE_CURRENT_BINARY_DIR}/${target}_modules)
  set_target_properties(${target} PROPERTIES Fortran_MODULE_DIRECTORY ${modules} POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${modules}>)
  if(CMAKE_Fortran_COMPILER_ID STREQUAL "LLVMFlang")
    # Its own ISO_Fortran_binding.h, which a C compiler does not find by itself, before that of gfortran.
    get_filename_component(flang "${CMAKE_Fortran_COMPILER}" REALPATH)
    get_filename_component(flang_prefix "${flang}/../.." ABSOLUTE)
    target_include_directories(${target}_descriptor BEFORE PRIVATE ${flang_prefix}/include/flang)
  endif()
  if(with_mpi)
    find_package(MPI COMPONENTS Fortran)
    if(MPI_Fortran_FOUND)
      target_link_libraries(${target} PUBLIC MPI::MPI_Fortran)
    endif()
    if(MPI_Fortran_HAVE_F08_MODULE)
      target_compile_definitions(${target} PRIVATE $<$<COMPILE_LANGUAGE:Fortran>:COHORT_WITH_MPI_F08>)
    else()
      message(NOTICE "Cohort: ${CMAKE_Fortran_COMPILER} cannot use this MPI's module mpi_f08; the Fortran module takes integer communicators only")
    endif()
  endif()
endfunction()
