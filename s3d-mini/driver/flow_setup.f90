!> The flow a settings file describes: its mechanism and which terms it has.
module flow_setup
  use flow, only: flow_t
  use mechanism_reader, only: mechanism_read
  use settings, only: settings_t, stop_with
  implicit none
  private
  public :: flow_from

contains

  subroutine flow_from(s, f)
    type(settings_t), intent(in) :: s
    type(flow_t), intent(out) :: f
    character(512) :: error
    call mechanism_read(trim(s%mechanism), f%mech, error)
    if (error /= '') call stop_with(trim(error))
    f%n = size(f%mech%molecular_weight)
    f%viscous = s%viscous
    f%reacting = s%reacting
    f%correction_velocity = s%correction_velocity
  end subroutine
end module
