!> Which implementations of the right-hand side this build has.
module rhs_choice
  use rhs_method, only: rhs_method_t
#ifdef S3D_WITH_COHORT
  use rhs_direct, only: rhs_direct_t
  use rhs_tasks, only: rhs_tasks_t
#endif
  use rhs_mpi, only: rhs_mpi_t
  use settings, only: stop_with
  implicit none
  private
  public :: rhs_create

contains

  subroutine rhs_create(name, method)
    character(*), intent(in) :: name
    class(rhs_method_t), allocatable, intent(out) :: method
    select case (name)
    case ('mpi')
      allocate (rhs_mpi_t :: method)
#ifdef S3D_WITH_COHORT
    case ('direct')
      allocate (rhs_direct_t :: method)
    case ('tasks')
      allocate (rhs_tasks_t :: method)
#endif
    case default
      call stop_with('method: "'//trim(name)//'" is not in this build; mpi always is, direct and tasks in one with S3D_WITH_COHORT')
      error stop
    end select
  end subroutine
end module
