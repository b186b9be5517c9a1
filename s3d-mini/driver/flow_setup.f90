!> From an input file to what it describes: settings, the mechanism and which terms the equations have.
module flow_setup
  use failure, only: end_if_any
  use flow, only: flow_t
  use initial, only: initial_check
  use mechanism, only: species_index
  use mechanism_reader, only: mechanism_read
  use settings, only: settings_t, settings_read
  implicit none
  private
  public :: set_up, flow_from

contains

  !> Collective: what is wrong with the input file ends the program on all ranks.
  subroutine set_up(path, s, f)
    character(*), intent(in) :: path
    type(settings_t), intent(out) :: s
    type(flow_t), intent(out) :: f
    character(512) :: error
    call settings_read(path, s, error)
    call end_if_any(error)
    call flow_from(s, f, error)
    if (error == '') call initial_check(s, f, error)
    call end_if_any(error)
  end subroutine

  !> `error` stays empty when all went well.
  subroutine flow_from(s, f, error)
    type(settings_t), intent(in) :: s
    type(flow_t), intent(out) :: f
    character(*), intent(out) :: error
    call mechanism_read(trim(s%mechanism), f%mech, error)
    if (error /= '') return
    f%n = size(f%mech%molecular_weight)
    f%viscous = s%viscous
    f%reacting = s%reacting
    f%correction_velocity = s%correction_velocity
    if (f%viscous .and. .not. f%mech%has_transport) &
      error = 'viscous = .true. needs transport data, and '//trim(s%mechanism)//' has neither transport.fits nor tran.dat'
    if (s%pictures .and. s%reacting .and. error == '' .and. species_index(f%mech, s%radical) == 0) &
      error = 'radical = "'//trim(s%radical)//'" is no species of '//trim(s%mechanism)//'; its picture cannot be drawn'
  end subroutine
end module
