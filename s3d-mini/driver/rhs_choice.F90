!> Which implementations of the right-hand side this build has.
module rhs_choice
  use rhs_method, only: rhs_method_t, stepping_method_t, mapping_t
#ifdef S3D_WITH_COHORT
  use rhs_direct, only: rhs_direct_t
  use rhs_tasks, only: rhs_tasks_t
#endif
  use rhs_mpi, only: rhs_mpi_t
  use failure, only: end_if_any
  implicit none
  private
  public :: rhs_create

contains

  !> Without `mapping` tasks run by Cohort's default mapper. Plain MPI has no tasks to map. `updates_state`: tasks do so, the
  !> Runge-Kutta loop's Fortran otherwise.
  subroutine rhs_create(name, method, mapping, updates_state)
    character(*), intent(in) :: name
    class(rhs_method_t), allocatable, intent(out) :: method
    type(mapping_t), intent(in), optional :: mapping
    logical, intent(in), optional :: updates_state
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
      call end_if_any('method = "'//trim(name)//'" is not in this build; configure with -DS3D_WITH_COHORT=ON, or choose mpi')
      error stop
    end select
    if (present(mapping)) method%mapping = mapping
    select type (method)
    class is (stepping_method_t)
      if (present(updates_state)) method%updates_state = updates_state
    end select
  end subroutine
end module
