# Every case with its own input file, made small where it is long: verdict, progress, VTK fields and pictures.
function(add_case_test name input ranks)
  cmake_parse_arguments(PARSE_ARGV 3 CASE "" "" "WITH;EXPECT")
  add_test(NAME s3d.case.${name} COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/tests/case.py $<TARGET_FILE:s3d-mini>
    ${CMAKE_CURRENT_SOURCE_DIR}/inputs/${input}.nml ${CASE_WITH} --expect ${CASE_EXPECT}
    --launch ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${ranks} ${MPIEXEC_PREFLAGS})
  set_tests_properties(s3d.case.${name} PROPERTIES PROCESSORS ${ranks})
endfunction()
add_case_test(ignition_h2 ignition_h2 2 WITH points=24,24,24 steps=30 report_every=10 write_every=20 method='mpi' compare=.false.
  EXPECT T_min=795:803 T_max=1820:1890 speed=80:100)
add_case_test(ignition_h2.anisotropic ignition_h2 4 WITH points=9,20,32 ranks=1,2,2 length=1d-3,1.5d-3,2d-3 steps=10 method='mpi' compare=.false.)
if(S3D_WITH_COHORT)
  add_case_test(ignition_h2.tasks ignition_h2 2 WITH points=16,16,16 steps=20 EXPECT T_min=795:803 T_max=1820:1890)
endif()
# The vortex's coldest point, 300 K (1 - e Ma^2/3), has moved a quarter of the box, onto a point.
add_case_test(vortex vortex 1 EXPECT T_min=275.4:275.65 T_max=299.99:300.1)
add_case_test(acoustic acoustic 1 EXPECT speed=3.2255e-4:3.2262e-4)
# exp(-nu k^2 t) after 41.1 us.
add_case_test(shear shear 1 EXPECT speed=9.245e-3:9.247e-3)
# Cantera's vessel has 2854.2 K and 1.7748e5 Pa at 50 us; with steps that the chemistry limits as well.
add_case_test(ignition_0d ignition_0d 1 EXPECT T_max=2854:2854.5 p_max=1.7746e5:1.775e5)
add_case_test(ignition_0d.own_step ignition_0d 1 WITH fixed_dt=0 chemical_cfl=3 steps=100000 end_time=5d-5
  EXPECT T_max=2854:2854.5 p_max=1.7746e5:1.775e5)
add_case_test(flame_1d flame_1d 2 WITH steps=100 report_every=50 EXPECT T_min=299:301 T_max=1970:1985)
add_case_test(ignition_gri30 ignition_gri30 2 WITH points=10,9,9 steps=3 report_every=1 EXPECT T_min=1199:1201 T_max=1880:1890)
add_case_test(ignition_gri30_noN ignition_gri30_noN 2 WITH points=10,9,12 steps=5 EXPECT T_min=1199:1201 T_max=1915:1935)

add_test(NAME s3d.restart COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/tests/restart.py $<TARGET_FILE:s3d-mini>
  ${CMAKE_CURRENT_SOURCE_DIR}/inputs/ignition_h2.nml ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${MPIEXEC_PREFLAGS})
add_test(NAME s3d.bad_input COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/tests/bad_input.py $<TARGET_FILE:s3d-mini>
  $<TARGET_FILE:s3d-rhs> ${CMAKE_CURRENT_SOURCE_DIR}/inputs/ignition_h2.nml $<IF:$<BOOL:${S3D_WITH_COHORT}>,all,mpi> ${launch_2})
set_tests_properties(s3d.restart s3d.bad_input PROPERTIES PROCESSORS 2)
