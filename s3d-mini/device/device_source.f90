!> The text of each kernel of the right-hand side for devices: what is the same for all mechanisms lies in files of this folder that
!> the build puts into the program, the mechanism's part and the options are written when the program runs.
module device_source
  use, intrinsic :: iso_c_binding
  use flow, only: flow_t
  use mechanism_source, only: counts, thermodynamic_tables, gibbs_tables, transport_tables, rates_source, losses_source
  implicit none
  private
  public :: kernel_source, file_text, kernel_name, stage_kernels

  !> First those of each stage of a step, then those of some steps alone.
  character(10), parameter :: kernel_name(7) = [character(10) :: 'primitives', 'chemistry', 'fluxes', 'divergence', 'update', &
                                                'rates', 'filter']
  integer, parameter :: stage_kernels = 5

  interface
    type(c_ptr) function embedded_file(name) bind(c, name='s3d_embedded_file')
      import
      character(kind=c_char), intent(in) :: name(*)
    end function
    integer(c_size_t) function strlen(text) bind(c, name='strlen')
      import
      type(c_ptr), value :: text
    end function
  end interface

contains

  !> All but the macros of the kernel language, which the runtime puts before it.
  function kernel_source(f, kernel) result(text)
    type(flow_t), intent(in) :: f
    character(*), intent(in) :: kernel
    character(:), allocatable :: text
    text = option('VISCOUS', f%viscous)//option('REACTING', f%reacting)//option('CORRECTION_VELOCITY', f%correction_velocity)// &
           counts(f%mech)//file_text('tile.h')
    select case (kernel)
    case ('primitives')
      text = text//thermodynamic_tables(f%mech)//file_text('thermodynamics.h')
    case ('chemistry')
      if (f%reacting) text = text//thermodynamic_tables(f%mech)//gibbs_tables(f%mech)//file_text('kinetics.h')//rates_source(f%mech)
    case ('fluxes')
      if (f%viscous) text = text//thermodynamic_tables(f%mech)//file_text('thermodynamics.h')//transport_tables(f%mech)// &
                            file_text('transport.h')//file_text('stencil.h')
    case ('divergence', 'filter')
      text = text//file_text('stencil.h')
    case ('rates')
      text = text//thermodynamic_tables(f%mech)//file_text('thermodynamics.h')
      if (f%viscous) text = text//transport_tables(f%mech)//file_text('transport.h')
      if (f%reacting) text = text//gibbs_tables(f%mech)//file_text('kinetics.h')//losses_source(f%mech)
    end select
    text = text//file_text(kernel//'.c')
  end function

  function option(name, on) result(text)
    character(*), intent(in) :: name
    logical, intent(in) :: on
    character(:), allocatable :: text
    text = '#define '//name//' '//merge('1', '0', on)//new_line('a')
  end function

  !> A file of this folder; the build made sure that it is there.
  function file_text(name) result(text)
    character(*), intent(in) :: name
    character(:), allocatable :: text
    character(kind=c_char), pointer :: characters(:)
    type(c_ptr) :: at
    integer :: c
    at = embedded_file(name//c_null_char)
    call c_f_pointer(at, characters, [strlen(at)])
    allocate (character(size(characters)) :: text)
    do c = 1, size(characters)
      text(c:c) = characters(c)
    end do
  end function
end module
