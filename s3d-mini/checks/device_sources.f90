!> s3d-device-sources MECHANISM FOLDER [euler|correction]: the kernels for devices as files FOLDER/primitives.c and so on, each one
!> text that is CUDA C, OpenCL C and C: to look at, or to compile by hand.
program device_sources
  use device_source, only: file_text, kernel_name, kernel_source
  use flow, only: flow_t
  use mechanism_reader, only: mechanism_read
  use refusal, only: fail
  implicit none
  type(flow_t) :: f
  character(512) :: argument(3), error, path
  integer :: a, unit, io
  if (command_argument_count() < 2) call fail('usage: s3d-device-sources MECHANISM FOLDER [euler|correction]')
  do a = 1, 3
    call get_command_argument(a, argument(a))
  end do
  if (all(argument(3) /= [character(10) :: '', 'euler', 'correction'])) &
    call fail('"'//trim(argument(3))//'" is neither euler nor correction')
  call mechanism_read(trim(argument(1)), f%mech, error)
  if (error /= '') call fail(error)
  f%n = f%mech%n_species
  f%viscous = argument(3) /= 'euler'
  f%reacting = f%viscous
  f%correction_velocity = argument(3) == 'correction'
  if (f%viscous .and. .not. f%mech%has_transport) call fail(trim(argument(1))//' has no transport data: name "euler"')
  do a = 1, size(kernel_name)
    path = trim(argument(2))//'/'//trim(kernel_name(a))//'.c'
    open (newunit=unit, file=path, access='stream', status='replace', action='write', iostat=io)
    if (io /= 0) call fail(trim(path)//' cannot be written')
    write (unit) file_text('cohort_kernel.h')//kernel_source(f, trim(kernel_name(a)))
    close (unit)
  end do
end program
